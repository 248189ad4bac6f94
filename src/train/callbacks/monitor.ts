import { oneOf, optional, text } from "../../options/kinds.ts";
import { nearest } from "../../options/names.ts";
import { show } from "../../options/show.ts";
import type { TrainInfo } from "../history.ts";

type Mode = "auto" | "min" | "max";

/** Options of callbacks that watch a figure. */
export const MONITOR = {
  /** The figure to watch. Default "val_loss". */
  monitor: optional({ ...text, example: "val_loss" }, "val_loss"),
  /** Whether the figure is better smaller ("min") or larger ("max"). Default "auto": smaller for losses, else as the metric's `better` says. */
  mode: optional(oneOf<Mode>(["auto", "min", "max"]), "auto"),
};

/** What callbacks that watch a figure share: what they keep, from the beginning or from a state, and what counts as better. */
export class Watch<Kept extends object> {
  kept: Kept;
  readonly #callback: string;
  readonly #monitor: string;
  readonly #mode: Mode;
  readonly #minDelta: number;
  readonly #fresh: () => Kept;
  #sign: 1 | -1 = 1;
  #restored = false;

  constructor(
    callback: string,
    { monitor, mode, minDelta }: { monitor: string; mode: Mode; minDelta: number },
    fresh: () => Kept,
  ) {
    this.#callback = callback;
    this.#monitor = monitor;
    this.#mode = mode;
    this.#minDelta = minDelta;
    this.#fresh = fresh;
    this.kept = fresh();
  }

  /** Throws RangeError unless the training reports the figure. */
  begin(info: TrainInfo): void {
    const at = info.figures.indexOf(this.#monitor);
    if (at < 0) throw notReported(this.#callback, this.#monitor, info);
    this.#sign = this.#mode === "auto" ? info.signs[at]! : this.#mode === "max" ? 1 : -1;
    if (!this.#restored) this.kept = this.#fresh();
    this.#restored = false;
  }

  /** Whether a figure is better than another; where there is none yet, any number is. NaN never is. */
  better(value: number, than: number | undefined): boolean {
    if (than === undefined) return !Number.isNaN(value);
    return this.#sign * value - this.#minDelta > this.#sign * than;
  }

  /** Says whose it is, as a state's callbacks are told apart by their order alone. */
  state(): Kept & { of: string } {
    return { ...this.kept, of: this.#title };
  }

  /** Throws RangeError where the state is another callback's, or of another figure. */
  restore(state: unknown): void {
    const { of, ...kept } = Object(state) as Kept & { of?: string };
    if (of !== this.#title)
      throw new RangeError(
        `initialState has ${of ?? "something else"} where the training has ${this.#title}: give fit(train, { callbacks }) what it had then, in the same order`,
      );
    this.kept = kept as Kept;
    this.#restored = true;
  }

  get #title(): string {
    return `${this.#callback}({ monitor: ${show(this.#monitor)} })`;
  }
}

function notReported(callback: string, monitor: string, { figures }: TrainInfo): RangeError {
  const near = nearest(monitor, figures);
  const advice = near
    ? `did you mean ${show(near)}?`
    : monitor.startsWith("val_")
      ? "give fit() validationSplit or validationData"
      : "ask for it in compile({ metrics })";
  return new RangeError(
    `${callback}: monitor is ${show(monitor)}, but the training reports ${figures.join(", ")}: ${advice}`,
  );
}
