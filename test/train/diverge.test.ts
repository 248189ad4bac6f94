import { describe, expect, test, vi } from "vitest";
import { dense } from "../../src/model/layers/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { TrainingDivergedError } from "../../src/train/errors.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Sequential } from "../../src/train/sequential.ts";
import { vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [dense({ units: 4, activation: "relu", inputShape: [3] }), dense({ units: 2 })];
const good = vectors(8, 3, 2, 1);

async function divergenceOf(model: Sequential, samples: Samples, options: FitOptions) {
  const error = await model.fit(samples, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TrainingDivergedError);
  return error as TrainingDivergedError;
}

const finite = (model: Sequential) =>
  model.getWeights().every(({ data }) => data.every((value) => Number.isFinite(value)));

/** Hashes of the weights before training and after each of `count` steps in order. */
async function hashesOf(model: Sequential, samples: Samples, batchSize: number, count: number) {
  const hashes = [await model.weightsSha256()];
  for (let step = 0; step < count; step++) {
    const first = (step * batchSize) % samples.count;
    model.session.trainStep(
      samples,
      Uint32Array.from({ length: batchSize }, (_, i) => first + i),
    );
    hashes.push(await model.weightsSha256());
  }
  return hashes;
}

describe("a loss that is no number", () => {
  test("ends training with epoch and batch, and the weights of before", async () => {
    const options = { loss: "meanSquaredError", optimizer: sgd({ learningRate: 1e20 }) } as const;
    const model = await modelOf(layers(), options);
    const before = model.getWeights();
    const error = await divergenceOf(model, good, { batchSize: 2, epochs: 3 });
    expect([error.epoch, error.batch]).toEqual([0, 1]);
    expect(error.name).toBe("TrainingDivergedError");
    expect(error.message).toMatch(
      /^the loss became (Infinity|NaN) in epoch 1, batch 2; the model has its last good weights\. Lower the learning rate/,
    );
    expect(model.getWeights()).toEqual(before);
  });

  test("is found when the last update of all made the weights infinite", async () => {
    const optimizer = sgd({ learningRate: 3e38 });
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer });
    const images = good.images.slice().map((x) => x * 1e15);
    const error = await divergenceOf(model, { ...good, images }, { batchSize: 8, epochs: 1 });
    expect([error.epoch, error.batch]).toEqual([0, 0]);
    expect(finite(model)).toBe(true);
  });

  test("is found when the signal ends the training after the update that made the weights infinite", async () => {
    const optimizer = sgd({ learningRate: 3e38 });
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer });
    const images = good.images.slice().map((x) => x * 1e15);
    const stop = new AbortController();
    const error = await divergenceOf(
      model,
      { ...good, images },
      { batchSize: 4, signal: stop.signal, callbacks: { onBatchEnd: () => stop.abort() } },
    );
    expect([error.epoch, error.batch]).toEqual([0, 0]);
    expect(finite(model)).toBe(true);
  });

  test("leaves a model that can be trained on: no momentum of the steps that went wrong", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer: adam() });
    const images = good.images.slice();
    images[0] = Number.NaN;
    await divergenceOf(model, { ...good, images }, { batchSize: 2, epochs: 2 });
    const { history } = await model.fit(good, { batchSize: 2, epochs: 20 });
    expect(history.loss.at(-1)!).toBeLessThan(history.loss[0]!);
    expect(finite(model)).toBe(true);
  });

  test("is told to no callback, not even the batch; validation is not run on such weights", async () => {
    const optimizer = sgd({ learningRate: 3e38 });
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer });
    const images = good.images.slice().map((x) => x * 1e15);
    const evaluate = vi.spyOn(model.session, "evaluateStep");
    const told: string[] = [];
    const callbacks = {
      onBatchEnd: ({ batch }: { batch: number }) => void told.push(`batch ${batch}`),
      onEpochEnd: () => void told.push("epoch"),
      onTrainEnd: () => void told.push("end"),
    };
    await divergenceOf(model, { ...good, images }, { batchSize: 8, validationData: good, callbacks });
    expect(told).toEqual([]);
    expect(evaluate).not.toHaveBeenCalled();
  });

  test("leaves a training whose state can be gone on from: its epoch's figures are without the batch", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer: adam() });
    const images = good.images.slice();
    images[3 * 7] = Number.NaN;
    const options = { batchSize: 2, epochs: 2, shuffle: false };
    const training = model.training({ ...good, images }, options);
    await expect(training.run()).rejects.toBeInstanceOf(TrainingDivergedError);
    expect(training.batchLoss).toBeNaN();
    const state = training.state();
    expect(state.sums.every(Number.isFinite)).toBe(true);
    expect(state.weights.every(({ data }) => data.every(Number.isFinite))).toBe(true);
    expect(state.optimizer.step).toBe(0);
    const { history } = await model.fit(good, { ...options, initialState: state });
    expect(history.loss.every(Number.isFinite)).toBe(true);
  });

  test("in a training that is broken off with best weights to restore: its state has the good ones", async () => {
    const optimizer = sgd({ learningRate: 3e38 });
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer });
    const images = good.images.slice().map((x) => x * 1e15);
    const training = model.training(
      { ...good, images },
      { batchSize: 4, restoreBestWeights: "loss", callbacks: { onBatchEnd: (_, __, t) => t.stop() } },
    );
    await expect(training.run()).rejects.toBeInstanceOf(TrainingDivergedError);
    expect(training.state().weights.every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "from an input of %f, later: names that epoch and batch",
    async (value) => {
      const model = await modelOf(layers(), { loss: "meanSquaredError" });
      const samples = { ...good, images: good.images.slice() };
      const error = await divergenceOf(model, samples, {
        batchSize: 2,
        epochs: 4,
        shuffle: false,
        callbacks: {
          onEpochBegin(epoch) {
            if (epoch === 2) samples.images[4 * 3] = value;
          },
        },
      });
      expect([error.epoch, error.batch]).toEqual([2, 2]);
      expect(error.message).toContain("in epoch 3, batch 3;");
      expect(finite(model)).toBe(true);
    },
  );

  test("from a target", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError" });
    const targets = good.targets.slice();
    targets[15] = Number.NaN;
    const error = await divergenceOf(model, { ...good, targets }, { batchSize: 3, shuffle: false });
    expect([error.epoch, error.batch]).toEqual([0, 2]);
  });

  test("gives back weights that are not old, in a long run", async () => {
    const options = { loss: "meanSquaredError", optimizer: adam() } as const;
    const model = await modelOf(layers(), options);
    const samples = { ...good, images: good.images.slice() };
    let steps = 0;
    await divergenceOf(model, samples, {
      batchSize: 2,
      epochs: 1000,
      shuffle: false,
      callbacks: {
        onBatchEnd() {
          if (++steps === 348) samples.images.fill(Number.NaN);
        },
      },
    });
    expect(steps).toBe(348);
    const hashes = await hashesOf(await modelOf(layers(), options), good, 2, 348);
    const age = 348 - hashes.indexOf(await model.weightsSha256());
    expect(age).toBeLessThanOrEqual(101);
    // And they predict.
    expect((await model.predict(good)).every(Number.isFinite)).toBe(true);
  });

  test("weights that are infinite while relu hides it are not good", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer: sgd() });
    const { session } = model;
    const trainStep = session.trainStep.bind(session);
    let steps = 0;
    vi.spyOn(session, "trainStep").mockImplementation((samples, indices) => {
      const result = trainStep(samples, indices);
      // As if the first update had overflowed: the next loss is finite, the update after it makes NaN.
      const [, bias] = session.weights();
      if (steps++ === 0) bias!.data[0] = Number.NEGATIVE_INFINITY;
      return result;
    });
    const error = await divergenceOf(model, good, { batchSize: 2 });
    expect(error.batch).toBe(2);
    expect(finite(model)).toBe(true);
  });

  test("of validation data does not end a training: the model itself is well", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError" });
    const images = good.images.slice();
    images[0] = Number.NaN;
    const { history } = await model.fit(good, { validationData: { ...good, images } });
    expect(history.val_loss).toEqual([Number.NaN]);
  });
});

test("a schedule that gives no number is refused", async () => {
  const learningRate = (step: number) => (step === 2 ? Number.NaN : 0.1);
  const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer: sgd({ learningRate }) });
  await expect(model.fit(good, { batchSize: 2 })).rejects.toThrow(
    new RangeError("the learning rate for step 2 is NaN, expected a number >= 0"),
  );
  expect(finite(model)).toBe(true);
});
