import { h, s, setText } from "./dom.ts";

/** A point of a curve: x in epochs from the start of training, y the figure. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface CurveOptions {
  readonly title: string;
  /** Formats a figure, for the axis and for screen readers. */
  readonly format: (value: number) => string;
  /** The y range that shows these values well. */
  readonly range: (values: readonly number[]) => readonly [low: number, high: number];
}

/** Drawn points at most: what is beyond is thinned, the newest stay. */
const MOST_POINTS = 600;
/** The drawing's own units; lines and dots keep their width however it is stretched. */
const SIZE = 1000;

/** A small chart of one figure: the training line as it grows, and a dot for each epoch's validation. */
export class Curve {
  readonly element: HTMLElement;
  readonly #options: CurveOptions;
  readonly #svg: SVGSVGElement;
  readonly #train = s("path", { class: "train" });
  readonly #line = s("path", { class: "validation" });
  readonly #dots = s("path", { class: "dots" });
  readonly #high = h("span", { class: "axis top", "aria-hidden": "true" });
  readonly #low = h("span", { class: "axis bottom", "aria-hidden": "true" });
  readonly #now = h("span");
  #training: Point[] = [];
  #validation: Point[] = [];
  #epochs = 1;

  constructor(options: CurveOptions) {
    this.#options = options;
    const grid = s("path", { class: "grid", d: [0, 1, 2].map((i) => `M0 ${500 * i}H${SIZE}`).join("") });
    this.#svg = s(
      "svg",
      { viewBox: `0 0 ${SIZE} ${SIZE}`, preserveAspectRatio: "none", role: "img" },
      grid,
      this.#train,
      this.#line,
      this.#dots,
    );
    this.element = h(
      "figure",
      { part: "curve" },
      h("figcaption", {}, h("b", {}, options.title), this.#now),
      h("div", { class: "plot", part: "plot" }, this.#svg, this.#high, this.#low),
    );
    this.clear(1);
  }

  /** Empties the chart for so many epochs. */
  clear(epochs: number): void {
    this.#epochs = epochs;
    this.#training = [];
    this.#validation = [];
    setText(this.#now, "");
    this.draw();
  }

  addTraining(point: Point): void {
    this.#training.push(point);
    if (this.#training.length > 2 * MOST_POINTS)
      this.#training = this.#training.filter((_, i) => i % 2 === 1);
  }

  addValidation(point: Point): void {
    this.#validation.push(point);
  }

  /** Text beside the title: the newest figures. */
  describe(text: string): void {
    setText(this.#now, text);
  }

  draw(): void {
    const { format, range, title } = this.#options;
    const values = [...this.#training, ...this.#validation].map(({ y }) => y).filter(Number.isFinite);
    const [low, high] = range(values);
    const place = ({ x, y }: Point) => {
      const share = (Math.min(Math.max(y, low), high) - low) / (high - low);
      return `${((SIZE * x) / this.#epochs).toFixed(1)} ${(SIZE * (1 - share)).toFixed(1)}`;
    };
    const points = (all: readonly Point[]) => all.filter(({ y }) => Number.isFinite(y)).map(place);
    const join = (all: readonly string[]) => (all.length > 1 ? `M${all.join("L")}` : "");
    this.#train.setAttribute("d", join(points(this.#training)));
    const dots = points(this.#validation);
    this.#line.setAttribute("d", join(dots));
    // A line of no length has round ends, which keep their shape where the drawing is stretched.
    this.#dots.setAttribute("d", dots.map((at) => `M${at}h0.01`).join(""));
    setText(this.#high, values.length > 0 ? format(high) : "");
    setText(this.#low, values.length > 0 ? format(low) : "");
    const last = (all: readonly Point[]) => (all.length > 0 ? format(all.at(-1)!.y) : undefined);
    const [train, validation] = [last(this.#training), last(this.#validation)];
    this.#svg.setAttribute(
      "aria-label",
      train === undefined
        ? `${title}: no figures yet`
        : `${title}: training ${train}${validation === undefined ? "" : `, validation ${validation}`}`,
    );
  }
}

/** From 0 to a round number above the largest value that counts: the first steps' losses stay off the chart. */
export function lossRange(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const most = sorted[sorted.length - 1 - Math.floor(0.03 * sorted.length)] ?? 1;
  return [0, roundUp(most)];
}

/** From a tenth below what most values have, to 1. */
export function accuracyRange(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[Math.floor(0.1 * sorted.length)] ?? 0;
  return [Math.min(0.9, Math.floor(10 * least) / 10), 1];
}

/** 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
