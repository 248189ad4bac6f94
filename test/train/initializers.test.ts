import { describe, expect, test } from "vitest";
import type { Initializer } from "../../src/compiler/initializers.ts";
import { batchNormalization, conv2d, dense, flatten, layersFromConfig, sequential } from "../../src/index.ts";
import { expectClose } from "../support/close.ts";
import { modelOf } from "../support/sessions.ts";

/** What a kernel of a dense layer [inputs, units] starts as. */
async function drawn(kernelInitializer: Initializer, [inputs, units]: readonly [number, number], own = {}) {
  const layers = [dense({ units, inputShape: [inputs], kernelInitializer })];
  const model = await modelOf(layers, { loss: "meanSquaredError", ...own });
  return model.getWeights()[0]!.data;
}

function statistics(x: Float32Array) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length);
  return { mean, deviation, largest: x.reduce((a, b) => Math.max(a, Math.abs(b - mean)), 0) };
}

/** A normal that is cut at two standard deviations is as much narrower. */
const CUT = 0.8796;

describe.each(["scalar", "simd"] as const)("build %s", (backend) => {
  const shape = [200, 300] as const;
  test.each([
    ["randomUniform", "randomUniform", 0, 0.1 / Math.sqrt(12), 0.0505],
    ["of its own limits", { type: "randomUniform", minValue: 1, maxValue: 3 }, 2, 2 / Math.sqrt(12), 1.01],
    ["randomNormal", "randomNormal", 0, 0.05, 0.3],
    ["of its own numbers", { type: "randomNormal", mean: 2, stddev: 0.5 }, 2, 0.5, 3],
    ["truncatedNormal", "truncatedNormal", 0, 0.05 * CUT, 0.1002],
    ["of its own deviation", { type: "truncatedNormal", mean: -1, stddev: 0.2 }, -1, 0.2 * CUT, 0.4005],
  ] as const)("%s", async (_, initializer, mean, deviation, limit) => {
    const got = statistics(await drawn(initializer, shape, { backend }));
    expect(got.mean).toBeCloseTo(mean, 1 + Number(Math.abs(deviation) < 0.1));
    expect(got.deviation / deviation).toBeGreaterThan(0.98);
    expect(got.deviation / deviation).toBeLessThan(1.02);
    expect(got.largest).toBeLessThanOrEqual(limit);
    // It reaches nearly as far.
    expect(got.largest).toBeGreaterThan(limit * 0.6);
  });

  test.each([
    ["square", [40, 40], 1],
    ["tall", [60, 17], 1],
    ["wide", [9, 33], 1.5],
  ] as const)("orthogonal, %s: columns or rows of one length at right angles", async (_, size, gain) => {
    const data = await drawn({ type: "orthogonal", gain }, size, { backend });
    const [rows, cols] = size;
    const count = Math.min(rows, cols);
    const at = (k: number, i: number) => (rows < cols ? data[k * cols + i]! : data[i * cols + k]!);
    const products = Float64Array.from({ length: count * count }, (_, pair) => {
      const [a, b] = [Math.floor(pair / count), pair % count];
      return Array.from({ length: Math.max(rows, cols) }, (_, i) => at(a, i) * at(b, i)).reduce(
        (x, y) => x + y,
        0,
      );
    });
    const unit = Float64Array.from(
      { length: count * count },
      (_, pair) => Number(pair % (count + 1) === 0) * gain ** 2,
    );
    expectClose(products, unit, { atol: 1e-6, rtol: 0 });
    expect(data).not.toEqual(await drawn({ type: "orthogonal", gain }, size, { backend, seed: 2 }));
  });
});

test("are the same bits in both reproducible builds, and for any number of threads", async () => {
  for (const initializer of ["orthogonal", "truncatedNormal", "randomUniform", "randomNormal"] as const) {
    const simd = await drawn(initializer, [50, 30], { backend: "simd" });
    expect(await drawn(initializer, [50, 30], { backend: "scalar" })).toEqual(simd);
    expect(await drawn(initializer, [50, 30], { backend: "simd", threads: 3 })).toEqual(simd);
  }
});

test("identity: gain where row and column are the same", async () => {
  expect([...(await drawn("identity", [2, 3]))]).toEqual([1, 0, 0, 0, 1, 0]);
  expect([...(await drawn({ type: "identity", gain: 0.5 }, [2, 2]))]).toEqual([0.5, 0, 0, 0.5]);
});

test("a kernel of a convolution is orthogonal as the matrix of its patches", async () => {
  const model = await modelOf(
    [
      conv2d({ filters: 5, kernelSize: 3, inputShape: [5, 5, 2], kernelInitializer: "orthogonal" }),
      flatten(),
    ],
    { loss: "meanSquaredError" },
  );
  const { data } = model.getWeights()[0]!;
  for (let a = 0; a < 5; a++)
    for (let b = 0; b < 5; b++) {
      let product = 0;
      for (let i = 0; i < 18; i++) product += data[i * 5 + a]! * data[i * 5 + b]!;
      expect(product).toBeCloseTo(Number(a === b), 6);
    }
});

test("come back from a model's file", () => {
  const model = sequential([
    dense({
      units: 2,
      inputShape: [2],
      kernelInitializer: "orthogonal",
      biasInitializer: { type: "randomNormal", stddev: 0.1 },
    }),
  ]);
  const config = JSON.parse(JSON.stringify(model.toConfig()));
  expect(config.layers[0].biasInitializer).toEqual({ type: "randomNormal", stddev: 0.1 });
  expect(sequential(layersFromConfig(config), { name: model.name }).toConfig()).toEqual(model.toConfig());
});

describe("are refused", () => {
  test.each([
    ["with a number of another", { type: "orthogonal", stddev: 1 }],
    ["of no number", { type: "randomNormal", mean: "1" }],
    ["of a type that is none", { type: "normal" }],
  ])("%s", (_, kernelInitializer) => {
    expect(() => dense({ units: 2, kernelInitializer: kernelInitializer as never })).toThrow(
      /^dense: kernelInitializer is .*, expected one of .*, constant\(\{ value \}\) or \{ type, \.\.\. \}/,
    );
  });

  test("for a shape that they are not for", async () => {
    const model = (layer: Parameters<typeof sequential>[0]) =>
      sequential(layer).compile({ loss: "meanSquaredError" });
    const kernel = conv2d({
      filters: 2,
      kernelSize: 3,
      inputShape: [5, 5, 1],
      name: "c",
      kernelInitializer: "identity",
    });
    await expect(model([kernel, flatten()])).rejects.toThrow(
      "layer 'c': kernel of shape [3, 3, 1, 2] cannot start as identity: expected two axes, as a dense kernel has",
    );
    const norm = batchNormalization({ inputShape: [3], name: "n", gammaInitializer: "orthogonal" });
    await expect(model([norm, dense({ units: 1 })])).rejects.toThrow(
      "layer 'n': gamma of shape [3] cannot start as orthogonal: expected two axes or more, as kernels have",
    );
  });
});
