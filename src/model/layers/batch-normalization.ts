import type { Parameter } from "../../compiler/graph.ts";
import { flag, type OptionsOf, optional, real } from "../../options/kinds.ts";
import { initializer } from "./initializer.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";

const options = {
  /** Share of the moving statistics that a step keeps, 0 <= momentum < 1. Default 0.99. */
  momentum: optional(real(0, 1), 0.99),
  /** Added to the variance. Default 0.001. */
  epsilon: optional(real(0, 1, true), 0.001),
  /** Whether a learnt beta is added. Default true. */
  center: optional(flag, true),
  /** Whether the result is scaled by a learnt gamma. Default true. */
  scale: optional(flag, true),
  /** Default "zeros". */
  betaInitializer: optional(initializer, "zeros"),
  /** Default "ones". */
  gammaInitializer: optional(initializer, "ones"),
  /** Default "zeros". */
  movingMeanInitializer: optional(initializer, "zeros"),
  /** Default "ones". */
  movingVarianceInitializer: optional(initializer, "ones"),
};

export interface BatchNormalizationOptions extends LayerOptions, OptionsOf<typeof options> {}

export const BATCH_NORMALIZATION = defineLayer({
  type: "batchNormalization",
  options,
  lower(graph, name, [input], config) {
    const shape = [input.shape.at(-1)!];
    const gamma = config.scale ? graph.parameter(`${name}/gamma`, shape, config.gammaInitializer) : undefined;
    const beta = config.center ? graph.parameter(`${name}/beta`, shape, config.betaInitializer) : undefined;
    const movingMean = graph.parameter(`${name}/movingMean`, shape, config.movingMeanInitializer, "state");
    const movingVariance = graph.parameter(
      `${name}/movingVariance`,
      shape,
      config.movingVarianceInitializer,
      "state",
    );
    const { momentum, epsilon } = config;
    const norm = { gamma, beta, movingMean, movingVariance, epsilon };
    const parameters = [gamma, beta, movingMean, movingVariance].filter(
      (p): p is Parameter => p !== undefined,
    );
    const attributes = { norm, momentum, frozen: !graph.trainable, relu: false, residual: false };
    return graph.op("batchNorm", name, [input], attributes, input.shape, parameters);
  },
});

/**
 * Batch normalization over the last axis (Ioffe and Szegedy 2015): each channel less its mean, over its standard deviation,
 * times gamma, plus beta. In training the batch's statistics, of which moving means are kept (the variance is that of the
 * batch, not divided by n - 1: as Keras 3 has it); else, and where the layer is not trainable, the moving ones.
 * Parameters: gamma, beta, movingMean, movingVariance, each `[channels]`.
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): Layer {
  return layer(BATCH_NORMALIZATION, options);
}
