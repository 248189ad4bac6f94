import { describe, expect, test } from "vitest";
import { pointwiseBlocks, pointwiseParts } from "../../src/compiler/ops/pointwise.ts";
import { conv2d, dense, flatten } from "../../src/model/layers/index.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { modelOf } from "../support/sessions.ts";

// Filters of one cell: outputs are shared out, columns where those are few, the same for any number of threads.

const COUNT = 40;
const SHAPE = [16, 17, 5];
const samples = {
  images: fixtureValues(COUNT * 16 * 17 * 5, 1, 1),
  labels: fixtureLabels(COUNT, 2, 3),
  count: COUNT,
  shape: SHAPE,
};

const layers = () => [
  conv2d({ filters: 20, kernelSize: 1, activation: "relu", inputShape: SHAPE }),
  conv2d({ filters: 34, kernelSize: 1, strides: 2, useBias: false }),
  conv2d({ filters: 150, kernelSize: 1, strides: 2, activation: "tanh" }),
  conv2d({ filters: 7, kernelSize: 1 }),
  flatten(),
  dense({ units: 3, activation: "softmax" }),
];

describe.each(["scalar", "simd"] as const)("build %s", (backend) => {
  test.each([1, 8])("one, two and three threads train to the same bits, batch %i", async (batchSize) => {
    const hashes = [];
    for (const threads of [1, 2, 3]) {
      const model = await modelOf(layers(), { backend, threads, seed: 1 });
      const { history } = await model.fit(samples, { batchSize, shuffle: false });
      expect(history.loss[0]).toBeGreaterThan(0);
      hashes.push(await model.weightsSha256());
    }
    expect(new Set(hashes).size).toBe(1);
  });
});

test("tasks cover every output and column once", () => {
  for (const M of [1, 16, 100, 767, 768, 1024, 1568, 5000, 32_768, 401_408])
    for (const C of [1, 3, 64, 1280])
      for (const N of [1, 17, 64, 130, 2048])
        for (const { parts, block, tasks } of [pointwiseBlocks(M, N), pointwiseParts(M, C, N)]) {
          expect(block.cols % 16).toBe(0);
          expect(parts * block.rows).toBeGreaterThanOrEqual(M);
          expect((parts - 1) * block.rows).toBeLessThan(M);
          expect(tasks).toBe(parts * Math.ceil(N / block.cols));
        }
});

test("there is work for several threads where it is much, and parts take less memory than what they are made of", () => {
  for (const [M, C, N] of [
    [32 * 32 * 32, 64, 64],
    [32 * 32, 64, 64],
    [32 * 16, 160, 960],
    [32 * 49, 512, 2048],
    [32 * 4, 1280, 320],
    [16, 160, 960],
  ] as const) {
    expect(pointwiseBlocks(M, N).tasks).toBeGreaterThanOrEqual(4);
    const { parts, tasks } = pointwiseParts(M, C, N);
    expect(tasks).toBeGreaterThanOrEqual(4);
    expect(parts).toBeLessThanOrEqual(16);
    if (parts > 1) expect(parts * C * N).toBeLessThan(M * (C + N));
  }
});
