import { describe, expect, test, vi } from "vitest";
import { conv2d, dense, dropout, flatten, maxPooling2d } from "../../src/model/layers/index.ts";
import { namedModel } from "../../src/model/models.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Sequential } from "../../src/train/sequential.ts";
import { slice } from "../../src/train/split.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels } from "../support/fixture-values.ts";
import { halves, vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const cnn = () => [
  conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [6, 6, 1] }),
  maxPooling2d(),
  flatten(),
  dropout({ rate: 0.1 }),
  dense({ units: 2, activation: "softmax" }),
];
const still = sgd({ learningRate: 0 });

/** The samples of every training step, in order. */
function recordSteps(model: Sequential): number[][] {
  const steps: number[][] = [];
  const { session } = model;
  const trainStep = session.trainStep.bind(session);
  vi.spyOn(session, "trainStep").mockImplementation((samples, indices) => {
    steps.push([...indices]);
    return trainStep(samples, indices);
  });
  return steps;
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test("learns a small problem, on images it has not seen", async () => {
  const model = await modelOf(cnn(), { optimizer: adam({ learningRate: 0.01 }) });
  const { history, stopped, trainedSamples, trainSeconds } = await model.fit(halves(200, 1), {
    epochs: 8,
    batchSize: 16,
    validationSplit: 0.2,
  });
  expect(history.loss).toHaveLength(8);
  expect(history.loss[7]).toBeLessThan(0.2 * history.loss[0]!);
  expect(history.val_accuracy![7]).toBeGreaterThan(0.97);
  expect(stopped).toBe(false);
  expect(trainedSamples).toBe(8 * 160);
  expect(trainSeconds).toBeGreaterThan(0);
  const { loss, accuracy } = await model.evaluate(halves(100, 5));
  expect(accuracy).toBeGreaterThan(0.97);
  expect(loss).toBeLessThan(0.3);
});

describe("validationSplit", () => {
  test("keeps the last samples from training, before any shuffle", async () => {
    const samples = vectors(20, 3, 2, 1);
    const layers = [dense({ units: 2, inputShape: [3] })];
    const model = await modelOf(layers, { loss: "meanSquaredError", optimizer: still });
    const steps = recordSteps(model);
    const { history } = await model.fit(samples, { epochs: 2, batchSize: 4, validationSplit: 0.3 });
    const first = Array.from({ length: 14 }, (_, i) => i);
    expect(sorted(steps.flat().slice(0, 14))).toEqual(first);
    expect(sorted(steps.flat().slice(14))).toEqual(first);
    // Weights do not change, so each part's loss can be had another way.
    const { loss } = await model.evaluate(slice(samples, 0, 14));
    expectClose(history.loss, [loss, loss], { atol: 0, rtol: 1e-6 });
    const { loss: last } = await model.evaluate(slice(samples, 14, 20));
    expect(history.val_loss).toEqual([last, last]);
  });

  test("of labelled bytes takes labels along", async () => {
    const samples = halves(20, 3);
    const model = await modelOf(cnn(), { optimizer: still });
    const { history } = await model.fit(samples, { validationSplit: 0.25 });
    const { loss, accuracy } = await model.evaluate(slice(samples, 15, 20));
    expect([history.val_loss, history.val_accuracy]).toEqual([[loss], [accuracy]]);
  });

  test("or validationData of its own", async () => {
    const model = await modelOf(cnn(), { optimizer: still });
    const other = halves(9, 4);
    const { history } = await model.fit(halves(20, 3), { validationData: other, epochs: 2 });
    const { loss } = await model.evaluate(other);
    expect(history.val_loss).toEqual([loss, loss]);
  });

  test("0 or nothing: no validation", async () => {
    const model = await modelOf(cnn());
    for (const options of [{}, { validationSplit: 0 }]) {
      const { history } = await model.fit(halves(8, 3), options);
      expect(Object.keys(history)).toEqual(["loss", "accuracy"]);
      expect(history.accuracy).toHaveLength(1);
    }
  });
});

describe("shuffling", () => {
  const order = async (options: FitOptions, seed = 1) => {
    const model = await modelOf(cnn(), { seed });
    const steps = recordSteps(model);
    await model.fit(halves(50, 2), { batchSize: 16, epochs: 2, ...options });
    expect(steps.map((step) => step.length)).toEqual([16, 16, 16, 2, 16, 16, 16, 2]);
    return [steps.slice(0, 4).flat(), steps.slice(4).flat()] as const;
  };
  const identity = Array.from({ length: 50 }, (_, i) => i);

  test("shows every sample once an epoch, in an order of its own", async () => {
    const [first, second] = await order({});
    expect(sorted(first)).toEqual(identity);
    expect(sorted(second)).toEqual(identity);
    expect(first).not.toEqual(identity);
    expect(second).not.toEqual(first);
  });

  test("is fixed by the seed", async () => {
    const reference = await order({});
    expect(await order({})).toEqual(reference);
    expect((await order({}, 2))[0]).not.toEqual(reference[0]);
    expect((await order({}, 1 + 2 ** 32))[0]).not.toEqual(reference[0]);
  });

  test("shuffle: false keeps the order", async () => {
    expect(await order({ shuffle: false })).toEqual([identity, identity]);
  });

  test("initialEpoch goes on where an earlier fit ended", async () => {
    const [, second] = await order({});
    const model = await modelOf(cnn());
    const steps = recordSteps(model);
    const { epoch } = await model.fit(halves(50, 2), { batchSize: 16, initialEpoch: 1, epochs: 2 });
    expect(epoch).toEqual([1]);
    expect(steps.flat()).toEqual(second);
  });
});

describe("reproducibility", () => {
  const hash = async (seed: number, backend: "scalar" | "simd" = "simd") => {
    const model = await modelOf(cnn(), { seed, backend });
    await model.fit(halves(50, 2), { batchSize: 16, epochs: 2, validationSplit: 0.2 });
    return model.weightsSha256();
  };

  test.each(["scalar", "simd"] as const)(
    "the same seed gives the same weights twice, build %s",
    async (backend) => {
      const first = await hash(1, backend);
      expect(first).toMatch(/^[0-9a-f]{64}$/);
      expect(await hash(1, backend)).toBe(first);
    },
  );

  test("seeds differ", async () => {
    const hashes = await Promise.all([0, 1, 2, 2 ** 32, 2 ** 53 - 1].map((seed) => hash(seed)));
    expect(new Set(hashes).size).toBe(5);
  });

  test("two fits of one epoch are one fit of two", async () => {
    const model = await modelOf(cnn());
    const samples = halves(50, 2);
    await model.fit(samples, { batchSize: 16, epochs: 1 });
    await model.predict(samples);
    await model.fit(samples, { batchSize: 16, initialEpoch: 1, epochs: 2 });
    const once = await modelOf(cnn());
    await once.fit(samples, { batchSize: 16, epochs: 2 });
    expect(await model.weightsSha256()).toBe(await once.weightsSha256());
  });

  test("compiling again starts anew", async () => {
    const model = await modelOf(cnn());
    const before = await model.weightsSha256();
    await model.fit(halves(50, 2));
    expect(await model.weightsSha256()).not.toBe(before);
    await model.compile({ threads: 1 });
    expect(await model.weightsSha256()).toBe(before);
  });
});

test("the loss of an epoch is the mean over samples, the odd last batch by its share", async () => {
  const samples = vectors(11, 3, 2, 1);
  const model = await modelOf([dense({ units: 2, inputShape: [3] })], {
    loss: "meanSquaredError",
    optimizer: still,
  });
  const { loss } = await model.evaluate(samples, { batchSize: 11 });
  for (const batchSize of [1, 4, 10, 11, 100]) {
    const { history } = await model.fit(samples, { batchSize });
    expectClose(history.loss, [loss], { atol: 0, rtol: 1e-6 });
  }
});

test("metrics: [] reports no accuracy", async () => {
  const model = await modelOf(cnn(), { metrics: [] });
  const { history } = await model.fit(halves(8, 1), { validationSplit: 0.5 });
  expect(history.accuracy).toBeUndefined();
  expect(history.val_accuracy).toBeUndefined();
  expect(history.val_loss).toHaveLength(1);
  expect(await model.evaluate(halves(8, 1))).toEqual({ loss: expect.any(Number) });
});

test.each([
  ["categoricalCrossentropy", "softmax", true],
  ["sparseCategoricalCrossentropy", "softmax", true],
  ["binaryCrossentropy", "sigmoid", true],
  ["meanSquaredError", "linear", false],
] as const)(
  "%s: by default accuracy is reported for losses of classes alone",
  async (loss, last, reported) => {
    const model = await modelOf([flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: last })], {
      loss,
    });
    const { history } = await model.fit(halves(8, 1), { validationSplit: 0.5 });
    const figures = Object.entries(history).flatMap(([name, values]) => (values.length > 0 ? [name] : []));
    const expected = reported ? ["loss", "accuracy", "val_loss", "val_accuracy"] : ["loss", "val_loss"];
    expect(figures.sort()).toEqual([...expected].sort());
    expect(Object.keys(await model.evaluate(halves(8, 1))).sort()).toEqual(
      reported ? ["accuracy", "loss"] : ["loss"],
    );
  },
);

test("meanSquaredError reports accuracy where it is asked to, and says how where it is wanted", async () => {
  const layers = () => [flatten({ inputShape: [6, 6, 1] }), dense({ units: 2 })];
  const model = await modelOf(layers(), { loss: "meanSquaredError" });
  await expect(model.fit(halves(8, 1), { restoreBestWeights: "accuracy" })).rejects.toThrow(
    `restoreBestWeights is 'accuracy', but fit reports loss: others need validation data, or compile({ metrics })`,
  );
  await model.compile({ loss: "meanSquaredError", metrics: ["accuracy"], threads: 1 });
  const { history } = await model.fit(halves(8, 1), { restoreBestWeights: "accuracy" });
  expect(history.accuracy).toHaveLength(1);
  expect((await model.evaluate(halves(8, 1))).accuracy).toBeGreaterThanOrEqual(0);
});

test("the event loop gets its turns", async () => {
  const model = await modelOf(namedModel("keras-mnist", [28, 28, 1], 10));
  const count = 3200;
  const samples: Samples = {
    images: new Uint8Array(count * 784).fill(9),
    count,
    shape: [28, 28, 1],
    labels: fixtureLabels(count, 1, 10),
  };
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await model.fit(samples);
  const inFit = ticks;
  await model.evaluate(samples);
  await model.predict(samples);
  clearInterval(timer);
  // A turn every 15 ms or so: a hundred steps take a hundred and more.
  expect(inFit).toBeGreaterThanOrEqual(3);
  expect(ticks).toBeGreaterThan(inFit);
});

describe("options out of range", () => {
  const wrong = (value: unknown) => value as never;
  test.each<[FitOptions, string]>([
    [{ batchSize: 0 }, "batchSize is 0, expected a whole number >= 1"],
    [{ batchSize: 2.5 }, "batchSize is 2.5, expected a whole number >= 1"],
    [
      { epochs: 0 },
      "fit: epochs is 0, expected a whole number >= 1. Write: model.fit(train, { epochs: 10 })",
    ],
    [{ epochs: 1.5 }, "fit: epochs is 1.5, expected a whole number >= 1"],
    [{ epochs: 2, initialEpoch: 2 }, "epochs is 2 with initialEpoch 2, expected epochs to be the larger"],
    [{ epochs: 2, initialEpoch: -1 }, "fit: initialEpoch is -1, expected a whole number >= 0"],
    [{ validationSplit: 1 }, "fit: validationSplit is 1, expected a number from 0 to below 1. Write: "],
    [{ validationSplit: -0.1 }, "validationSplit is -0.1, expected a number from 0 to below 1"],
    [{ validationSplit: Number.NaN }, "validationSplit is NaN, expected a number from 0 to below 1"],
    [{ validationSplit: 1e-17 }, "validationSplit 1e-17 of 8 samples leaves one part empty"],
    [{ validationSplit: 0.99 }, "validationSplit 0.99 of 8 samples leaves one part empty"],
    [
      { validationSplit: 0.5, validationData: halves(4, 1) },
      "both validationSplit and validationData are given: expected one of them",
    ],
    [
      wrong({ batch_size: 16, epoch: 3 }),
      'fit: no option is called "batch_size": did you mean batchSize? Write: model.fit(train, { batchSize: 16, epochs: 3 })',
    ],
    [
      wrong({ batchSize: "32", classWeights: [1, 2] }),
      'fit: no option is called "classWeights": did you mean classWeight? Write: ',
    ],
    [
      { batchSize: wrong("32") },
      'batchSize is "32", expected a whole number >= 1. Write: model.fit(train, { batchSize: 32 })',
    ],
    [{ shuffle: wrong("no") }, 'fit: shuffle is "no", expected true or false'],
    [
      { validationData: wrong([1]) },
      "fit: validationData is [1], expected samples: { images, shape, count } with",
    ],
    [
      { restoreBestWeights: wrong(true) },
      'restoreBestWeights is true, expected a text. Write: model.fit(train, { restoreBestWeights: "val_accuracy" })',
    ],
    [
      { restoreBestWeights: "f1" },
      `restoreBestWeights is 'f1', but fit reports loss, accuracy: others need validation data, or compile({ metrics })`,
    ],
    [
      { signal: wrong("stop") },
      'fit: signal is "stop", expected an AbortSignal. Write: model.fit(train, { signal })',
    ],
    [{ callbacks: wrong(() => {}) }, "fit: callbacks is a function, expected an object such as"],
    [
      { callbacks: wrong({ on_epoch_end() {} }) },
      'fit: callbacks: no callback is called "on_epoch_end": did you mean onEpochEnd? Write: { onEpochEnd(info, logs) { … } }',
    ],
    [
      {
        callbacks: [
          {},
          wrong(
            new (class {
              onEpochEnds() {}
            })(),
          ),
        ],
      },
      'fit: callbacks: no callback is called "onEpochEnds": did you mean onEpochEnd?',
    ],
    [
      { callbacks: wrong({ onFire() {} }) },
      'no callback is called "onFire": expected onWarning, onTrainBegin, onEpochBegin, onBatchEnd, onEpochEnd, onTrainEnd. Write: {',
    ],
    [
      { callbacks: wrong({ onTrainEnd: "log" }) },
      'callbacks: onTrainEnd is "log", expected a function. Write: { onTrainEnd(history) { … } }',
    ],
  ])("case %#", async (options, message) => {
    const model = await modelOf(cnn());
    const before = await model.weightsSha256();
    await expect(model.fit(halves(8, 1), options)).rejects.toThrow(message);
    expect(await model.weightsSha256()).toBe(before);
  });

  test("callbacks may have fields and helpers of their own", async () => {
    class Best {
      best = Number.POSITIVE_INFINITY;
      one = () => this.best;
      onEpochEnd(_: unknown, { loss }: { loss: number }) {
        this.keep(loss);
      }
      keep(loss: number) {
        this.best = loss;
      }
    }
    const model = await modelOf(cnn());
    const best = new Best();
    await model.fit(halves(8, 1), {
      callbacks: [best, { note: 1, helper() {}, onEpochBegin: undefined } as never],
    });
    expect(best.best).toBeLessThan(10);
  });
});
