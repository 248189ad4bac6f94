import { needed, type OptionsOf, real } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";
import { F32_END } from "./numbers.ts";
import { requireImage } from "./reshaping.ts";

const spatialOptions = {
  /** Share of the channels set to 0 in training, 0 <= rate < 1; the others are scaled by 1 / (1 - rate). */
  rate: needed(real(0, 1)),
};

export interface SpatialDropout2dOptions extends LayerOptions, OptionsOf<typeof spatialOptions> {}

export const SPATIAL_DROPOUT_2D = defineLayer({
  type: "spatialDropout2d",
  options: spatialOptions,
  lower(graph, name, [input], { rate }) {
    requireImage(input, name);
    return graph.op("channelDropout", name, [input], { rate, stream: graph.stream() }, input.shape);
  },
});

/** Dropout of whole channels of an image (Tompson et al. 2015), drawn from the model's seed; does nothing outside training. */
export function spatialDropout2d(options: SpatialDropout2dOptions): Layer {
  return layer(SPATIAL_DROPOUT_2D, options);
}

const noiseOptions = {
  /** Standard deviation of the noise. */
  stddev: needed(real(0, F32_END), 0.1),
};

export interface GaussianNoiseOptions extends LayerOptions, OptionsOf<typeof noiseOptions> {}

export const GAUSSIAN_NOISE = defineLayer({
  type: "gaussianNoise",
  options: noiseOptions,
  lower: (graph, name, [input], { stddev }) =>
    graph.op("gaussian", name, [input], { stddev, scales: false, stream: graph.stream() }, input.shape),
});

/** Adds normal noise of mean 0, drawn from the model's seed; does nothing outside training. */
export function gaussianNoise(options: GaussianNoiseOptions): Layer {
  return layer(GAUSSIAN_NOISE, options);
}

const gaussianDropoutOptions = {
  /** As dropout's, 0 <= rate < 1: the noise's standard deviation is sqrt(rate / (1 - rate)). */
  rate: needed(real(0, 1)),
};

export interface GaussianDropoutOptions extends LayerOptions, OptionsOf<typeof gaussianDropoutOptions> {}

export const GAUSSIAN_DROPOUT = defineLayer({
  type: "gaussianDropout",
  options: gaussianDropoutOptions,
  lower: (graph, name, [input], { rate }) => {
    // Math.sqrt is correctly rounded wherever JavaScript runs, though no standard says so of all: f32 hides its last bits.
    const stddev = Math.fround(Math.sqrt(rate / (1 - rate)));
    return graph.op("gaussian", name, [input], { stddev, scales: true, stream: graph.stream() }, input.shape);
  },
});

/** Times normal noise of mean 1 (Srivastava et al. 2014), drawn from the model's seed; does nothing outside training. */
export function gaussianDropout(options: GaussianDropoutOptions): Layer {
  return layer(GAUSSIAN_DROPOUT, options);
}
