import { describe, expect, test } from "vitest";
import { BACKENDS, type Backend } from "../../src/engine/engine.ts";
import {
  activation,
  add,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  flatten,
  globalAveragePooling2d,
  input,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf as sessionWith } from "../support/sessions.ts";
import { expectSlopes, gradientsOf } from "../support/slopes.ts";

const COUNT = 5;
/** Of a picture and of numbers: classes by label, numbers by target. */
const samples: Samples = {
  images: [fixtureValues(COUNT * 30, 1, 1), fixtureValues(COUNT * 4, 2, 1)],
  shape: [[5, 3, 2], [4]],
  count: COUNT,
  labels: [fixtureLabels(COUNT, 3, 3), undefined],
  targets: [undefined, fixtureValues(COUNT * 2, 4, 1)],
};

const tanh = (x: SymbolicTensor) => activation({ activation: "tanh" }).apply(x);
const softmax = (x: SymbolicTensor) => dense({ units: 3, activation: "softmax" }).apply(x);

/** Each gives three classes and two numbers. */
const NETS: Readonly<Record<string, (picture: SymbolicTensor, numbers: SymbolicTensor) => SymbolicTensor[]>> =
  {
    "a layer shared by branches of both inputs": (picture, numbers) => {
      const shared = dense({ units: 4, activation: "tanh" });
      const conv = conv2d({ filters: 4, kernelSize: 2, activation: "relu" }).apply(picture);
      const [a, b] = [shared.apply(globalAveragePooling2d().apply(conv)), shared.apply(numbers)];
      return [softmax(concatenate().apply([a, b])), dense({ units: 2 }).apply(add().apply([a, b]))];
    },
    "an output that another branch reads": (picture, numbers) => {
      const first = softmax(flatten().apply(picture));
      return [first, tanh(dense({ units: 2 }).apply(concatenate().apply([first, numbers])))];
    },
    "an output that is an inner value, of relu and a sum": (picture, numbers) => {
      const inner = add().apply([
        dense({ units: 2 }).apply(flatten().apply(picture)),
        dense({ units: 2 }).apply(numbers),
      ]);
      const positive = activation({ activation: "relu" }).apply(inner);
      return [softmax(concatenate().apply([positive, inner])), inner];
    },
    "normalized, and read on both sides": (picture, numbers) => {
      const conv = conv2d({ filters: 3, kernelSize: 3, padding: "same", useBias: false }).apply(picture);
      const normed = activation({ activation: "relu" }).apply(
        batchNormalization({ betaInitializer: "heNormal" }).apply(conv),
      );
      const both = concatenate().apply([globalAveragePooling2d().apply(normed), numbers]);
      return [softmax(flatten().apply(normed)), dense({ units: 2 }).apply(both)];
    },
    "outputs that have an input each": (picture, numbers) => [
      softmax(flatten().apply(picture)),
      dense({ units: 2 }).apply(numbers),
    ],
  };

function build(write: (typeof NETS)[string]): Model {
  const [picture, numbers] = [input({ shape: [5, 3, 2] }), input({ shape: [4] })];
  return model({ inputs: [picture, numbers], outputs: write(picture, numbers) });
}

const sessionOf = (net: Model, backend: Backend, { fuse = true, threads = 1, weights = [1, 0.3] } = {}) =>
  sessionWith(net, {
    backend,
    threads,
    seed: 3,
    outputs: (["categoricalCrossentropy", "meanSquaredError"] as const).map((loss, i) => ({
      name: `${i}`,
      loss,
      weight: weights[i]!,
      metrics: [],
    })),
    preprocessing: { scale: 1, offset: 0 },
    fuse,
  });

const rows = all(samples);

describe.each(Object.entries(NETS))("%s", (_, write) => {
  test.each(BACKENDS)("build %s: every gradient is the slope of the weighted sum", async (backend) => {
    const session = await sessionOf(build(write), backend);
    const { loss, outputs } = session.trainStep(samples, rows);
    const [first, second] = outputs.map(({ meanLoss }) => meanLoss[0]!);
    expect(loss).toBe(first! + 0.3 * second!);
    expectSlopes(session, samples, rows);
  });

  test.each(BACKENDS)("build %s: fused, unfused and on three threads, the same", async (backend) => {
    const net = build(write);
    const results: { out: Float32Array[]; loss: number; gradients: Float32Array[] }[] = [];
    for (const options of [{}, { threads: 3 }, { fuse: false }]) {
      const session = await sessionOf(net, backend, options);
      const out = [new Float32Array(COUNT * 3), new Float32Array(COUNT * 2)];
      session.predictStep(samples, rows, out);
      const { loss } = session.trainStep(samples, rows);
      results.push({ out, loss, gradients: gradientsOf(session).map(([, data]) => data) });
    }
    expect(results[1]).toEqual(results[0]);
    expect(Math.abs(results[2]!.loss - results[0]!.loss)).toBeLessThan(1e-5);
    results[0]!.gradients.forEach((gradient, i) => {
      const largest = Math.max(...gradient.map(Math.abs));
      gradient.forEach((value, k) => {
        expect(Math.abs(value - results[2]!.gradients[i]![k]!)).toBeLessThan(2e-5 * largest);
      });
    });
  });

  test("the gradient of the sum is the weighted sum of the gradients", async () => {
    const [both, first, second] = await Promise.all(
      [
        [2, -0.5],
        [1, 0],
        [0, 1],
      ].map(async (weights) => {
        const session = await sessionOf(build(write), "simd", { weights });
        session.trainStep(samples, rows);
        return gradientsOf(session).map(([, data]) => data);
      }),
    );
    both!.forEach((gradient, i) => {
      const largest = Math.max(...gradient.map(Math.abs));
      gradient.forEach((value, k) => {
        expect(Math.abs(value - (2 * first![i]![k]! - 0.5 * second![i]![k]!))).toBeLessThan(
          1e-5 * (1 + largest),
        );
      });
    });
  });
});
