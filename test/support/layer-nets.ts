import type { Layer } from "../../src/model/layers/index.ts";
import * as layers from "../../src/model/layers/index.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";

/** What the nets here take. */
export const SHAPE = [8, 7, 4];

const { conv2d, dense, flatten, input, permute, reshape } = layers;
const first = () => conv2d({ filters: 4, kernelSize: 1, activation: "tanh" });
const end = () => dense({ units: 3, activation: "softmax" });

/** A net in which what is to be looked at stands between layers that learn. */
export function between(...middle: Layer[]): Model {
  const x = input({ shape: SHAPE });
  const y = [first(), ...middle, flatten(), end()].reduce((value, layer) => layer.apply(value), x);
  return model({ inputs: x, outputs: y });
}

/** One in which it takes what two branches give. */
function merging(layer: Layer): Model {
  const x = input({ shape: SHAPE });
  const other = conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "gelu" });
  const y = layer.apply([first().apply(x), other.apply(x)]);
  return model({ inputs: x, outputs: end().apply(flatten().apply(y)) });
}

const sequence = (layer: Layer) => between(reshape({ targetShape: [14, 16] }), layer);
export const kernel = { filters: 5, kernelSize: 3 } as const;
/** By type, each layer in a net, but for those that vary images in training alone. */
export const NETS: Readonly<Record<string, () => Model>> = {
  conv2d: () => between(conv2d({ ...kernel, strides: 2, dilationRate: 1, groups: 1, padding: "same" })),
  dense: () => between(dense({ units: 5, activation: "sigmoid" })),
  maxPooling2d: () => between(layers.maxPooling2d({ poolSize: [3, 2], padding: "same" })),
  averagePooling2d: () => between(layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" })),
  globalAveragePooling2d: () => between(layers.globalAveragePooling2d()),
  globalMaxPooling2d: () => between(layers.globalMaxPooling2d({ keepdims: true })),
  flatten: () => between(flatten()),
  dropout: () => between(layers.dropout({ rate: 0.3 })),
  spatialDropout2d: () => between(layers.spatialDropout2d({ rate: 0.3 })),
  gaussianNoise: () => between(layers.gaussianNoise({ stddev: 0.2 })),
  gaussianDropout: () => between(layers.gaussianDropout({ rate: 0.2 })),
  activation: () => between(layers.activation({ activation: "selu" })),
  leakyRelu: () => between(layers.leakyRelu({ alpha: 0.3 })),
  elu: () => between(layers.elu({ alpha: 0.7 })),
  relu: () => between(layers.relu({ maxValue: 0.6, negativeSlope: 0.2 })),
  prelu: () => between(layers.prelu({ sharedAxes: [1], alphaInitializer: "heNormal" })),
  softmax: () => between(layers.softmax()),
  input: () => between(),
  batchNormalization: () => between(layers.batchNormalization(), conv2d(kernel)),
  layerNormalization: () => between(layers.layerNormalization({ axis: [2, 3] }), conv2d(kernel)),
  groupNormalization: () => between(layers.groupNormalization({ groups: 2 }), conv2d(kernel)),
  add: () => merging(layers.add()),
  subtract: () => merging(layers.subtract()),
  multiply: () => merging(layers.multiply()),
  average: () => merging(layers.average()),
  maximum: () => merging(layers.maximum()),
  minimum: () => merging(layers.minimum()),
  concatenate: () => merging(layers.concatenate({ axis: -1 })),
  depthwiseConv2d: () => between(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2 })),
  separableConv2d: () => between(layers.separableConv2d({ ...kernel, padding: "same", depthMultiplier: 2 })),
  conv2dTranspose: () => between(layers.conv2dTranspose({ ...kernel, strides: 2, padding: "same" })),
  reshape: () => between(reshape({ targetShape: [4, -1, 2] }), conv2d(kernel)),
  permute: () => between(permute({ dims: [3, 1, 2] }), conv2d(kernel)),
  zeroPadding2d: () => between(layers.zeroPadding2d({ padding: 1 }), conv2d(kernel)),
  cropping2d: () => between(layers.cropping2d({ cropping: [1, 2] }), conv2d(kernel)),
  upSampling2d: () => between(layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" })),
  rescaling: () => between(layers.rescaling({ scale: -1.5, offset: 0.3 })),
  normalization: () => between(layers.normalization({ mean: [0.1, 0, -0.2, 0.3], variance: 0.4 })),
  conv1d: () => sequence(layers.conv1d({ ...kernel, dilationRate: 2, padding: "causal" })),
  maxPooling1d: () => sequence(layers.maxPooling1d({ poolSize: 3, strides: 2 })),
  averagePooling1d: () => sequence(layers.averagePooling1d({ poolSize: 3, padding: "same" })),
  globalAveragePooling1d: () => sequence(layers.globalAveragePooling1d()),
  globalMaxPooling1d: () => sequence(layers.globalMaxPooling1d()),
};
