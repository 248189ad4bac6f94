export { type BatchNormalizationOptions, batchNormalization } from "./batch-normalization.ts";
export { type Conv2dOptions, conv2d } from "./conv2d.ts";
export { type DenseOptions, dense } from "./dense.ts";
export { type InputOptions, input } from "./input.ts";
export type { Activation, Layer, LayerOptions } from "./layer.ts";
export { add, type ConcatenateOptions, concatenate, multiply } from "./merging.ts";
export {
  averagePooling2d,
  globalAveragePooling2d,
  maxPooling2d,
  type Pooling2dOptions,
} from "./pooling2d.ts";
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
