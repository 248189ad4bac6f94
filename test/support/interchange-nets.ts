import { LAYERS } from "../../src/model/layers/index.ts";
import type { ModelConfig } from "../../src/model/model-config.ts";
import { type Model, modelFromConfig } from "../../src/node.ts";
import { randomOf } from "./mutate.ts";

type Layers = ModelConfig["layers"];

const IMAGE = [8, 8, 4];
const STEPS = [10, 4];

/** Options of a layer of each type, where they are not the defaults; and the shape that it takes, where that is no image. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  conv2d: { filters: 6, kernelSize: 3, strides: [2, 1], padding: "same", groups: 2, activation: "relu" },
  dense: {
    units: 5,
    activation: "tanh",
    kernelInitializer: { type: "truncatedNormal", stddev: 0.1 },
    kernelRegularizer: { l1: 0, l2: 0.01 },
    kernelConstraint: { type: "maxNorm", maxValue: 30, axis: 0 },
  },
  maxPooling2d: { poolSize: [2, 3], strides: 2, padding: "same" },
  averagePooling2d: { poolSize: 3, strides: 2, padding: "same" },
  globalAveragePooling2d: { keepdims: true },
  dropout: { rate: 0.3 },
  activation: { activation: "hardSigmoid" },
  leakyRelu: { alpha: 0.1 },
  elu: { alpha: 0.7 },
  batchNormalization: { epsilon: 0.01, momentum: 0.9, scale: false },
  depthwiseConv2d: {
    kernelSize: 3,
    depthMultiplier: 2,
    padding: "same",
    dilationRate: 2,
    activation: "silu",
  },
  separableConv2d: { filters: 5, kernelSize: [3, 2], depthMultiplier: 2, useBias: false },
  conv2dTranspose: { filters: 3, kernelSize: 3, strides: 2, padding: "same", outputPadding: 1 },
  layerNormalization: { axis: [2, 3] },
  groupNormalization: { groups: 2 },
  randomFlip: { mode: "horizontal" },
  randomTranslation: { heightFactor: 0.1, widthFactor: [0, 0.2], fillMode: "constant" },
  randomRotation: { factor: 0.1 },
  randomZoom: { heightFactor: 0.2, interpolation: "nearest" },
  randomCrop: { height: 5, width: 6 },
  randomContrast: { factor: 0.2 },
  randomBrightness: { factor: 0.2 },
  relu: { maxValue: 6, negativeSlope: 0.1, threshold: 0.2 },
  prelu: { sharedAxes: [1, 2] },
  reshape: { targetShape: [4, -1, 2] },
  permute: { dims: [3, 1, 2] },
  zeroPadding2d: {
    padding: [
      [1, 0],
      [2, 3],
    ],
  },
  cropping2d: { cropping: [1, 2] },
  upSampling2d: { size: [2, 3], interpolation: "bilinear" },
  spatialDropout2d: { rate: 0.2 },
  gaussianNoise: { stddev: 0.2 },
  gaussianDropout: { rate: 0.2 },
  rescaling: { scale: 2, offset: -1 },
  normalization: { mean: [0.1, 0.2, 0.3, 0.4], variance: [1, 2, 3, 4] },
  conv1d: { filters: 5, kernelSize: 3, padding: "causal", dilationRate: 2, activation: "gelu" },
  maxPooling1d: { poolSize: 3, strides: 2 },
  averagePooling1d: { padding: "same" },
}; // prettier-ignore

const END: Layers = [
  { type: "flatten", name: "flat" },
  { type: "dense", name: "end", units: 3, activation: "softmax" },
];

/** A small model with a layer of each type, by the types; and graphs. */
export function interchangeNets(): Readonly<Record<string, ModelConfig>> {
  const nets: Record<string, ModelConfig> = { ...GRAPHS };
  for (const { type, merges } of Object.values(LAYERS)) {
    if (type === "input") continue;
    const own = { type, name: `my_${type}`, ...OPTIONS[type] };
    nets[type] = merges ? merging(own) : chain(own, type.endsWith("1d") ? STEPS : IMAGE);
  }
  return nets;
}

function chain(own: Layers[number], inputShape: readonly number[]): ModelConfig {
  return { name: `of_${own.type}`, layers: [{ ...own, inputShape }, ...END] };
}

function merging(own: Layers[number]): ModelConfig {
  const [flat, end] = END;
  return {
    name: `of_${own.type}`,
    inputs: ["a", "b"],
    outputs: ["end"],
    layers: [
      { type: "input", name: "a", shape: IMAGE },
      { type: "input", name: "b", shape: IMAGE },
      { ...own, from: ["a", "b"] },
      { ...flat!, from: [own.name as string] },
      { ...end!, from: ["flat"] },
    ],
  };
}

const GRAPHS: Readonly<Record<string, ModelConfig>> = {
  // Layers whose order in Keras is another than here; one that is called twice; two inputs, two outputs.
  "a graph": {
    name: "shared",
    inputs: ["left", "right"],
    outputs: ["sum", "head"],
    layers: [
      { type: "input", name: "left", shape: [6, 6, 3] },
      { type: "input", name: "right", shape: [6, 6, 3] },
      { type: "conv2d", name: "c1", filters: 4, kernelSize: 3, padding: "same", from: ["right"] },
      { type: "conv2d", name: "c2", filters: 4, kernelSize: 3, padding: "same", from: ["left"] },
      { type: "batchNormalization", name: "b1", from: ["c2"] },
      { type: "conv2d", name: "shared", filters: 4, kernelSize: 1, from: ["c1"] },
      { type: "conv2d", again: "shared", from: ["b1"] },
      { type: "add", name: "sum", from: ["shared", "shared:2"] },
      { type: "globalAveragePooling2d", name: "pool", from: ["shared:2"] },
      { type: "dense", name: "d2", units: 4, from: ["pool"] },
      { type: "dense", name: "d1", units: 4, trainable: false, from: ["pool"] },
      { type: "concatenate", name: "both", from: ["d1", "d2"] },
      { type: "dense", name: "head", units: 3, activation: "softmax", from: ["both"] },
    ],
  },
  "odd names": {
    name: "odd names ü",
    layers: [
      { type: "flatten", name: "my layer: ü", inputShape: [3, 3, 1] },
      { type: "dense", name: "größe 2", units: 4 },
      { type: "dense", name: "input", units: 2 },
    ],
  },
};

export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const COUNT = 3;

/** The compiled model with weights of its own that a seed fixes, and inputs for it. */
export async function prepared(
  config: ModelConfig,
  seed: number,
): Promise<{ model: Model; inputs: Numbers[] }> {
  const model = modelFromConfig(config);
  await model.compile({ threads: 1, seed: 1, loss: "meanSquaredError" });
  const below = randomOf(seed);
  const between = (low: number, high: number) =>
    Math.fround(low + ((high - low) * below(1 << 24)) / (1 << 24));
  model.setWeights(
    model.getWeights().map(({ name, shape, data }) => ({
      name,
      shape,
      data: data.map(() => (/variance$/i.test(name) ? between(0.5, 2) : between(-0.5, 0.5))),
    })),
  );
  const inputs = model.inputs.map(({ shape }) => ({
    shape,
    values: Array.from({ length: COUNT * shape.reduce((a, b) => a * b, 1) }, () => between(-1, 1.5)),
  }));
  return { model, inputs };
}

/** What a model gives for inputs: its outputs, one behind the other. */
export async function predicted(model: Model, inputs: readonly Numbers[]): Promise<number[]> {
  const images = inputs.map(({ values }) => Float32Array.from(values));
  const shape = inputs.map((input) => input.shape);
  const samples =
    inputs.length === 1
      ? {
          images: images[0]!,
          shape: shape[0]!,
          count: images[0]!.length / shape[0]!.reduce((a, b) => a * b, 1),
        }
      : { images, shape, count: COUNT };
  const outputs = (await model.predict<Float32Array[]>(samples)) as Float32Array | Float32Array[];
  return [outputs].flat().flatMap((output) => [...output]);
}

/** The greatest difference of two lists of numbers. */
export function farthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
