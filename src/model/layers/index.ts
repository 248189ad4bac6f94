import { PRELU, RELU, SOFTMAX } from "./activations.ts";
import { BATCH_NORMALIZATION } from "./batch-normalization.ts";
import { CONV2D } from "./conv2d.ts";
import { DENSE } from "./dense.ts";
import { DEPTHWISE_CONV2D, SEPARABLE_CONV2D } from "./depthwise-conv2d.ts";
import { INPUT } from "./input.ts";
import type { LayerDefinition } from "./layer.ts";
import { ADD, AVERAGE, CONCATENATE, MAXIMUM, MINIMUM, MULTIPLY, SUBTRACT } from "./merging.ts";
import { GAUSSIAN_DROPOUT, GAUSSIAN_NOISE, SPATIAL_DROPOUT_2D } from "./noise.ts";
import {
  AVERAGE_POOLING_2D,
  GLOBAL_AVERAGE_POOLING_2D,
  GLOBAL_MAX_POOLING_2D,
  MAX_POOLING_2D,
} from "./pooling2d.ts";
import { NORMALIZATION, RESCALING } from "./preprocessing.ts";
import { CROPPING_2D, PERMUTE, RESHAPE, UP_SAMPLING_2D, ZERO_PADDING_2D } from "./reshaping.ts";
import {
  AVERAGE_POOLING_1D,
  CONV1D,
  GLOBAL_AVERAGE_POOLING_1D,
  GLOBAL_MAX_POOLING_1D,
  MAX_POOLING_1D,
} from "./sequences.ts";
import { ACTIVATION, DROPOUT, ELU, FLATTEN, LEAKY_RELU } from "./simple.ts";

export { type PreluOptions, prelu, type ReluOptions, relu, softmax } from "./activations.ts";
export { type BatchNormalizationOptions, batchNormalization } from "./batch-normalization.ts";
export { type Conv2dOptions, conv2d } from "./conv2d.ts";
export { type DenseOptions, dense } from "./dense.ts";
export {
  type DepthwiseConv2dOptions,
  depthwiseConv2d,
  type SeparableConv2dOptions,
  separableConv2d,
} from "./depthwise-conv2d.ts";
export { type ConstantOptions, constant } from "./initializer.ts";
export { type InputOptions, input } from "./input.ts";
export type { Activation, Layer, LayerOptions } from "./layer.ts";
export {
  add,
  average,
  type ConcatenateOptions,
  concatenate,
  maximum,
  minimum,
  multiply,
  subtract,
} from "./merging.ts";
export {
  type GaussianDropoutOptions,
  type GaussianNoiseOptions,
  gaussianDropout,
  gaussianNoise,
  type SpatialDropout2dOptions,
  spatialDropout2d,
} from "./noise.ts";
export {
  averagePooling2d,
  type GlobalPooling2dOptions,
  globalAveragePooling2d,
  globalMaxPooling2d,
  maxPooling2d,
  type Pooling2dOptions,
} from "./pooling2d.ts";
export {
  type NormalizationOptions,
  normalization,
  type RescalingOptions,
  rescaling,
} from "./preprocessing.ts";
export {
  type Borders,
  type Cropping2dOptions,
  cropping2d,
  type PermuteOptions,
  permute,
  type ReshapeOptions,
  reshape,
  type UpSampling2dOptions,
  upSampling2d,
  type ZeroPadding2dOptions,
  zeroPadding2d,
} from "./reshaping.ts";
export {
  averagePooling1d,
  type Conv1dOptions,
  conv1d,
  type GlobalPooling1dOptions,
  globalAveragePooling1d,
  globalMaxPooling1d,
  maxPooling1d,
  type Pooling1dOptions,
} from "./sequences.ts";
export {
  type ActivationOptions,
  activation,
  type DropoutOptions,
  dropout,
  type EluOptions,
  elu,
  flatten,
  type LeakyReluOptions,
  leakyRelu,
} from "./simple.ts";

/**
 * Every layer's definition, by its type: its options with their defaults and checks, and how it lowers. A new layer has its
 * line here, and its function's above.
 */
export const LAYERS = /* @__PURE__ */ byType([
  CONV2D,
  DENSE,
  MAX_POOLING_2D,
  AVERAGE_POOLING_2D,
  GLOBAL_AVERAGE_POOLING_2D,
  FLATTEN,
  DROPOUT,
  ACTIVATION,
  LEAKY_RELU,
  ELU,
  INPUT,
  BATCH_NORMALIZATION,
  ADD,
  MULTIPLY,
  CONCATENATE,
  DEPTHWISE_CONV2D,
  SEPARABLE_CONV2D,
  GLOBAL_MAX_POOLING_2D,
  SUBTRACT,
  AVERAGE,
  MAXIMUM,
  MINIMUM,
  RELU,
  PRELU,
  SOFTMAX,
  RESHAPE,
  PERMUTE,
  ZERO_PADDING_2D,
  CROPPING_2D,
  UP_SAMPLING_2D,
  SPATIAL_DROPOUT_2D,
  GAUSSIAN_NOISE,
  GAUSSIAN_DROPOUT,
  RESCALING,
  NORMALIZATION,
  CONV1D,
  MAX_POOLING_1D,
  AVERAGE_POOLING_1D,
  GLOBAL_AVERAGE_POOLING_1D,
  GLOBAL_MAX_POOLING_1D,
]);

function byType(definitions: readonly unknown[]): Readonly<Record<string, LayerDefinition>> {
  return Object.fromEntries(
    (definitions as LayerDefinition[]).map((definition) => [definition.type, definition]),
  );
}
