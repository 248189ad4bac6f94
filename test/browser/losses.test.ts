import { expect, test, vi } from "vitest";
import type { TrainerOptions } from "../../src/browser/types.ts";
import { binaryFocalCrossentropy, categoricalCrossentropy, huber } from "../../src/losses/make.ts";
import { auc, f1Score } from "../../src/metrics/make.ts";
import { conv2d, dense, flatten } from "../../src/model/layers/index.ts";
import { adam, nadam, stepDecay } from "../../src/optim/index.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import type { Samples } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import { halves } from "../support/samples.ts";
import { inNode, inWorker, using } from "../support/trainables.ts";

// Losses, metrics and weights of samples in a page's trainer as in Node, to the bit.

vi.mock("../../src/browser/locks.ts", () => ({ holdLock: async () => "", watchLock: () => {} }));
vi.mock("../../src/browser/host/scope.ts", () => ({ scope: {} }));

const data = halves(50, 3);
const weights = Float32Array.from({ length: data.count }, (_, i) => (i % 5) / 2);

type Activation = "softmax" | "sigmoid" | "linear";
const CASES: [string, Activation, TrainerOptions, FitOptions, Samples][] = [
  ["a loss with options", "linear", { loss: huber({ delta: 0.2 }) }, {}, data],
  ["a loss as plain data", "linear", { loss: { name: "huber", delta: 0.2 } }, {}, data],
  ["label smoothing", "softmax", { loss: categoricalCrossentropy({ labelSmoothing: 0.1 }) }, {}, data],
  ["logits", "linear", { loss: categoricalCrossentropy({ fromLogits: true }) }, {}, data],
  ["a focal loss", "sigmoid", { loss: binaryFocalCrossentropy({ gamma: 1 }) }, {}, data],
  ["a loss by name", "linear", { loss: "hinge" }, {}, data],
  ["metrics with options", "softmax", { metrics: [auc({ curve: "PR" }), f1Score(), "meanIoU"] }, {}, data],
  ["an optimizer by name", "softmax", { optimizer: "lion" }, {}, data],
  ["a moving average", "softmax", { optimizer: nadam({ useEma: true, emaOverwriteFrequency: 4 }) }, {}, data],
  [
    "accumulated gradients by a schedule",
    "softmax",
    {
      optimizer: adam({
        gradientAccumulationSteps: 3,
        learningRate: stepDecay({ initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.5 }),
      }),
    },
    { epochs: 3 },
    data,
  ],
  ["weights of classes", "softmax", {}, { classWeight: { 1: 4 } }, data],
  [
    "balanced classes of a part",
    "softmax",
    {},
    { classWeight: "balanced", validationSplit: 0.3, validationFrom: "stratified" },
    data,
  ],
  ["weights as an option", "softmax", {}, { sampleWeight: weights, validationSplit: 0.2 }, data],
  ["weights in samples", "softmax", {}, { validationSplit: 0.2 }, { ...data, weights }],
  ["validation with weights", "softmax", {}, { validationData: { ...data, weights } }, data],
];

test.each(CASES)("%s", async (_, activation, options, fit, samples) => {
  const net = () => sequential([flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation })]);
  const results = [];
  for (const make of [inNode(net), inWorker(net)])
    results.push(
      await using(make, options, async (trainable) => {
        const { history } = await trainable.fit(samples, { epochs: 2, batchSize: 8, ...fit });
        const { sampleWeight } = fit;
        return {
          history,
          hash: await trainable.weightsSha256(),
          tested: await trainable.evaluate(samples, sampleWeight && { sampleWeight }),
          again: await trainable.evaluate(samples),
        };
      }),
    );
  expect(results[1]).toEqual(results[0]);
  expect(Object.values(results[0]!.history).flat().every(Number.isFinite)).toBe(true);
});

const map = { ...data, labels: (data.images as Uint8Array).map((pixel) => Math.floor(pixel / 86)) };
const floats = Float32Array.from(data.images as Uint8Array, (pixel) => pixel / 255);
const { labels: _, ...unlabelled } = data;
const byPixel = Float32Array.from({ length: floats.length }, (_, i) => (i % 4) / 2);
const IMAGES: [string, number, Activation, TrainerOptions, FitOptions, Samples][] = [
  ["a map of classes", 3, "softmax", { metrics: ["accuracy", "meanIoU"] }, {}, map],
  ["logits of a map", 3, "linear", { loss: categoricalCrossentropy({ fromLogits: true }) }, {}, map],
  ["pixels weighed by class", 3, "softmax", {}, { classWeight: "balanced", validationSplit: 0.2 }, map],
  ["pixels with weights", 3, "softmax", {}, { sampleWeight: byPixel }, map],
  ["images with weights", 3, "softmax", {}, { sampleWeight: weights, validationSplit: 0.2 }, map],
  ["images", 1, "linear", { loss: "meanSquaredError" }, {}, { ...unlabelled, targets: floats }],
  [
    "images of a sigmoid",
    1,
    "sigmoid",
    { loss: "binaryCrossentropy", metrics: ["meanAbsoluteError"] },
    { restoreBestWeights: "val_loss", validationSplit: 0.2, validationFrom: "shuffled" },
    { ...unlabelled, targets: floats },
  ],
];

test.each(IMAGES)("outputs that are images: %s", async (_, filters, activation, options, fit, samples) => {
  const net = () =>
    sequential([
      conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu", inputShape: [6, 6, 1] }),
      conv2d({ filters, kernelSize: 3, padding: "same", activation }),
    ]);
  const results = [];
  for (const make of [inNode(net), inWorker(net)])
    results.push(
      await using(make, options, async (trainable) => {
        const { history, trainCounts } = await trainable.fit(samples, { epochs: 2, batchSize: 8, ...fit });
        return {
          history,
          trainCounts,
          hash: await trainable.weightsSha256(),
          tested: await trainable.evaluate(samples),
          outputs: await trainable.predict(samples.images as Uint8Array),
        };
      }),
    );
  expect(results[1]).toEqual(results[0]);
  expect(results[0]!.outputs).toHaveLength(50 * 36 * filters);
  expect(results[0]!.trainCounts).toBeUndefined();
  expect(Object.values(results[0]!.history).flat().every(Number.isFinite)).toBe(true);
});

test("a label for each image where each pixel has one is refused by a trainer, too", async () => {
  const net = () =>
    sequential([conv2d({ filters: 2, kernelSize: 1, activation: "softmax", inputShape: [6, 6, 1] })]);
  await using(inWorker(net), {}, async (trainable) => {
    await expect(trainable.fit(data)).rejects.toThrow(
      "fit: got 50 labels for 50 samples of 6x6, expected 1800: a class for each pixel",
    );
  });
});

test("samples with weights are sent once, however often they are trained on", async () => {
  const net = () =>
    sequential([flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })]);
  await using(inWorker(net), {}, async (trainable) => {
    const { TrainingHost } = await import("../../src/browser/host/training.ts");
    const allocate = vi.spyOn(TrainingHost.prototype, "allocate");
    await trainable.fit(data, { sampleWeight: weights, validationSplit: 0.2 });
    await trainable.fit(data, {
      classWeight: "balanced",
      validationSplit: 0.2,
      validationFrom: "stratified",
    });
    await trainable.fit(data);
    await trainable.evaluate(data, { sampleWeight: weights });
    expect(allocate).toHaveBeenCalledTimes(1);
  });
});

test("wrong weights are refused by a trainer, too", async () => {
  const net = () =>
    sequential([flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })]);
  await using(inWorker(net), {}, async (trainable) => {
    await expect(trainable.fit(data, { sampleWeight: [1] })).rejects.toThrow(
      "fit: got 1 weight for 50 samples",
    );
    await expect(trainable.evaluate(data, { sampleWeight: [1] })).rejects.toThrow(
      "evaluate: got 1 weight for 50 samples",
    );
    await expect(trainable.fit(data, { sampleWeight: weights, classWeight: "balanced" })).rejects.toThrow(
      "both classWeight and weights of samples are given",
    );
  });
});
