import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import type { LossName } from "../../src/losses/names.ts";
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  elu,
  flatten,
  globalAveragePooling2d,
  type Layer,
  leakyRelu,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { sequential } from "../../src/train/sequential.ts";
import type { Session } from "../../src/train/session.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { gradients, lossOf, outputs } from "../support/reference/network.ts";
import { all, outputsOf, sessionOf } from "../support/sessions.ts";
import { uniform } from "../support/values.ts";

const IMAGE = [7, 8, 2];
const COUNT = 2;
const images = fixtureValues(COUNT * 7 * 8 * 2, 1, 1);
const common = { images, count: COUNT, shape: IMAGE };
const labels = fixtureLabels(COUNT, 2, 3);
const labelled = {
  ...common,
  labels,
  values: Float32Array.from({ length: 3 * COUNT }, (_, i) => +(labels[Math.floor(i / 3)] === i % 3)),
};
const values = uniform(COUNT * 3, 3, 0, 1);
const valued = { ...common, targets: values, values };

/** f32 against f64, in units of the largest number of a tensor. */
const TOLERANCE = 1e-5;

/** Weights so large that gradients reach the first layer, and biases that are not 0. */
function weightsOf(layers: readonly Layer[]): Float32Array[] {
  return sequential(layers).graph.parameters.map(({ shape }, i) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const fanIn = n / shape.at(-1)!;
    return fixtureValues(n, 10 + i, shape.length === 1 ? 0.3 : 3 / Math.sqrt(fanIn));
  });
}

interface Expected {
  weights: Float32Array[];
  outputs: Float64Array;
  loss: number;
  gradients: Float64Array[];
}
const computed = new Map<string, Expected>();

/** What the reference gives, computed once for all builds. */
function expected(key: string, layers: readonly Layer[], loss: LossName, values: Float32Array): Expected {
  let result = computed.get(key);
  if (!result) {
    const weights = weightsOf(layers);
    const y = outputs(layers, weights, images, COUNT);
    result = {
      weights,
      outputs: y,
      loss: lossOf(loss, y, values, COUNT),
      gradients: gradients(layers, weights, loss, images, values, COUNT),
    };
    computed.set(key, result);
  }
  return result;
}

const largest = (x: Float64Array) => x.reduce((max, v) => Math.max(max, Math.abs(v)), 0);

function expectAgree(session: Session, samples: typeof labelled | typeof valued, reference: Expected): void {
  for (const [i, { data }] of [...session.weights()].entries()) data.set(reference.weights[i]!);
  const near = (x: Float64Array) => ({ atol: TOLERANCE * largest(x), rtol: 0 });
  expectClose(outputsOf(session, samples), reference.outputs, near(reference.outputs));
  expectClose([session.evaluateStep(samples, all(samples)).loss], [reference.loss], { atol: 0, rtol: 1e-6 });
  expectClose([session.trainStep(samples, all(samples)).loss], [reference.loss], { atol: 0, rtol: 1e-6 });
  for (const [i, { parameter, data }] of [...session.gradients()].entries()) {
    const g = reference.gradients[i]!;
    expect(largest(g), `gradient of ${parameter.name} is too small to tell`).toBeGreaterThan(1e-4);
    expectClose(data, g, { ...near(g), shape: parameter.shape });
  }
}

/** Together every kind of layer, and every kind of op that they lower to. */
const NETS: Record<string, (last: Layer) => Layer[]> = {
  convolutions: (last) => [
    conv2d({
      filters: 4,
      kernelSize: 3,
      padding: "same",
      dilationRate: 2,
      activation: "tanh",
      inputShape: IMAGE,
    }),
    averagePooling2d({ poolSize: 2, padding: "same" }),
    conv2d({ filters: 5, kernelSize: [3, 2], padding: "same", activation: "relu" }),
    maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
    dropout({ rate: 0 }),
    leakyRelu({ alpha: 0.2 }),
    flatten(),
    last,
  ],
  "means and dense layers": (last) => [
    conv2d({ filters: 6, kernelSize: [4, 3], strides: [2, 1], useBias: false, inputShape: IMAGE }),
    maxPooling2d({ poolSize: [1, 2], strides: 1 }),
    elu({ alpha: 0.7 }),
    globalAveragePooling2d(),
    dense({ units: 7, activation: "sigmoid" }),
    dense({ units: 5, activation: "softmax" }),
    dense({ units: 6, activation: "relu" }),
    activation({ activation: "linear" }),
    last,
  ],
};
const end = (name: "softmax" | "sigmoid" | "linear") => dense({ units: 3, activation: name });

describe.each(BACKENDS)("whole nets against central differences in f64, build %s", (backend) => {
  const losses: [LossName, "softmax" | "sigmoid" | "linear", typeof labelled | typeof valued][] = [
    ["categoricalCrossentropy", "softmax", labelled],
    ["sparseCategoricalCrossentropy", "sigmoid", labelled],
    ["binaryCrossentropy", "softmax", labelled],
    ["binaryCrossentropy", "sigmoid", valued],
    ["meanAbsoluteError", "linear", valued],
    ["meanSquaredError", "linear", valued],
    ["meanSquaredError", "softmax", valued],
  ];
  describe.each(Object.entries(NETS))("%s", (name, net) => {
    test.each(losses)("%s on %s", async (loss, last, samples) => {
      const layers = net(end(last));
      const reference = expected(`${name} ${loss} ${last}`, layers, loss, samples.values);
      for (const fuse of [true, false])
        expectAgree(await sessionOf(layers, { backend, loss, fuse }), samples, reference);
    });
  });

  // Ops that work in place, next to ops that need in backward what the tensor held.
  const conv = (name: "tanh" | "sigmoid" | "elu" | "relu" | "linear") =>
    conv2d({ filters: 3, kernelSize: 3, strides: 3, activation: name, inputShape: IMAGE });
  const act = (name: "tanh" | "sigmoid" | "elu" | "softmax" | "relu") => activation({ activation: name });
  test.each<[string, Layer[]]>([
    ["two activations in a row", [conv("tanh"), act("sigmoid"), flatten()]],
    ["three activations in a row", [conv("elu"), act("tanh"), act("sigmoid"), flatten()]],
    ["an activation on both sides of flatten", [conv("tanh"), flatten(), act("sigmoid")]],
    ["two flattens between activations", [conv("sigmoid"), flatten(), flatten(), act("tanh"), flatten()]],
    ["fused relu, flatten, tanh", [conv("relu"), flatten(), act("tanh")]],
    ["flatten first, then activations", [flatten({ inputShape: IMAGE }), act("elu"), act("tanh")]],
    ["an activation first", [{ ...act("tanh"), inputShape: IMAGE }, conv("tanh"), flatten()]],
    ["softmax in the middle", [conv("tanh"), flatten(), act("softmax"), dense({ units: 4 }), act("softmax")]],
    ["softmax behind sigmoid behind flatten", [conv("sigmoid"), flatten(), act("softmax")]],
    [
      "activation, flatten, activation on an average",
      [conv("elu"), averagePooling2d(), act("tanh"), flatten(), act("elu")],
    ],
    ["pool, flatten, activation", [conv("linear"), maxPooling2d(), flatten(), act("tanh")]],
    [
      "pool, activation, flatten, activation",
      [conv("linear"), maxPooling2d(), act("tanh"), flatten(), act("elu")],
    ],
    ["global average, activations", [conv("elu"), globalAveragePooling2d(), act("sigmoid"), act("tanh")]],
    [
      "dense, activations",
      [flatten({ inputShape: IMAGE }), dense({ units: 5 }), act("tanh"), flatten(), act("sigmoid")],
    ],
  ])("in place: %s", async (name, head) => {
    const layers = [...head, end("softmax")];
    const reference = expected(name, layers, "categoricalCrossentropy", labelled.values);
    for (const fuse of [true, false])
      expectAgree(await sessionOf(layers, { backend, fuse }), labelled, reference);
  });
});

test("the comparison fails on a gradient that is a little wrong", async () => {
  const layers = NETS.convolutions!(end("softmax"));
  const reference = expected(
    "convolutions categoricalCrossentropy softmax",
    layers,
    "categoricalCrossentropy",
    labelled.values,
  );
  const session = await sessionOf(layers);
  expectAgree(session, labelled, reference);
  for (const wrong of reference.gradients.keys()) {
    const scaled = reference.gradients.map((g, i) => (i === wrong ? g.map((v) => v * (1 + 1e-4)) : g));
    expect(() => expectAgree(session, labelled, { ...reference, gradients: scaled })).toThrow(
      "values differ",
    );
  }
});
