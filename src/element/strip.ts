import type { ImageSet } from "../data/types.ts";
import { h, setText } from "./dom.ts";

/** Images in the strip. */
export const SHOWN = 10;

/** A row of test images, and what the model takes them for. */
export class Strip {
  readonly element = h("ul", { class: "samples", part: "samples", "aria-label": "Test images" });
  #images: ImageSet | undefined;
  #classNames: readonly string[] = [];
  #items: { canvas: HTMLCanvasElement; text: HTMLElement }[] = [];

  constructor() {
    this.show(undefined, []);
  }

  /** The images to predict; undefined where none are shown. */
  get images(): ImageSet | undefined {
    return this.#images;
  }

  /** Draws the first images of a set, without predictions; empty places where there is no set. */
  show(set: ImageSet | undefined, classNames: readonly string[]): void {
    this.#classNames = classNames;
    const count = Math.min(SHOWN, set?.count ?? 0);
    const size = set ? set.images.length / set.count : 0;
    this.#images =
      set && count > 0
        ? {
            images: set.images.slice(0, count * size),
            labels: set.labels.slice(0, count),
            count,
            shape: set.shape,
          }
        : undefined;
    this.#items = Array.from({ length: count }, (_, i) => ({
      canvas: draw(this.#images!, i),
      text: h("span", {}, "?"),
    }));
    const places = Array.from({ length: SHOWN }, () => h("li", {}, h("i"), h("span", {}, "\u00a0")));
    const items = this.#items.map(({ canvas, text }) => h("li", {}, canvas, text));
    this.element.replaceChildren(...(count > 0 ? items : places));
    this.element.setAttribute("aria-hidden", String(count === 0));
    this.#items.forEach((_, i) => {
      this.#describe(i, undefined);
    });
  }

  /** @param probabilities `[images, classes]`, as predict() gives them */
  predictions(probabilities: Float32Array): void {
    const classes = probabilities.length / this.#items.length;
    this.#items.forEach((_, i) => {
      const row = probabilities.subarray(i * classes, (i + 1) * classes);
      this.#describe(i, row.indexOf(Math.max(...row)));
    });
  }

  #describe(i: number, prediction: number | undefined): void {
    const { canvas, text } = this.#items[i]!;
    const name = (label: number) => this.#classNames[label] ?? String(label);
    const truth = this.#images!.labels[i]!;
    const known = prediction !== undefined;
    setText(text, known ? name(prediction) : "?");
    text.className = known ? (prediction === truth ? "right" : "wrong") : "";
    text.title = known && prediction !== truth ? `truth: ${name(truth)}` : "";
    canvas.setAttribute(
      "aria-label",
      `test image of class ${name(truth)}, ${known ? "predicted:" : "not predicted yet"}`,
    );
  }
}

/** One image, pixel for pixel: grey or RGB bytes. */
function draw({ images, shape }: ImageSet, index: number): HTMLCanvasElement {
  const [height, width, channels] = shape;
  const canvas = h("canvas", { width, height, role: "img" });
  const pixels = new ImageData(width, height);
  const from = index * height * width * channels;
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 4; c++) {
      const channel = channels < 3 ? 0 : c;
      pixels.data[4 * i + c] = c === 3 ? 255 : images[from + i * channels + channel]!;
    }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}
