import { ModelError } from "../../compiler/errors.ts";
import { formatShape } from "../../compiler/graph.ts";
import { needed, type OptionsOf, optional } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";
import { finite, perChannel } from "./numbers.ts";

const rescalingOptions = {
  /** What each number is multiplied by. */
  scale: needed(finite, 2),
  /** What is added then. Default 0. */
  offset: optional(finite, 0),
};

export interface RescalingOptions extends LayerOptions, OptionsOf<typeof rescalingOptions> {}

export const RESCALING = defineLayer({
  type: "rescaling",
  options: rescalingOptions,
  lower: (graph, name, [input], { scale, offset }) =>
    graph.op("unary", name, [input], { kind: "linear", numbers: [scale, offset] }, input.shape),
});

/**
 * scale x + offset. Byte pixels are numbers from 0 to 1 before they come to a model, unless compile() is told another
 * preprocessing: scale 2 and offset -1 take them to -1 .. 1.
 */
export function rescaling(options: RescalingOptions): Layer {
  return layer(RESCALING, options);
}

const normalizationOptions = {
  /** Mean of the numbers: one, or one a channel. */
  mean: needed(
    perChannel("a number, or a list of one a channel", () => true),
    0,
  ),
  /** Their variance, likewise. */
  variance: needed(
    perChannel("a number >= 0, or a list of one a channel", (value) => value >= 0),
    1,
  ),
};

export interface NormalizationOptions extends LayerOptions, OptionsOf<typeof normalizationOptions> {}

/** Keras's least standard deviation, 1e-7, squared. */
const EPSILON = 1e-14;

export const NORMALIZATION = defineLayer({
  type: "normalization",
  options: normalizationOptions,
  lower(graph, name, [input], config) {
    const { shape } = input;
    const C = shape.at(-1)!;
    const [movingMean, movingVariance] = (["mean", "variance"] as const).map((key) => {
      const value = config[key];
      if (typeof value !== "number" && value.length !== C)
        throw new ModelError(
          `${key} has ${value.length} numbers, expected ${C}, one for each channel of ${formatShape(shape)}`,
          name,
        );
      return graph.parameter(`${name}/${key}`, [C], { type: "constant", value }, "state");
    });
    const norm = {
      gamma: undefined,
      beta: undefined,
      movingMean: movingMean!,
      movingVariance: movingVariance!,
      epsilon: EPSILON,
    };
    const attributes = { norm, momentum: 0, frozen: true, relu: false, residual: false };
    return graph.op("batchNorm", name, [input], attributes, shape, [movingMean!, movingVariance!]);
  },
});

/**
 * (x - mean) / sqrt(variance) of each channel, the last axis. `adapt(samples)` gives the mean and the variance of samples:
 *
 *     sequential([normalization({ ...adapt(train), inputShape: [28, 28, 1] }), ...])
 *
 * Parameters, which no training changes: mean and variance, each `[channels]`.
 */
export function normalization(options: NormalizationOptions): Layer {
  return layer(NORMALIZATION, options);
}
