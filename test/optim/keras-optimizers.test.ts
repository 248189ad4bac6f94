import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import * as api from "../../src/node.ts";
import { expectClose } from "../support/close.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

// Optimizers, averages of weights and accumulation of gradients beside Keras 3: test/fixtures/make_keras_optimizers.py.

interface Case {
  readonly name: api.OptimizerName;
  readonly options: object;
  readonly after: Readonly<Record<string, number[]>>;
  readonly average?: number[];
}
const { start, gradients, cases } = JSON.parse(
  readFileSync(new URL("../fixtures/keras/optimizers.json", import.meta.url), "utf8"),
) as { start: number[]; gradients: number[][]; cases: Case[] };

/** A loss whose gradient is 1: that of the weights is the sample. */
const given = api.defineLoss({
  name: "given",
  compute: ({ gradient }) => void gradient?.fill(1),
});
const COUNT = gradients.length;
const samples = {
  images: Float32Array.from(gradients.flat()),
  targets: new Float32Array(COUNT),
  shape: [7],
  count: COUNT,
};
const layers = () => [api.dense({ units: 1, useBias: false, inputShape: [7] })];
const fit = { batchSize: 1, shuffle: false };

async function begun(optimizer: api.Optimizer, options: api.CompileOptions = {}) {
  const model = await modelOf(layers(), { loss: given, optimizer, ...options });
  const { name, shape } = model.getWeights()[0]!;
  model.setWeights([{ name, shape, data: Float32Array.from(start) }]);
  return model;
}
const weightsOf = (model: api.Sequential) => model.getWeights()[0]!.data;

describe.each(BACKENDS.filter((name) => name !== "relaxed"))("as Keras's, build %s", (backend) => {
  test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.options)}`, c] as const))("%s", async (_, c) => {
    const model = await begun(api.createOptimizer(c.name, c.options), { backend });
    const training = model.training(samples, fit);
    const close = { atol: 2e-6, rtol: 2e-6 };
    for (let step = 1; step < COUNT; step++) {
      await training.step();
      const expected = c.after[step];
      if (expected) expectClose(weightsOf(model), expected, close);
    }
    await training.step();
    expectClose(weightsOf(model), c.average ?? c.after[COUNT]!, close);
  });
});

test.each(["adagrad", "adadelta", "adamax", "nadam", "lion"] as const)(
  "%s: scalar and simd, 1 and 3 threads give the same bits, more weights than a task takes",
  async (name) => {
    const data = halves(40, 1);
    const hashes = new Set<string>();
    for (const [backend, threads] of [
      ["scalar", 1],
      ["simd", 1],
      ["simd", 3],
    ] as const) {
      const model = await modelOf(
        [
          api.flatten({ inputShape: data.shape }),
          api.dense({ units: 150, activation: "relu" }),
          api.dense({ units: 2, activation: "softmax" }),
        ],
        { optimizer: name, backend, threads, seed: 3 },
      );
      const before = (await model.evaluate(data)).loss;
      await model.fit(data, { epochs: 4, batchSize: 8 });
      if (name !== "adadelta") expect((await model.evaluate(data)).loss).toBeLessThan(before);
      const vectors = model.session.optimizer.vectors.flatMap((vector) => [...vector]);
      expect(vectors.filter((v) => v !== 0 && Math.abs(v) < 2 ** -126)).toEqual([]);
      if (backend === "simd") hashes.add(await model.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  },
);

const OWN = [
  ["averages", { useEma: true, emaMomentum: 0.8 }],
  ["averages that replace weights", { useEma: true, emaMomentum: 0.8, emaOverwriteFrequency: 3 }],
  ["accumulation", { gradientAccumulationSteps: 3 }],
  ["both", { gradientAccumulationSteps: 3, useEma: true }],
  [
    "a schedule over updates",
    {
      gradientAccumulationSteps: 2,
      learningRate: api.cosineDecay({ initialLearningRate: 0.1, decaySteps: 8 }),
    },
  ],
] as const;
test.each(OWN)("%s: a training that goes on from a state ends with the same bits", async (_, options) => {
  const data = halves(40, 1);
  const net = async () =>
    modelOf(
      [
        api.flatten({ inputShape: data.shape }),
        api.dropout({ rate: 0.2 }),
        api.dense({ units: 2, activation: "softmax" }),
      ],
      { optimizer: api.nadam(options), seed: 3 },
    );
  const fitting = { epochs: 3, batchSize: 7 };
  const whole = await net();
  await whole.fit(data, fitting);
  const first = await net();
  const training = first.training(data, fitting);
  for (let i = 0; i < 8; i++) await training.step();
  const file = api.saveCheckpoint(training.state());
  const second = await net();
  await second.fit(data, { ...fitting, initialState: api.loadCheckpoint(file) });
  expect(await second.weightsSha256()).toBe(await whole.weightsSha256());
  // And one that had ended goes on from what it had before its average took the weights' place.
  const short = await net();
  const ended = short.training(data, { ...fitting, epochs: 2 });
  await ended.run();
  const third = await net();
  await third.fit(data, { ...fitting, initialState: ended.state() });
  expect(await third.weightsSha256()).toBe(await whole.weightsSha256());
});

test("accumulation over K batches is a batch K times as large", async () => {
  const data = { ...halves(32, 1), shape: [36] };
  const net = (optimizer: api.Optimizer) =>
    modelOf([api.dense({ units: 2, activation: "softmax", inputShape: [36] })], { optimizer, seed: 3 });
  const large = await net(api.adam({ learningRate: 0.05 }));
  const small = await net(api.adam({ learningRate: 0.05, gradientAccumulationSteps: 4 }));
  await large.fit(data, { epochs: 3, batchSize: 16, shuffle: false });
  await small.fit(data, { epochs: 3, batchSize: 4, shuffle: false });
  for (const [i, { data }] of small.getWeights().entries())
    expectClose(data, large.getWeights()[i]!.data, { atol: 1e-5, rtol: 1e-4 });
});

test("options of averages are recorded where they are given, and refused where they cannot be", () => {
  expect(Object.keys(api.adam().config)).not.toContain("useEma");
  expect(api.adam({ useEma: true }).config.useEma).toBe(true);
  expect(() => api.adam({ emaMomentum: 1.5 })).toThrow(
    "adam: emaMomentum is 1.5, expected a number >= 0 and < 1",
  );
  expect(() => api.sgd({ gradientAccumulationSteps: 0 })).toThrow("expected a whole number >= 1");
});
