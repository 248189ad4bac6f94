import { describe, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { LOSSES, type LossData, type LossName } from "../../src/losses/names.ts";
import * as layers from "../../src/model/layers/index.ts";
import { LAYERS, type Layer } from "../../src/model/layers/index.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf, type TestSessionOptions } from "../support/sessions.ts";
import { expectSlopes } from "../support/slopes.ts";

// Every layer, loss, regularizer: the gradients of a net with it against central differences of the loss that it has.

const COUNT = 6;
const SHAPE = [8, 7, 4];
const common = { images: fixtureValues(COUNT * elements(SHAPE), 1, 1), shape: SHAPE, count: COUNT };
const labelled: Samples = { ...common, labels: fixtureLabels(COUNT, 2, 3) };

async function expectNet(net: Model, samples: Samples, options: TestSessionOptions): Promise<void> {
  const session = await sessionOf(net, { preprocessing: { scale: 1, offset: 0 }, seed: 3, ...options });
  session.trainStep(samples, all(samples));
  expectSlopes(session, samples, all(samples));
}

const { conv2d, dense, flatten, input, permute, reshape } = layers;
const first = () => conv2d({ filters: 4, kernelSize: 1, activation: "tanh" });
const end = () => dense({ units: 3, activation: "softmax" });

/** A net in which what is to be looked at stands between layers that learn. */
function between(...middle: Layer[]): Model {
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
const kernel = { filters: 5, kernelSize: 3 } as const;
/** By type, each layer in a net. */
const NETS: Readonly<Record<string, () => Model>> = {
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

/** These are refused behind what is trained (test/model/augmentation.test.ts): there is no gradient to pass. */
const VARYING = /^random|mixUp|cutMix/;

describe.each(Object.keys(LAYERS).filter((type) => !VARYING.test(type)))("%s", (type) => {
  test.each(BACKENDS)("build %s", async (backend) => {
    await expectNet(NETS[type]!(), labelled, { backend });
  });
});

/** Targets from 0 to 1 of each loss that takes numbers, or from -1 to 1. */
const targets = (low: number) => ({
  ...common,
  targets: fixtureValues(COUNT * 3, 4, 1).map((v) => (low < 0 ? v : (v + 1) / 2)),
});
const CLASSES = ["categorical", "sparse"];
const net = (activation: "softmax" | "sigmoid" | "linear") =>
  sequential([
    conv2d({ ...kernel, activation: "tanh", inputShape: SHAPE }),
    flatten(),
    dense({ units: 3, activation }),
  ]);

/** What each loss is asked for beside its defaults. */
const OPTIONS: { readonly [L in LossName]?: readonly Omit<LossData, "name">[] } = {
  categoricalCrossentropy: [{ labelSmoothing: 0.2 }],
  sparseCategoricalCrossentropy: [{ labelSmoothing: 0.2 }],
  binaryCrossentropy: [{ labelSmoothing: 0.2 }],
  categoricalFocalCrossentropy: [{ gamma: 1.5, alpha: 0.6, labelSmoothing: 0.1 }],
  binaryFocalCrossentropy: [{ gamma: 3, alpha: 0.3, applyClassBalancing: true }],
  huber: [{ delta: 0.4 }],
};

describe.each(LOSSES)("%s", (name) => {
  const takesClasses = CLASSES.some((kind) => name.startsWith(kind)) && name !== "categoricalHinge";
  const binary = name.startsWith("binary");
  const last = takesClasses
    ? "softmax"
    : binary || /klDivergence|poisson|Logarithmic/.test(name)
      ? "sigmoid"
      : "linear";
  const samples = takesClasses
    ? labelled
    : targets(/hinge|cosine|huber|Error$/i.test(name) && last === "linear" ? -1 : 0);
  const asked = [{}, ...(OPTIONS[name] ?? [])].flatMap((options) =>
    takesClasses || binary ? [options, { ...options, fromLogits: true }] : [options],
  );
  describe.each(asked)("%j", (options) => {
    test.each(BACKENDS)("build %s", async (backend) => {
      const fromLogits = "fromLogits" in options;
      for (const fuse of [true, false])
        await expectNet(net(fromLogits ? "linear" : last), samples, {
          backend,
          fuse,
          loss: { name, ...options },
        });
    });
  });
});

test.each(BACKENDS)("what large weights, biases and activations cost, build %s", async (backend) => {
  const { l1, l2, l1l2 } = layers;
  const costs = [l1({ l1: 0.05 }), l2({ l2: 0.04 }), l1l2({ l1: 0.02, l2: 0.03 })];
  for (const cost of costs) {
    const limited = {
      kernelRegularizer: cost,
      biasRegularizer: cost,
      activityRegularizer: cost,
      biasInitializer: "randomNormal",
    } as const;
    await expectNet(between(conv2d({ ...kernel, ...limited }), dense({ units: 3, ...limited })), labelled, {
      backend,
    });
  }
});
