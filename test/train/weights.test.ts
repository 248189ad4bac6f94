import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fillOf, INITIALIZERS, type Initializer } from "../../src/compiler/initializers.ts";
import type { BACKENDS } from "../../src/engine/engine.ts";
import {
  batchNormalization,
  constant,
  conv2d,
  dense,
  flatten,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { modelFromConfig } from "../../src/train/functional.ts";
import { expectSame } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [
  conv2d({ filters: 3, kernelSize: 2, inputShape: [6, 6, 1], name: "c" }),
  maxPooling2d(),
  flatten(),
  dense({ units: 2, activation: "softmax", name: "d" }),
];

/** Mean, variance and the largest magnitude. */
function statistics(x: Float32Array) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return { mean, variance, largest: x.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
}

// Keras: variance 2 / (fanIn + fanOut), 2 / fanIn, 1 / fanIn; a kernel's fans count its receptive field.
const VARIANCE: Partial<Record<Initializer & string, (fanIn: number, fanOut: number) => number>> = {
  glorotUniform: (fanIn, fanOut) => 2 / (fanIn + fanOut),
  glorotNormal: (fanIn, fanOut) => 2 / (fanIn + fanOut),
  heUniform: (fanIn) => 2 / fanIn,
  heNormal: (fanIn) => 2 / fanIn,
  lecunUniform: (fanIn) => 1 / fanIn,
  lecunNormal: (fanIn) => 1 / fanIn,
};

describe("initial weights", () => {
  const drawn = INITIALIZERS.filter((name) => VARIANCE[name]);

  describe.each(["scalar", "simd"] as const)("build %s", (backend) => {
    test.each(drawn)("%s: mean, variance and limits", async (kernelInitializer) => {
      const shapes = [
        { layer: dense({ units: 300, inputShape: [100], kernelInitializer }), fanIn: 100, fanOut: 300 },
        {
          layer: conv2d({ filters: 90, kernelSize: [3, 5], inputShape: [5, 5, 20], kernelInitializer }),
          fanIn: 15 * 20,
          fanOut: 15 * 90,
        },
      ];
      for (const { layer, fanIn, fanOut } of shapes) {
        const model = await modelOf([layer, flatten(), dense({ units: 1 })], {
          loss: "meanSquaredError",
          backend,
        });
        const [kernel, bias] = model.getWeights();
        const { mean, variance, largest } = statistics(kernel!.data);
        const n = kernel!.data.length;
        const expected = VARIANCE[kernelInitializer]!(fanIn, fanOut);
        // 5 standard deviations of the estimates, for some 30,000 draws.
        expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(expected / n));
        expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
        // Uniform: +- sqrt(3 variance). Normal: cut off at two standard deviations of the normal that was cut.
        const uniform = kernelInitializer.endsWith("Uniform");
        const limit = Math.sqrt(expected) * (uniform ? Math.sqrt(3) : 2 / 0.87962566103423978);
        expect(largest).toBeLessThanOrEqual(limit * (1 + 1e-6));
        expect(largest).toBeGreaterThan(0.98 * limit);
        expect(bias!.data.every((v) => v === 0)).toBe(true);
      }
    });
  });

  test("glorotUniform is even over its range, heNormal bell-shaped", async () => {
    const kernelOf = async (kernelInitializer: Initializer) => {
      const model = await modelOf([dense({ units: 200, inputShape: [200], kernelInitializer })], {
        loss: "meanSquaredError",
      });
      const { data } = model.getWeights()[0]!;
      const { largest } = statistics(data);
      return [0.25, 0.5, 0.75].map((q) => data.filter((v) => Math.abs(v) < q * largest).length / data.length);
    };
    for (const [i, share] of (await kernelOf("glorotUniform")).entries())
      expect(Math.abs(share - (i + 1) / 4)).toBeLessThan(0.015);
    // Of a standard normal cut off at 2: within 0.5, 1 and 1.5.
    for (const [i, share] of (await kernelOf("heNormal")).entries())
      expect(Math.abs(share - [0.4012, 0.7152, 0.9077][i]!)).toBeLessThan(0.015);
  });

  test("zeros and ones", async () => {
    const model = await modelOf(
      [
        dense({ units: 3, inputShape: [4], kernelInitializer: "ones", biasInitializer: "ones" }),
        dense({ units: 2, kernelInitializer: "zeros" }),
      ],
      { loss: "meanSquaredError" },
    );
    const values = model.getWeights().map(({ data }) => [...new Set(data)]);
    expect(values).toEqual([[1], [1], [0], [0]]);
  });

  test("a constant, in code and in a model's JSON", async () => {
    const kernelInitializer = constant({ value: 0.1 });
    const layers = [
      dense({ units: 3, inputShape: [4], kernelInitializer, biasInitializer: constant({ value: -2 }) }),
      batchNormalization({ gammaInitializer: constant({ value: 3 }) }),
    ];
    const model = await modelOf(layers, { loss: "meanSquaredError" });
    const values = model.getWeights().map(({ data }) => [...new Set(data)]);
    expect(values).toEqual([[Math.fround(0.1)], [-2], [3], [0], [0], [1]]);
    const config = JSON.parse(JSON.stringify(model.toConfig()));
    expect(config.layers[0].kernelInitializer).toEqual({ type: "constant", value: 0.1 });
    const again = modelFromConfig(config);
    expect(again.toConfig()).toEqual(model.toConfig());
    await again.compile({ loss: "meanSquaredError", threads: 1 });
    expect(await again.weightsSha256()).toBe(await model.weightsSha256());
    again.dispose();
    expect(() => constant({ value: 1e39 })).toThrow(
      "constant: value is 1e+39, expected a finite number, below 3.4e38. Write: constant({ value: 0.1 })",
    );
  });

  test("a bias initializer draws for its own shape", async () => {
    expect(fillOf("heUniform", [100])).toEqual({ kind: "uniform", variance: 2 });
    const model = await modelOf([dense({ units: 300, inputShape: [2], biasInitializer: "lecunNormal" })], {
      loss: "meanSquaredError",
    });
    expect(statistics(model.getWeights()[1]!.data).variance).toBeGreaterThan(0.5);
  });

  test("are the same for every number of threads, differ by seed and by parameter", async () => {
    const kernels = async (options: object) => {
      const model = await modelOf([dense({ units: 64, inputShape: [64] }), dense({ units: 64 })], {
        loss: "meanSquaredError",
        ...options,
      });
      return model.getWeights().filter(({ shape }) => shape.length === 2);
    };
    const [first, second] = await kernels({});
    for (const threads of [2, 5]) expectSame((await kernels({ threads }))[0]!.data, first!.data);
    expect(second!.data).not.toEqual(first!.data);
    expect((await kernels({ seed: 2 }))[0]!.data).not.toEqual(first!.data);
    expect((await kernels({ seed: 1 + 2 ** 40 }))[0]!.data).not.toEqual(first!.data);
  });

  test("are the same in every build", async () => {
    const data = async (backend: (typeof BACKENDS)[number]) => {
      const options = { backend, loss: "meanSquaredError" } as const;
      const model = await modelOf(
        [dense({ units: 33, inputShape: [77], kernelInitializer: "heNormal" })],
        options,
      );
      return model.getWeights()[0]!.data;
    };
    const reference = await data("scalar");
    for (const backend of ["simd"] as const) expectSame(await data(backend), reference);
  });
});

describe("getWeights and setWeights", () => {
  test("give copies, in the order of the layers", async () => {
    const model = await modelOf(layers());
    const weights = model.getWeights();
    expect(weights.map(({ name, shape, data }) => [name, shape, data.length])).toEqual([
      ["c/kernel", [2, 2, 1, 3], 12],
      ["c/bias", [3], 3],
      ["d/kernel", [12, 2], 24],
      ["d/bias", [2], 2],
    ]);
    const before = await model.weightsSha256();
    for (const { data } of weights) data.fill(7);
    expect(await model.weightsSha256()).toBe(before);
  });

  test("carry a model over to another, whatever the order", async () => {
    const [a, b] = [await modelOf(layers(), { seed: 1 }), await modelOf(layers(), { seed: 2 })];
    await a.fit(halves(20, 1));
    b.setWeights([...a.getWeights()].reverse());
    expect(await b.weightsSha256()).toBe(await a.weightsSha256());
    expectSame(await b.predict(halves(20, 2)), await a.predict(halves(20, 2)));
  });

  test.each<
    [string, (weights: { name: string; shape: readonly number[]; data: Float32Array }[]) => unknown, string]
  >([
    ["one is missing", (w) => w.pop(), "weights for 'd/bias' are missing"],
    [
      "one too many",
      (w) => w.push({ name: "e/kernel", shape: [1], data: new Float32Array(1) }),
      "weights for 'e/kernel': the model has no such parameter",
    ],
    [
      "another shape",
      (w) => {
        w[2] = { ...w[2]!, shape: [2, 12] };
      },
      "weights for 'd/kernel' have shape [2, 12], expected [12, 2]",
    ],
    [
      "too little data for the shape",
      (w) => {
        w[1] = { ...w[1]!, data: new Float32Array(2) };
      },
      "weights for 'c/bias' have 2 numbers, expected 3 numbers for shape [3]",
    ],
    [
      "no shape",
      (w) => {
        w[1] = { name: "c/bias", data: new Float32Array(3) } as never;
      },
      "weights for 'c/bias' have shape undefined, expected [3]",
    ],
    [
      "no name",
      (w) => w.push({ data: new Float32Array(1) } as never),
      "weights for 'undefined': the model has no such parameter",
    ],
    [
      "a name of a million characters",
      (w) => w.push({ name: "x".repeat(1e6), shape: [1], data: new Float32Array(1) }),
      `weights for '${"x".repeat(100)}…': the model has no such parameter`,
    ],
  ])("%s: refused, nothing is set", async (_, spoil, message) => {
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    const weights = model.getWeights().map((tensor) => ({ ...tensor, data: tensor.data.map((v) => v + 1) }));
    spoil(weights);
    expect(() => model.setWeights(weights)).toThrow(RangeError);
    expect(() => model.setWeights(weights)).toThrow(message);
    expect(await model.weightsSha256()).toBe(before);
  });
});

describe("setWeights of a part", () => {
  const named = (name: string, shape: readonly number[]) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(7),
  });

  test("takes what has the name and the shape of a parameter, and says which", async () => {
    const model = await modelOf(layers());
    const before = model.getWeights();
    const told = model.setWeights(
      [named("x/kernel", [3]), named("c/bias", [3]), named("d/kernel", [2, 12]), named("d/bias", [2])],
      { partial: true },
    );
    expect(told).toEqual({
      taken: ["c/bias", "d/bias"],
      kept: ["c/kernel", "d/kernel"],
      unused: ["x/kernel", "d/kernel"],
    });
    const after = model.getWeights();
    for (const i of [0, 2]) expectSame(after[i]!.data, before[i]!.data);
    expect([...after[1]!.data, ...after[3]!.data]).toEqual([7, 7, 7, 7, 7]);
    const all = model.setWeights(before);
    expect(all).toEqual({ taken: before.map(({ name }) => name), kept: [], unused: [] });
  });

  test("refuses what fits nowhere, what is too short for its shape, and other options", async () => {
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    const set =
      (tensors: unknown, options: unknown = { partial: true }) =>
      () =>
        model.setWeights(tensors as never, options as never);
    expect(set([named("c/bias", [4]), named("y", [1, 2])])).toThrow(
      "setWeights: no tensor has the name and the shape of a parameter: got 'c/bias' [4], 'y' [1, 2], expected some of 'c/kernel' [2, 2, 1, 3], 'c/bias' [3], 'd/kernel' [12, 2] and 1 more",
    );
    expect(set([])).toThrow("got none, expected some of 'c/kernel'");
    expect(set([{ ...named("c/bias", [3]), data: new Float32Array(2) }])).toThrow(
      "weights for 'c/bias' have 2 numbers, expected 3 numbers for shape [3]",
    );
    expect(set([named("c/bias", [3])], { partail: true })).toThrow(
      'setWeights: no option is called "partail": did you mean partial? Write: model.setWeights(tensors, { partial: true })',
    );
    expect(await model.weightsSha256()).toBe(before);
  });
});

test.each([5, null, {}, [1], [null], [{ name: "c/kernel", shape: [2, 2, 1, 3] }]])(
  "setWeights of %j is refused in words",
  async (given) => {
    const model = await modelOf(layers());
    expect(() => model.setWeights(given as never)).toThrow(
      /^setWeights: got .*, expected a list as getWeights\(\) gives it/,
    );
  },
);

test("weightsSha256 is that of the numbers in order, as little-endian f32", async () => {
  const model = await modelOf(layers());
  const values = fixtureValues(12 + 3 + 24 + 2, 1, 1);
  let at = 0;
  model.setWeights(
    model.getWeights().map(({ name, shape, data }) => {
      at += data.length;
      return { name, shape, data: values.slice(at - data.length, at) };
    }),
  );
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, v] of values.entries()) bytes.writeFloatLE(v, 4 * i);
  expect(await model.weightsSha256()).toBe(createHash("sha256").update(bytes).digest("hex"));
});
