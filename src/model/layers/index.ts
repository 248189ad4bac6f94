import { PRELU, RELU, SOFTMAX } from "./activations.ts";
import {
  CUT_MIX,
  MIX_UP,
  RANDOM_BRIGHTNESS,
  RANDOM_CONTRAST,
  RANDOM_CROP,
  RANDOM_ERASING,
  RANDOM_FLIP,
  RANDOM_ROTATION,
  RANDOM_TRANSLATION,
  RANDOM_ZOOM,
} from "./augmentation.ts";
import { BATCH_NORMALIZATION } from "./batch-normalization.ts";
import { AVERAGE, MAXIMUM, MINIMUM, SUBTRACT } from "./comparing.ts";
import { CONCATENATE } from "./concatenate.ts";
import { CONV2D } from "./conv2d.ts";
import { CONV2D_TRANSPOSE } from "./conv2d-transpose.ts";
import { DENSE } from "./dense.ts";
import { DEPTHWISE_CONV2D, SEPARABLE_CONV2D } from "./depthwise-conv2d.ts";
import { GLOBAL_AVERAGE_POOLING_2D, GLOBAL_MAX_POOLING_2D } from "./global-pooling2d.ts";
import { INPUT } from "./input.ts";
import type { LayerDefinition } from "./layer.ts";
import { ADD, MULTIPLY } from "./merging.ts";
import { GAUSSIAN_DROPOUT, GAUSSIAN_NOISE, SPATIAL_DROPOUT_2D } from "./noise.ts";
import { GROUP_NORMALIZATION, LAYER_NORMALIZATION } from "./normalization.ts";
import { AVERAGE_POOLING_2D, MAX_POOLING_2D } from "./pooling2d.ts";
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
export {
  type CutMixOptions,
  cutMix,
  type MixUpOptions,
  mixUp,
  type RandomBrightnessOptions,
  type RandomContrastOptions,
  type RandomCropOptions,
  type RandomErasingOptions,
  type RandomFlipOptions,
  type RandomRotationOptions,
  type RandomTranslationOptions,
  type RandomZoomOptions,
  randomBrightness,
  randomContrast,
  randomCrop,
  randomErasing,
  randomFlip,
  randomRotation,
  randomTranslation,
  randomZoom,
} from "./augmentation.ts";
export { type BatchNormalizationOptions, batchNormalization } from "./batch-normalization.ts";
export { average, maximum, minimum, subtract } from "./comparing.ts";
export { type ConcatenateOptions, concatenate } from "./concatenate.ts";
export { type Conv2dOptions, conv2d } from "./conv2d.ts";
export { type Conv2dTransposeOptions, conv2dTranspose } from "./conv2d-transpose.ts";
export { type DenseOptions, dense } from "./dense.ts";
export {
  type DepthwiseConv2dOptions,
  depthwiseConv2d,
  type SeparableConv2dOptions,
  separableConv2d,
} from "./depthwise-conv2d.ts";
export {
  type GlobalPooling2dOptions,
  globalAveragePooling2d,
  globalMaxPooling2d,
} from "./global-pooling2d.ts";
export { type ConstantOptions, constant } from "./initializer.ts";
export { type InputOptions, input } from "./input.ts";
export type { Activation, Layer, LayerOptions } from "./layer.ts";
export { add, multiply } from "./merging.ts";
export {
  type GaussianDropoutOptions,
  type GaussianNoiseOptions,
  gaussianDropout,
  gaussianNoise,
  type SpatialDropout2dOptions,
  spatialDropout2d,
} from "./noise.ts";
export {
  type GroupNormalizationOptions,
  groupNormalization,
  type LayerNormalizationOptions,
  layerNormalization,
} from "./normalization.ts";
export { averagePooling2d, maxPooling2d, type Pooling2dOptions } from "./pooling2d.ts";
export {
  type NormalizationOptions,
  normalization,
  type RescalingOptions,
  rescaling,
} from "./preprocessing.ts";
export {
  type L1L2Options,
  l1,
  l1l2,
  l2,
  type MaxNormOptions,
  type MinMaxNormOptions,
  maxNorm,
  minMaxNorm,
  nonNeg,
  type UnitNormOptions,
  unitNorm,
} from "./regularizer.ts";
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
  CONV2D_TRANSPOSE,
  LAYER_NORMALIZATION,
  GROUP_NORMALIZATION,
  RANDOM_FLIP,
  RANDOM_TRANSLATION,
  RANDOM_ROTATION,
  RANDOM_ZOOM,
  RANDOM_CROP,
  RANDOM_CONTRAST,
  RANDOM_BRIGHTNESS,
  RANDOM_ERASING,
  MIX_UP,
  CUT_MIX,
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
