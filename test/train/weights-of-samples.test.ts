import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { balancedClassWeights } from "../../src/data/class-weights.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import * as api from "../../src/node.ts";
import { expectClose } from "../support/close.ts";
import { modelOf } from "../support/sessions.ts";

// Trainings with weights of classes and samples beside Keras 3: test/fixtures/make_keras_weights.py.

interface Trained {
  readonly loss: number[];
  readonly mae: number[];
  readonly valLoss?: number[];
  readonly kernel: number[];
  readonly bias: number[];
  readonly evaluated?: number;
}
const keras = JSON.parse(
  readFileSync(new URL("../fixtures/keras/weights.json", import.meta.url), "utf8"),
) as Record<"x" | "labels" | "kernel" | "weights" | "numbers", number[]> &
  Record<"classWeight" | "balanced" | "sampleWeight" | "squared" | "split" | "classSplit", Trained>;

const samples = {
  images: Float32Array.from(keras.x),
  labels: Uint8Array.from(keras.labels),
  shape: [4],
  count: 10,
};
const weights = Float32Array.from(keras.weights);

async function compiled(options: api.CompileOptions, activation: "softmax" | "linear" = "softmax") {
  const model = await modelOf([api.dense({ units: 3, activation, inputShape: [4] })], {
    optimizer: api.sgd({ learningRate: 0.5 }),
    metrics: ["meanAbsoluteError"],
    ...options,
  });
  model.setWeights([
    { name: "dense/kernel", shape: [4, 3], data: Float32Array.from(keras.kernel) },
    { name: "dense/bias", shape: [3], data: new Float32Array(3) },
  ]);
  return model;
}

async function expectTrained(
  expected: Trained,
  given: api.Samples,
  fit: api.FitOptions,
  options: api.CompileOptions = {},
  activation: "softmax" | "linear" = "softmax",
) {
  const model = await compiled(options, activation);
  const { history } = await model.fit(given, { epochs: 2, batchSize: 4, shuffle: false, ...fit });
  const close = { atol: 2e-6, rtol: 2e-6 };
  expectClose(history.loss, expected.loss, close);
  expectClose(history.meanAbsoluteError!, expected.mae, close);
  if (expected.valLoss) expectClose(history.val_loss!, expected.valLoss, close);
  const [kernel, bias] = model.getWeights();
  expectClose(kernel!.data, expected.kernel, close);
  expectClose(bias!.data, expected.bias, close);
  if (expected.evaluated !== undefined) {
    const { sampleWeight } = fit;
    const logs = await model.evaluate(given, { batchSize: 3, ...(sampleWeight && { sampleWeight }) });
    expectClose([logs.loss], [expected.evaluated], close);
  }
  return model.weightsSha256();
}

describe.each(BACKENDS.filter((name) => name !== "relaxed"))("as Keras has it, build %s", (backend) => {
  test("classWeight: others count 1", () =>
    expectTrained(keras.classWeight, samples, { classWeight: { 0: 0.5, 2: 3 } }, { backend }));

  test('classWeight "balanced", also by the function, and of one-hot targets', async () => {
    const hash = await expectTrained(keras.balanced, samples, { classWeight: "balanced" }, { backend });
    const classWeight = balancedClassWeights(samples.labels);
    expect(await expectTrained(keras.balanced, samples, { classWeight }, { backend })).toBe(hash);
    const { labels, ...bare } = samples;
    const targets = Float32Array.from({ length: 30 }, (_, i) => Number(labels[Math.floor(i / 3)] === i % 3));
    expect(await expectTrained(keras.balanced, { ...bare, targets }, { classWeight }, { backend })).toBe(
      hash,
    );
  });

  test("sampleWeight, in fit and evaluate, as an option, as numbers, and in samples", async () => {
    const hash = await expectTrained(keras.sampleWeight, samples, { sampleWeight: weights }, { backend });
    expect(
      await expectTrained(keras.sampleWeight, samples, { sampleWeight: [...weights] }, { backend }),
    ).toBe(hash);
    expect(await expectTrained(keras.sampleWeight, { ...samples, weights }, {}, { backend })).toBe(hash);
  });

  test("weights of a loss of numbers", () => {
    const { labels: _, ...bare } = samples;
    const given = { ...bare, targets: Float32Array.from(keras.numbers), weights };
    return expectTrained(keras.squared, given, {}, { backend, loss: "meanSquaredError" }, "linear");
  });

  test("validationSplit: samples keep their weights in validation, classes do not", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const split = { validationSplit: 0.3 };
    await expectTrained(keras.split, samples, { sampleWeight: weights, ...split }, { backend });
    await expectTrained(keras.classSplit, samples, { classWeight: { 0: 0.5, 2: 3 }, ...split }, { backend });
  });
});

test("weights of 1 train to the same bits as none, and the last batch's size is its own", async () => {
  const hashes = new Set<string>();
  for (const own of [{}, { sampleWeight: new Float32Array(10).fill(1) }, { classWeight: { 1: 1 } }]) {
    const model = await compiled({});
    await model.fit(samples, { epochs: 3, batchSize: 4, ...own });
    hashes.add(await model.weightsSha256());
  }
  expect(hashes.size).toBe(1);
});

test("a sample of weight 0 is as none but for the count of the mean, whatever its loss computes", async () => {
  for (const loss of [
    "categoricalCrossentropy",
    api.defineLoss({
      name: "own",
      compute({ outputs, targets, losses, gradient, cols }) {
        for (const [i, y] of outputs.entries()) {
          losses[Math.floor(i / cols)]! += (y - targets[i]!) ** 2;
          if (gradient) gradient[i] = 2 * (y - targets[i]!);
        }
      },
    }),
  ] as const) {
    const half = {
      ...samples,
      images: samples.images.subarray(0, 20),
      labels: samples.labels.subarray(0, 5),
      count: 5,
    };
    const model = await compiled({ loss });
    const all = await model.evaluate(samples, { sampleWeight: [1, 1, 1, 1, 1, 0, 0, 0, 0, 0] });
    expectClose([2 * all.loss], [(await model.evaluate(half)).loss], { atol: 0, rtol: 1e-6 });
  }
});

test("balanced weights are those of the training part, stratified or not, and 1 and 3 threads give the same bits", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  for (const validationFrom of ["last", "stratified", "shuffled"] as const) {
    const hashes = new Set<string>();
    for (const threads of [1, 3]) {
      const model = await compiled({ threads });
      await model.fit(samples, { epochs: 2, validationSplit: 0.3, validationFrom, classWeight: "balanced" });
      hashes.add(await model.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  }
});

test("of several outputs each has its own weights, or all the same", async () => {
  const x = api.input({ shape: [4] });
  const net = () => {
    const first = api.dense({ units: 3, activation: "softmax", name: "first" }).apply(x);
    const second = api.dense({ units: 2, name: "second" }).apply(x);
    return api.model({ inputs: x, outputs: [first, second] });
  };
  const given: api.Samples = {
    images: samples.images,
    shape: [4],
    count: 10,
    labels: { first: samples.labels },
    targets: { second: Float32Array.from(keras.numbers.slice(0, 20)) },
  };
  const model = net();
  await model.compile({ threads: 1, loss: { first: "categoricalCrossentropy", second: "meanSquaredError" } });
  const plain = await model.evaluate(given);
  const halves = new Float32Array(10).fill(0.5);
  const one = await model.evaluate({ ...given, weights: { first: halves } });
  expectClose([one.first_loss!, one.second_loss!], [plain.first_loss! / 2, plain.second_loss!], {
    atol: 1e-7,
    rtol: 1e-6,
  });
  const both = await model.evaluate(given, { sampleWeight: halves });
  expectClose([both.loss], [plain.loss / 2], { atol: 1e-7, rtol: 1e-6 });
  expect(() => model.training(given, { classWeight: "balanced" })).toThrow(
    "classWeight is for models of one output",
  );
  model.dispose();
});

test("what cannot be is refused", async () => {
  const model = await compiled({});
  const fit = (options: api.FitOptions, given: api.Samples = samples) =>
    expect(() => model.training(given, options));
  fit({ sampleWeight: [1, 2] }).toThrow("fit: got 2 weights for 10 samples");
  fit({ sampleWeight: [...weights.subarray(0, 9), Number.NaN] }).toThrow(
    "fit: weight 9 is NaN, expected a finite number",
  );
  fit({}, { ...samples, weights: [1] as never }).toThrow("expected Float32Array");
  fit({ classWeight: "balanced", sampleWeight: weights }).toThrow(
    "both classWeight and weights of samples are given",
  );
  fit({ sampleWeight: weights }, { ...samples, weights }).toThrow(
    "both sampleWeight and weights in samples are given",
  );
  fit({ classWeight: { 3: 1 } }).toThrow('classWeight: no class is "3", expected ids from 0 to 2');
  fit({ classWeight: { one: 1 } as never }).toThrow('classWeight: no class is "one"');
  fit({ classWeight: "balance" as never }).toThrow(
    'fit: classWeight is "balance", expected weights by class such as { 0: 1, 1: 5 }, or "balanced". Write: model.fit(train, { classWeight: "balanced" })',
  );
});
