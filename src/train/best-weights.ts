import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Callbacks, EpochInfo, History, Logs } from "./callbacks.ts";
import type { Session } from "./session.ts";

/** fit's restoreBestWeights: keeps a copy of the weights of the best epoch so far, and gives them back at the end. */
export class BestWeights implements Callbacks {
  readonly #session: Session;
  readonly #figure: string;
  readonly #sign: 1 | -1;
  #best: { readonly epoch: number; readonly value: number; readonly weights: NamedTensor[] } | undefined;

  /** `sign`: 1 where more is better, else -1. */
  constructor(session: Session, figure: string, sign: 1 | -1) {
    this.#session = session;
    this.#figure = figure;
    this.#sign = sign;
  }

  onEpochEnd({ epoch }: EpochInfo, logs: Logs): void {
    const value = logs[this.#figure];
    // A validation loss can be NaN: no epoch to go back to.
    if (value === undefined || Number.isNaN(value)) return;
    if (this.#best && this.#sign * value <= this.#sign * this.#best.value) return;
    this.#best = { epoch, value, weights: this.#session.getWeights() };
  }

  /** Where no epoch was finished, the weights stay as they are. */
  onTrainEnd(history: History): void {
    if (!this.#best) return;
    this.#session.setWeights(this.#best.weights);
    history.bestEpoch = this.#best.epoch;
  }

  state(): unknown {
    return this.#best;
  }

  restore(state: unknown): void {
    this.#best = state as never;
  }
}
