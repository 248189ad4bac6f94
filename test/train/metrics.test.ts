import { describe, expect, test } from "vitest";
import { defineLoss } from "../../src/losses/define.ts";
import { defineMetric } from "../../src/metrics/define.ts";
import { topKCategoricalAccuracy } from "../../src/metrics/make.ts";
import { METRICS } from "../../src/metrics/metric.ts";
import { dense } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import type { CompileOptions } from "../../src/train/compiled-options.ts";
import type { Samples } from "../../src/train/samples.ts";
import { modelOf } from "../support/sessions.ts";

/** A model whose outputs are its inputs. */
async function identity(cols: number, options: Parameters<typeof modelOf>[1]) {
  const model = await modelOf([dense({ units: cols, inputShape: [cols], useBias: false })], {
    loss: "meanSquaredError",
    ...options,
  });
  const data = Float32Array.from({ length: cols * cols }, (_, i) => Number(i % (cols + 1) === 0));
  model.setWeights([{ name: "dense/kernel", shape: [cols, cols], data }]);
  return model;
}

// Rows and targets by hand; five samples in batches of two: the last one is smaller.
const scores: Samples = {
  images: Float32Array.of(
    ...[0.1, 0.5, 0.4, 0], // wanted 2: second
    ...[0.7, 0.1, 0.2, 0], // wanted 0: first
    ...[0.1, 0.2, 0.3, 0.4], // wanted 0: last
    ...[0.4, 0.4, 0.4, 0], // wanted 1: beside two equals, none is greater
    ...[0.3, 0.25, 0.25, 0.2], // wanted 3: last
  ),
  shape: [4],
  count: 5,
  labels: Uint8Array.of(2, 0, 0, 1, 3),
};

describe("metrics", () => {
  test.each([
    [1, 2 / 5],
    [2, 3 / 5],
    [3, 3 / 5],
    [4, 1],
  ])("topKCategoricalAccuracy({ k: %i }) is the share of classes among the k greatest", async (k, share) => {
    const model = await identity(4, { metrics: [topKCategoricalAccuracy({ k, name: `top${k}` })] });
    for (const batchSize of [1, 2, 5])
      expect((await model.evaluate(scores, { batchSize }))[`top${k}`]).toBe(share);
  });

  test("are named, with their defaults, and come in the order in which they were given", async () => {
    const first = ["topKCategoricalAccuracy", "accuracy", "meanSquaredError", "meanAbsoluteError"] as const;
    const others = METRICS.filter((name) => !(first as readonly string[]).includes(name));
    const model = await identity(4, { metrics: [...first, ...others] });
    const logs = await model.evaluate(scores, { batchSize: 2 });
    expect(Object.keys(logs)).toEqual([
      "loss",
      "topKCategoricalAccuracy",
      "accuracy",
      "meanSquaredError",
      "meanAbsoluteError",
      ...others,
    ]);
    expect(logs.topKCategoricalAccuracy).toBe(1);
    // Of the three equal outputs the first counts as the answer.
    expect(logs.accuracy).toBe(1 / 5);
    expect(logs.meanSquaredError).toBeCloseTo(logs.loss, 6);
    expect(METRICS.every((name) => name in logs)).toBe(true);
  });

  test("mean errors are over outputs and samples, as Keras has them", async () => {
    const targets = Float32Array.of(1, 0, 2, -1, 0.5, 3);
    const samples = { images: Float32Array.of(1.5, 0, 1, 1, 0.5, 2), shape: [2], count: 3, targets };
    const model = await identity(2, { metrics: ["meanAbsoluteError", "meanSquaredError"] });
    const { meanAbsoluteError, meanSquaredError } = await model.evaluate(samples, { batchSize: 2 });
    expect(meanAbsoluteError).toBe((0.5 + 0 + 1 + 2 + 0 + 1) / 6);
    expect(meanSquaredError).toBe((0.25 + 0 + 1 + 4 + 0 + 1) / 6);
  });

  test("of one's own gather over the epoch, in training before each update, and in validation", async () => {
    const seen: number[] = [];
    const largest = defineMetric({
      name: "largest",
      accumulators: 1,
      update(accumulators, { outputs, targets, rows, cols }) {
        seen.push(rows);
        expect([outputs.length, targets.length]).toEqual([rows * cols, rows * cols]);
        accumulators[0] = Math.max(accumulators[0]!, ...outputs);
      },
      value: ([most]) => most!,
    });
    const model = await identity(4, { metrics: [largest], optimizer: sgd({ learningRate: 0 }) });
    const { history } = await model.fit(scores, { epochs: 2, batchSize: 2, validationData: scores });
    expect(history.largest).toEqual([Math.fround(0.7), Math.fround(0.7)]);
    expect(history.val_largest).toEqual(history.largest);
    expect(seen).toEqual([2, 2, 1, 5, 2, 2, 1, 5]);
  });

  test("a name of none is refused, with those that there are", async () => {
    await expect(identity(2, { metrics: ["aucs" as never] })).rejects.toThrow(
      `metrics: no metric is called 'aucs', expected some of ${METRICS.join(", ")}, or what defineMetric() gave`,
    );
  });

  test.each<[string, CompileOptions["metrics"]]>([
    ["accuracy", ["accuracy", "meanSquaredError", "accuracy"]],
    ["topKCategoricalAccuracy", [topKCategoricalAccuracy({ k: 1 }), topKCategoricalAccuracy({ k: 2 })]],
    ["mine", [defineMetric({ name: "mine", update() {} }), defineMetric({ name: "mine", update() {} })]],
    ["loss", [topKCategoricalAccuracy({ name: "loss" })]],
    ["val_loss", [topKCategoricalAccuracy({ name: "val_loss" })]],
  ])("two figures called %s are refused", async (name, metrics) => {
    await expect(identity(2, { metrics })).rejects.toThrow(
      new RangeError(
        `metrics: two figures are called "${name}", expected a name for each. Give each metric once; one with options takes a name. Write: topKCategoricalAccuracy({ k: 3, name: "top3" })`,
      ),
    );
  });

  test("a metric that is given alone is refused with the list to write", async () => {
    const metric = defineMetric({ name: "mine", update() {} });
    for (const alone of [metric, "accuracy", topKCategoricalAccuracy()])
      await expect(identity(2, { metrics: alone as never })).rejects.toThrow(
        /^compile: metrics is .*, expected a list of metrics' names .*\. Write: model\.compile\(\{ .* metrics: \["accuracy"\]/,
      );
  });

  test("restoreBestWeights goes by what is better of a metric", async () => {
    for (const better of ["more", "less"] as const) {
      let epoch = 0;
      const figure = defineMetric({
        name: "figure",
        better,
        // A batch an epoch.
        update: () => void epoch++,
        value: () => [2, 3, 1][epoch - 1]!,
      });
      const model = await identity(4, { metrics: [figure] });
      const options = { epochs: 3, batchSize: 5, restoreBestWeights: "figure" };
      expect((await model.fit(scores, options)).bestEpoch).toBe(better === "more" ? 1 : 2);
    }
  });
});

test("meanAbsoluteError as a loss gives what torch.nn.functional.l1_loss gives", async () => {
  const images = Float32Array.of(1, 2, -1, 0.5, 0.5, 0);
  const targets = Float32Array.of(0, 2.5, -1, 0.25, 1, 3);
  const model = await identity(3, { loss: "meanAbsoluteError" });
  expect(await model.evaluate({ images, targets, shape: [3], count: 2 })).toEqual({ loss: 0.875 });
});

describe("a loss of one's own", () => {
  const COUNT = 16;
  const samples: Samples = {
    images: Float32Array.from({ length: 4 * COUNT }, (_, i) => (((i * 7) % 9) - 4) / 4),
    shape: [4],
    count: COUNT,
    targets: Float32Array.from({ length: 2 * COUNT }, (_, i) => (((i * 5) % 9) - 4) / 4),
  };
  const squared = defineLoss({
    name: "squared",
    compute({ outputs, targets, rows, cols, losses, gradient }) {
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < cols; c++) {
          const i = r * cols + c;
          const d = Math.fround(outputs[i]! - targets[i]!);
          losses[r]! += (d * d) / cols;
          if (gradient) gradient[i] = (2 * d) / cols;
        }
    },
  });
  const layers = () => [dense({ units: 8, activation: "tanh", inputShape: [4] }), dense({ units: 2 })];

  // A batch and a number of outputs that are powers of two: scaling rounds nothing.
  test("trains to the bits of the built-in one that computes the same, in any number of threads", async () => {
    const hashes = new Set<string>();
    for (const loss of ["meanSquaredError", squared] as const)
      for (const threads of [1, 2]) {
        const model = await modelOf(layers(), { loss, threads, optimizer: sgd({ learningRate: 0.1 }) });
        const { history } = await model.fit(samples, { epochs: 3, batchSize: 4 });
        expect(history.loss.at(-1)).toBeLessThan(history.loss[0]!);
        hashes.add(await model.weightsSha256());
      }
    expect(hashes.size).toBe(1);
  });

  test("evaluates without a gradient, and takes the same views in each step", async () => {
    const batches = new Set<object>();
    let gradients = 0;
    const watched = defineLoss({
      name: "watched",
      compute(batch) {
        for (const view of [batch.outputs, batch.targets, batch.losses]) batches.add(view);
        if (batch.gradient) gradients++;
        expect([...batch.losses, ...(batch.gradient ?? [])].every((x) => x === 0)).toBe(true);
        squared.compute!(batch);
      },
    });
    const model = await modelOf(layers(), { loss: watched, optimizer: sgd() });
    const plain = await modelOf(layers(), { loss: "meanSquaredError" });
    expect((await model.evaluate(samples)).loss).toBeCloseTo((await plain.evaluate(samples)).loss, 6);
    expect(gradients).toBe(0);
    expect(batches.size).toBe(3);
    await model.fit(samples, { epochs: 4, batchSize: 4 });
    expect(gradients).toBe(16);
    expect(batches.size).toBe(6);
  });

  test("takes classes where it says so, and reports their accuracy", async () => {
    const hinge = defineLoss({ name: "own", takes: "classes", compute() {} });
    await expect(modelOf(layers(), { loss: hinge })).rejects.toThrow(
      'loss own takes probabilities: end the model with activation "softmax", or use meanSquaredError',
    );
    const model = await modelOf([dense({ units: 2, activation: "softmax", inputShape: [4] })], {
      loss: hinge,
    });
    expect(Object.keys(await model.evaluate({ ...samples }))).toEqual(["loss", "accuracy"]);
  });
});
