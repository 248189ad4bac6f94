import type { Layer, Model } from "../../src/index.ts";
import * as api from "../../src/index.ts";
import { ACTIVATIONS } from "../../src/model/layers/layer.ts";

// Nets with each layer in them, in the forms that its options give it.

const { conv2d, dense, flatten, input, model, reshape } = api;
export const NET_SHAPE = [8, 7, 4] as const;

/** A chain of layers, on an image or on what comes of it. */
const chain = (...layers: Layer[]) => {
  const x = input({ shape: [...NET_SHAPE], name: "image" });
  return model({ inputs: x, outputs: layers.reduce((value, layer) => layer.apply(value), x) });
};
const between = (...layers: Layer[]) =>
  chain(conv2d({ filters: 4, kernelSize: 1 }), ...layers, flatten(), dense({ units: 3 }));
const sequence = (...layers: Layer[]) =>
  chain(reshape({ targetShape: [14, 16] }), dense({ units: 6 }), ...layers);
const vector = (...layers: Layer[]) => chain(flatten(), dense({ units: 6 }), ...layers);
/** A layer of what two branches give, of one shape and of such as broadcast. */
const merging = (layer: () => Layer) => {
  const x = input({ shape: [...NET_SHAPE] });
  const a = conv2d({ filters: 4, kernelSize: 1 }).apply(x);
  const b = conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "tanh" }).apply(x);
  const y = layer().apply([a, b]);
  return model({ inputs: x, outputs: y });
};
const broadcasting = (layer: () => Layer) => {
  const x = input({ shape: [...NET_SHAPE] });
  const a = conv2d({ filters: 4, kernelSize: 1 }).apply(x);
  const b = api.globalAveragePooling2d().apply(a);
  return model({ inputs: x, outputs: [layer().apply([a, b]), layer().apply([b, a])] });
};

const kernel = { filters: 5, kernelSize: 3 } as const;
const same = { padding: "same" } as const;
const augmentations = [
  () => api.randomFlip(),
  () => api.randomTranslation({ heightFactor: 0.1, widthFactor: 0.1 }),
  () => api.randomRotation({ factor: 0.1 }),
  () => api.randomZoom({ heightFactor: 0.1 }),
  () => api.randomContrast({ factor: 0.1 }),
  () => api.randomBrightness({ factor: 0.1 }),
  () => api.randomErasing(),
  () => api.mixUp(),
  () => api.cutMix(),
];

/** By type of layer. */
export const NETS: Readonly<Record<string, readonly (() => Model)[]>> = {
  conv2d: [
    () => chain(conv2d({ ...kernel, ...same, strides: 2, activation: "relu" })),
    () => chain(conv2d({ ...kernel, kernelSize: [2, 3], dilationRate: [2, 1], useBias: false })),
    () =>
      chain(
        conv2d({ ...kernel, ...same, filters: 6, groups: 2 }),
        conv2d({ ...kernel, filters: 6, groups: 6 }),
      ),
  ],
  dense: [
    () => chain(flatten(), dense({ units: 5, activation: "sigmoid" }), dense({ units: 2, useBias: false })),
    () => chain(conv2d(kernel), flatten(), dense({ units: 5 })),
    () => chain(conv2d(kernel), dense({ units: 5, activation: "softmax" })),
    () => chain(conv2d(kernel), flatten(), api.batchNormalization(), dense({ units: 5 })),
    () => chain(conv2d(kernel), flatten(), api.dropout({ rate: 0.5 }), api.elu(), dense({ units: 5 })),
  ],
  maxPooling2d: [
    () => between(api.maxPooling2d({ poolSize: [3, 2], ...same })),
    () => between(api.maxPooling2d({ poolSize: 2, strides: 1 })),
  ],
  averagePooling2d: [
    () => between(api.averagePooling2d({ poolSize: 3, strides: 2, ...same })),
    () => between(api.averagePooling2d()),
  ],
  globalAveragePooling2d: [
    () => between(api.globalAveragePooling2d()),
    () => between(api.globalAveragePooling2d({ keepdims: true })),
  ],
  globalMaxPooling2d: [
    () => between(api.globalMaxPooling2d()),
    () => between(api.globalMaxPooling2d({ keepdims: true })),
  ],
  flatten: [
    () => between(flatten()),
    () => sequence(flatten(), dense({ units: 3 })),
    () => chain(conv2d(kernel), flatten()),
  ],
  dropout: [() => between(api.dropout({ rate: 0.3 }))],
  spatialDropout2d: [() => between(api.spatialDropout2d({ rate: 0.3 }))],
  gaussianNoise: [() => between(api.gaussianNoise({ stddev: 0.2 }))],
  gaussianDropout: [() => between(api.gaussianDropout({ rate: 0.2 }))],
  activation: ACTIVATIONS.map((activation) => () => chain(conv2d(kernel), api.activation({ activation }))),
  leakyRelu: [() => between(api.leakyRelu())],
  elu: [() => between(api.elu({ alpha: 0.7 }))],
  relu: [
    {},
    { maxValue: 0.6 },
    { negativeSlope: 0.2 },
    { maxValue: 0.6, negativeSlope: 0.2 },
    { threshold: 0.3 },
    { maxValue: 0.6, threshold: 0.1, negativeSlope: 0.2 },
  ].map((options) => () => chain(conv2d(kernel), api.relu(options))),
  prelu: [
    () => between(api.prelu({ alphaInitializer: "heNormal" })),
    () => between(api.prelu({ sharedAxes: [1, 2], alphaInitializer: "heNormal" })),
    () => vector(api.prelu({ alphaInitializer: "randomNormal" })),
  ],
  softmax: [() => chain(conv2d(kernel), api.softmax()), () => vector(api.softmax())],
  input: [() => between()],
  batchNormalization: [
    () => between(api.batchNormalization(), conv2d(kernel)),
    () => between(api.batchNormalization({ center: false, scale: false, epsilon: 1e-5 })),
    () => vector(api.batchNormalization()),
    () => sequence(api.batchNormalization()),
  ],
  layerNormalization: [
    () => between(api.layerNormalization(), conv2d(kernel)),
    () => between(api.layerNormalization({ axis: [1, 2, 3], center: false })),
    () => sequence(api.layerNormalization({ center: false, scale: false })),
    () => vector(api.layerNormalization()),
  ],
  groupNormalization: [
    () => between(api.groupNormalization({ groups: 2 }), conv2d(kernel)),
    () => between(api.groupNormalization({ groups: -1 })),
    () => between(api.groupNormalization({ groups: 1, scale: false })),
    () => vector(api.groupNormalization({ groups: 2 })),
  ],
  add: [() => merging(api.add), () => broadcasting(api.add)],
  subtract: [() => merging(api.subtract), () => broadcasting(api.subtract)],
  multiply: [() => merging(api.multiply), () => broadcasting(api.multiply)],
  average: [() => merging(api.average)],
  maximum: [() => merging(api.maximum), () => broadcasting(api.maximum)],
  minimum: [() => merging(api.minimum)],
  concatenate: [() => merging(api.concatenate), () => merging(() => api.concatenate({ axis: 1 }))],
  depthwiseConv2d: [
    () => between(api.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2 })),
    () => between(api.depthwiseConv2d({ kernelSize: 3, ...same, activation: "relu6", useBias: false })),
  ],
  separableConv2d: [() => between(api.separableConv2d({ ...kernel, ...same, depthMultiplier: 2 }))],
  conv2dTranspose: [
    () => chain(api.conv2dTranspose({ ...kernel, strides: 2, ...same })),
    () => chain(api.conv2dTranspose({ ...kernel, strides: 2 })),
    () => chain(api.conv2dTranspose({ ...kernel, kernelSize: 2, strides: 3, outputPadding: 1 })),
    () => chain(api.conv2dTranspose({ ...kernel, kernelSize: 2, strides: 3, ...same })),
    () => chain(api.conv2dTranspose({ ...kernel, dilationRate: 2, useBias: false })),
  ],
  reshape: [
    () => between(reshape({ targetShape: [4, -1, 2] }), conv2d({ filters: 2, kernelSize: 1 })),
    () => between(reshape({ targetShape: [56, 1, 4] })),
    () => chain(conv2d(kernel), reshape({ targetShape: [30, 5] })),
  ],
  permute: [
    () => between(api.permute({ dims: [3, 1, 2] }), conv2d({ filters: 2, kernelSize: 1 })),
    () => chain(conv2d(kernel), api.permute({ dims: [2, 1, 3] })),
  ],
  zeroPadding2d: [
    () =>
      between(
        api.zeroPadding2d({
          padding: [
            [1, 0],
            [2, 3],
          ],
        }),
        conv2d(kernel),
      ),
  ],
  cropping2d: [
    () => between(api.cropping2d({ cropping: [1, 2] }), conv2d({ ...kernel, kernelSize: 1 })),
    () =>
      chain(
        api.cropping2d({
          cropping: [
            [2, 1],
            [0, 3],
          ],
        }),
        conv2d(kernel),
      ),
  ],
  upSampling2d: [
    () => between(api.upSampling2d({ size: [2, 3], interpolation: "bilinear" })),
    () => between(api.upSampling2d()),
  ],
  rescaling: [
    () => between(api.rescaling({ scale: -1.5, offset: 0.3 })),
    () => chain(api.rescaling({ scale: 2 }), conv2d(kernel)),
    () => chain(api.rescaling({ scale: 1, offset: -0.5 }), conv2d(kernel)),
  ],
  normalization: [
    () => chain(api.normalization({ mean: [0.1, 0, -0.2, 0.3], variance: 0.4 }), conv2d(kernel)),
    () => vector(api.normalization({ mean: 0.2, variance: [1, 2, 3, 4, 5, 6] })),
  ],
  conv1d: [
    () => sequence(api.conv1d({ ...kernel, dilationRate: 2, padding: "causal" }), api.conv1d(kernel)),
    () => sequence(api.conv1d({ ...kernel, ...same, strides: 2, activation: "silu" })),
  ],
  maxPooling1d: [() => sequence(api.maxPooling1d({ poolSize: 3, strides: 2 }))],
  averagePooling1d: [() => sequence(api.averagePooling1d({ poolSize: 3, ...same }))],
  globalAveragePooling1d: [
    () => sequence(api.globalAveragePooling1d()),
    () => sequence(api.globalAveragePooling1d({ keepdims: true })),
  ],
  globalMaxPooling1d: [() => sequence(api.globalMaxPooling1d())],
  randomCrop: [() => between(api.randomCrop({ height: 3, width: 6 }))],
  ...Object.fromEntries(
    augmentations.map((layer) => [layer().type, [() => chain(layer(), conv2d(kernel))] as const]),
  ),
};
