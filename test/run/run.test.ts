import { describe, expect, test } from "vitest";
import type { ImageSet } from "../../src/data/types.ts";
import type { RunOptions } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { countsOf, wholePart } from "../../src/train/validation.ts";
import { bars } from "../cli/helpers.ts";

const layers = [
  { type: "conv2d", filters: 4, kernelSize: 3, strides: 2, activation: "relu" },
  { type: "flatten" },
  { type: "dense", units: 3, activation: "softmax" },
];
const dataset = { name: "bars", classNames: ["top", "middle", "bottom"], train: bars(120), test: bars(30) };
const quick: RunOptions = { model: { name: "small", layers }, epochs: 2, batchSize: 16, threads: 1 };

/** The same images, class by class. */
function sorted({ images, count, shape }: ImageSet): ImageSet {
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => (a % 3) - (b % 3) || a - b);
  return {
    images: Uint8Array.from(order.flatMap((i) => [...images.subarray(64 * i, 64 * (i + 1))])),
    labels: Uint8Array.from(order, (i) => i % 3),
    count,
    shape,
  };
}

describe("run", () => {
  test("loads, trains, tests, and tells how it goes in order", async () => {
    const told: string[] = [];
    const outcome = await run(
      { ...quick, optimizer: { name: "adam", learningRate: 0.02 }, epochs: 3 },
      {
        load: async ({ dataset: name }) => ({ ...dataset, name }),
        onLoading: (what) => told.push(`loading ${what}`),
        onBuilt: (model) => told.push(`built ${model.name}`),
        onReady: ({ config, training, validation, learner }) => {
          told.push(`ready ${training.count} ${validation!.count} ${config.backend} ${learner.info.threads}`);
        },
        callbacks: { onEpochEnd: ({ epoch }) => void told.push(`epoch ${epoch}`) },
        onTrained: async ({ learner, metadata, recorder }) => {
          told.push(`trained ${recorder.epochs.length}`);
          expect(metadata).toMatchObject({ classNames: dataset.classNames, dataset: "digits" });
          expect((await learner.save(metadata)).length).toBeGreaterThan(600);
          const layers = await learner.activations(dataset.test.images.subarray(0, 64));
          expect(layers.map(({ shape }) => shape)).toContainEqual([3]);
          await learner.setWeights(await learner.getWeights());
        },
      },
    );
    expect(told).toEqual([
      "loading digits",
      "built small",
      "ready 96 24 simd 1",
      "epoch 0",
      "epoch 1",
      "epoch 2",
      "trained 3",
    ]);
    const { result } = outcome;
    expect(result).toMatchObject({
      model: "small",
      parameters: 151,
      epochsCompleted: 3,
      trainedImages: 288,
      stopped: false,
      images: { train: 96, validation: 24, test: 30 },
      test: { accuracy: 1 },
      configuration: { epochs: 3, validationFrom: "last", restoreBest: "val_accuracy", threads: 1 },
    });
    expect(result.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(outcome.failure).toBeUndefined();
    outcome.learner.dispose();
  });

  test("of one class is refused where a model by name is to tell classes apart", async () => {
    const one = { ...dataset, classNames: ["top"] };
    await expect(run({ ...quick, model: "mlp" }, { dataset: one })).rejects.toThrow(
      /all images are of one class, "top"; mlp tells two or more apart/,
    );
  });

  test("of what a result says ends with the same weights; of another seed with others", async () => {
    const hooks = { dataset };
    const first = await run({ ...quick, seed: 3, optimizer: { name: "sgd", momentum: 0.9 } }, hooks);
    const stored = JSON.parse(JSON.stringify(first.result));
    const again = await run(stored, hooks);
    expect(again.weightsSha256).toBe(first.weightsSha256);
    expect(again.config).toEqual(first.config);
    const other = await run({ ...stored.configuration, seed: 4 }, hooks);
    expect(other.weightsSha256).not.toBe(first.weightsSha256);
    for (const { learner } of [first, again, other]) learner.dispose();
  });

  test("takes images of one's own for sorted ones, and some of each class", async () => {
    const {
      config,
      training,
      validation,
      dataset: used,
      learner,
    } = await run(
      { ...quick, trainLimit: 60, testLimit: 9 },
      { dataset: { ...dataset, name: "mnist", train: sorted(dataset.train), test: sorted(dataset.test) } },
    );
    learner.dispose();
    expect(config).toMatchObject({ dataset: "mnist", validationFrom: "stratified" });
    expect(used.test.count).toBe(9);
    expect(countsOf(wholePart(used.test), 3)).toEqual([3, 3, 3]);
    expect(countsOf(training, 3)).toEqual([16, 16, 16]);
    expect(countsOf(validation!, 3)).toEqual([4, 4, 4]);
  });

  test("stretches a recipe's rates over all its steps", async () => {
    const rates: number[] = [];
    const { learner, config } = await run(
      { ...quick, recipe: "fast", epochs: 4, batchSize: 40 },
      { dataset, callbacks: { onEpochEnd: ({ learningRate }) => void rates.push(learningRate) } },
    );
    learner.dispose();
    expect(config.validationSplit).toBe(0);
    expect(config.optimizer.learningRate).toEqual({
      name: "oneCycle",
      options: { peak: 0.004, steps: 12, warmUp: 0.3, start: 0.1 },
    });
    // Those that come next, of 12 steps in all: up for 3.6, then down to 0 behind the last.
    for (const [i, rate] of [0.0034, 0.004 * (6 / 8.4), 0.004 * (3 / 8.4), 0].entries())
      expect(rates[i]).toBeCloseTo(rate, 8);
  });

  test("follows a schedule that is plain data, and records it", async () => {
    const rates: number[] = [];
    const learningRate = {
      name: "piecewiseConstantDecay",
      options: { boundaries: [11], values: [0.01, 0.001] },
    };
    const { learner, result } = await run(
      { ...quick, optimizer: { name: "adam", learningRate }, validationSplit: 0 },
      { dataset, callbacks: { onEpochEnd: ({ learningRate: rate }) => void rates.push(rate) } },
    );
    learner.dispose();
    expect(rates).toEqual([0.01, 0.001]);
    expect(result.configuration.optimizer).toMatchObject({ name: "adam", learningRate, beta1: 0.9 });
  });

  test("that is stopped is tested, and says so", async () => {
    const stop = new AbortController();
    const {
      result,
      stoppedBy,
      test: tested,
      learner,
    } = await run(
      { ...quick, epochs: 50 },
      { dataset, signal: stop.signal, callbacks: { onEpochEnd: () => stop.abort() } },
    );
    learner.dispose();
    expect(stoppedBy).toBe("signal");
    expect(tested!.count).toBe(30);
    expect(result).toMatchObject({
      stopped: true,
      stoppedBy: "signal",
      epochsCompleted: 1,
      trainedImages: 96,
    });
  });

  test("that a callback stops is tested, and says who stopped it, whatever is aborted later", async () => {
    const stop = new AbortController();
    const { result, stoppedBy, learner } = await run(
      { ...quick, epochs: 50, validationSplit: 0.25 },
      {
        dataset,
        signal: stop.signal,
        callbacks: earlyStopping({ monitor: "val_loss", minDelta: 1000, patience: 1 }),
        onTrained: () => stop.abort(),
      },
    );
    learner.dispose();
    expect(stoppedBy).toBe("callback");
    expect(result).toMatchObject({ stopped: true, stoppedBy: "callback", epochsCompleted: 2 });
    expect(result.test!.accuracy).toBeGreaterThanOrEqual(0);
  });

  test("that a callback stops in its last epoch was stopped by nothing", async () => {
    const { result, learner } = await run(
      { ...quick, epochs: 2 },
      {
        dataset,
        callbacks: { onEpochEnd: ({ epoch }, _, training) => void (epoch === 1 && training.stop()) },
      },
    );
    learner.dispose();
    expect(result).toMatchObject({ stopped: false, epochsCompleted: 2 });
    expect(result).not.toHaveProperty("stoppedBy");
  });

  test("that is stopped before its first step rejects with the reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    await expect(
      run(quick, { dataset, signal: stop.signal, onReady: () => stop.abort(reason) }),
    ).rejects.toBe(reason);
    await expect(run(quick, { dataset, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("that diverges is a result, with a verdict and the last good weights", async () => {
    const flat = [{ type: "flatten" }, { type: "dense", units: 3 }];
    const { result, failure, ended, learner } = await run(
      { ...quick, model: flat, loss: "meanSquaredError", optimizer: { name: "sgd", learningRate: 1e30 } },
      { dataset },
    );
    expect(failure).toMatchObject({ name: "TrainingDivergedError" });
    expect(ended).toBe(failure);
    expect(result).toMatchObject({
      stopped: true,
      stoppedBy: "diverged",
      verdict: { kind: "diverged", epoch: 1 },
    });
    for (const { data } of await learner.getWeights()) expect(data.every(Number.isFinite)).toBe(true);
    learner.dispose();
  });

  test.each<[string, RunOptions, RegExp]>([
    [
      "a model that does not fit",
      { model: [{ type: "flatten" }, { type: "dense", units: 5, activation: "softmax" }] },
      /5 outputs.*3 classes/,
    ],
    ["a model of no name", { model: "lenet6" }, /lenet6/],
    ["a file that is not there", { model: "nowhere/model.json" }, /nowhere.model\.json/],
    ["a split that leaves nothing", { trainLimit: 1 }, /0\.2 of 1/],
  ])("refuses %s", async (_, options, message) => {
    await expect(run({ ...quick, ...options }, { dataset })).rejects.toThrow(message);
  });
});
