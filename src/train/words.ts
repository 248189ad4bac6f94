// What errors of a training say. Pages that train load it when there is one: see src/browser/in-words.ts.
import { quoted } from "../options/show.ts";

/** All arguments are such that JSON holds them. */
export const trainWords = {
  fewEpochs(epochs: number, initialEpoch: number): string {
    return `epochs is ${epochs} with initialEpoch ${initialEpoch}, expected epochs to be the larger`;
  },

  noFigure(name: string, figures: readonly string[]): string {
    return `restoreBestWeights is '${name}', but fit reports ${figures.join(", ")}: others need validation data, or compile({ metrics })`;
  },

  /** `more`: numbers that are not finite, beside the first. */
  weightsNotFinite(when: string, name: string, value: string, index: number, more: number): string {
    const others = more === 0 ? "" : `, and ${more} more number${more === 1 ? " is" : "s are"} not finite`;
    return `the weights were not finite before ${when}: ${quoted(name)} holds ${value} at index ${index}${others}. Set finite ones with model.setWeights(), or compile() the model to begin anew`;
  },

  /** `list`: place of the array in a list, for models of several inputs or outputs. */
  numberNotFinite(
    what: "input" | "target",
    index: number,
    sample: number,
    value: string,
    list?: number,
  ): string {
    const where = list === undefined ? "" : ` in ${what === "input" ? "images" : "targets"}[${list}]`;
    return `${what} ${index} of sample ${sample}${where} is ${value}, expected finite numbers`;
  },

  /** `scaled`: how bytes become numbers, where the samples are bytes. */
  outOfRange(scaled: { scale: number; offset: number } | undefined): string {
    const pixels = scaled ? ` (pixels become pixel * ${scaled.scale} + ${scaled.offset})` : "";
    return `weights and inputs are finite, but numbers on the way grew beyond the range of f32, 3.4e38. Scale inputs to about 0 to 1${pixels}, and look for large weights`;
  },
};
