import { describe, expect, test } from "vitest";
import { conv2d, dense, dropout, flatten, input, maxPooling2d } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { model as graphModel } from "../../src/train/functional.ts";
import { type Samples, SamplesError } from "../../src/train/samples.ts";
import type { SampleSource } from "../../src/train/source.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { halves, vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";
import { sourceOf } from "../support/sources.ts";

const LAYERS = [
  conv2d({ filters: 3, kernelSize: 3, activation: "relu" }),
  maxPooling2d(),
  flatten(),
  dropout({ rate: 0.3 }),
  dense({ units: 2, activation: "softmax" }),
].map((layer, i) => (i === 0 ? { ...layer, inputShape: [6, 6, 1] } : layer));

const train = halves(103, 1);
const test_ = halves(37, 5);

const ready = (threads = 1) => modelOf(LAYERS, { optimizer: adam({ learningRate: 0.01 }), seed: 7, threads });

/** What a training leaves: a hash of its weights, and its figures. */
async function trained(samples: Samples | SampleSource, options: FitOptions, threads = 1) {
  const model = await ready(threads);
  const { history, trainCounts, validationCounts } = await model.fit(samples, options);
  return { hash: await model.weightsSha256(), history, trainCounts, validationCounts };
}

describe("samples that are read batch by batch", () => {
  test.each<[string, FitOptions]>([
    ["shuffled", {}],
    ["in their order", { shuffle: false }],
    ["in batches that divide them", { batchSize: 103 }],
    ["in one batch that is larger", { batchSize: 500 }],
    ["with the last for validation", { validationSplit: 0.2 }],
    ["with some of each class for validation", { validationSplit: 0.2, validationFrom: "stratified" }],
    [
      "with any for validation, in order",
      { validationSplit: 0.3, validationFrom: "shuffled", shuffle: false },
    ],
    ["with validation in memory", { validationData: test_ }],
    ["with classes that count differently", { classWeight: "balanced", validationSplit: 0.2 }],
    ["with weights", { sampleWeight: fixtureValues(103, 3, 1).map(Math.abs) }],
    ["with the best epoch's weights", { validationSplit: 0.25, restoreBestWeights: "val_loss" }],
  ])("train to the bits that those in memory do: %s", async (_, options) => {
    const given = { epochs: 3, batchSize: 16, ...options };
    const streamed = await trained(sourceOf(train), given);
    expect(streamed).toEqual(await trained(train, given));
  });

  test.each([2, 3])("train to the same bits with %i threads", async (threads) => {
    const options = { epochs: 2, batchSize: 16, validationData: sourceOf(test_) };
    const streamed = await trained(sourceOf(train), options, threads);
    expect(streamed.hash).toBe((await trained(train, { ...options, validationData: test_ })).hash);
  });

  test("are what models of several inputs and outputs train on, too", async () => {
    const make = () => {
      const picture = input({ shape: [6, 6, 1], name: "picture" });
      const numbers = input({ shape: [6, 6, 1], name: "numbers" });
      const half = dense({ units: 2, activation: "softmax", name: "half" }).apply(flatten().apply(picture));
      const value = dense({ units: 3, name: "value" }).apply(flatten().apply(numbers));
      return graphModel({ inputs: [picture, numbers], outputs: [half, value] });
    };
    const samples: Samples = {
      images: [train.images, halves(103, 9).images],
      shape: [train.shape, train.shape],
      count: 103,
      labels: { half: train.labels },
      targets: { value: fixtureValues(103 * 3, 4, 1) },
    } as never;
    const hashes = [];
    for (const given of [samples, sourceOf(samples)]) {
      const own = make();
      await own.compile({ threads: 1, loss: { half: "categoricalCrossentropy", value: "meanSquaredError" } });
      await own.fit(given, { epochs: 2, batchSize: 16 });
      const outputs = await own.predict<Float32Array[]>(given);
      hashes.push([await own.weightsSha256(), await own.evaluate(given), ...outputs]);
      own.dispose();
    }
    expect(hashes[1]).toEqual(hashes[0]);
  });

  test("may be floats with targets", async () => {
    const floats = vectors(50, 5, 2, 1);
    const hashes = [];
    for (const given of [floats, sourceOf(floats)]) {
      const model = await modelOf([{ ...dense({ units: 2 }), inputShape: [5] }], {
        loss: "meanSquaredError",
        seed: 1,
      });
      await model.fit(given, { epochs: 2, batchSize: 8 });
      hashes.push([await model.weightsSha256(), await model.evaluate(given)]);
    }
    expect(hashes[1]).toEqual(hashes[0]);
  });

  test("are evaluated and predicted from as those in memory are", async () => {
    const model = await ready();
    await model.fit(train, { epochs: 2 });
    const source = sourceOf(test_);
    for (const batchSize of [5, 37, 64]) {
      expect(await model.evaluate(source, { batchSize })).toEqual(await model.evaluate(test_, { batchSize }));
      expect(await model.predict(source, { batchSize })).toEqual(await model.predict(test_, { batchSize }));
    }
    const { labels: _, ...unlabelled } = test_;
    expect(await model.predict(sourceOf(unlabelled))).toEqual(await model.predict(test_));
    expect(source.asked.closed).toBe(6);
  });

  test("are read in the order of training, each batch once, and two before their turn at most", async () => {
    const seen: number[] = [];
    const source = sourceOf(train);
    const model = await ready();
    await model.fit(source, {
      epochs: 2,
      batchSize: 10,
      callbacks: { onBatchEnd: () => void seen.push(source.asked.reads.length) },
    });
    const { reads, most, closed } = source.asked;
    expect(reads).toHaveLength(22);
    for (const epoch of [0, 1])
      expect(
        reads
          .slice(11 * epoch, 11 * (epoch + 1))
          .flat()
          .sort((a, b) => a - b),
      ).toEqual([...train.labels.keys()]);
    expect(reads.slice(0, 11)).not.toEqual(reads.slice(11));
    // After the first batch it, and two more, were asked for.
    expect(seen.slice(0, 11)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11]);
    expect(most).toBeLessThanOrEqual(3);
    expect(closed).toBe(1);
  });
});

describe("a training on a source", () => {
  const options = { epochs: 3, batchSize: 16, validationSplit: 0.2 };

  test("goes on from a state in the middle of an epoch to the same bits", async () => {
    const { hash } = await trained(train, options);
    const source = sourceOf(train);
    const first = (await ready()).training(source, options);
    for (let step = 0; step < 9; step++) await first.step();
    const state = first.state();
    expect([state.epoch, state.batch]).toEqual([1, 3]);
    const model = await ready();
    await model.fit(sourceOf(train), { ...options, initialState: state });
    expect(await model.weightsSha256()).toBe(hash);
  });

  test("refuses the state of one on another source, which its mark tells", async () => {
    const [one, other] = [
      { ...sourceOf(train), mark: "one" },
      { ...sourceOf(train), mark: "other" },
    ];
    const training = (await ready()).training(one, options);
    await training.step();
    const state = training.state();
    const model = await ready();
    expect(() => model.training(other, { ...options, initialState: state })).toThrow(
      "the state is of a training on other samples, which are as many: give fit() those that it had then",
    );
    model.training({ ...sourceOf(train), mark: "one" }, { ...options, initialState: state });
  });

  test("ends with the error of a batch that cannot be read, when its turn comes, and goes on from there", async () => {
    const { hash } = await trained(train, options);
    const order: number[][] = [];
    const spy = sourceOf(train);
    await (await ready()).fit(spy, { ...options, epochs: 1 });
    order.push(...spy.asked.reads);
    // The fourth batch of training.
    const source = sourceOf(train, new Set([order[3]![5]!]));
    const training = (await ready()).training(source, options);
    for (let step = 0; step < 3; step++) await training.step();
    await expect(training.step()).rejects.toThrow(`sample ${order[3]![5]} has disappeared`);
    expect(source.asked.closed).toBe(1);
    const state: TrainingState = training.state();
    expect([state.epoch, state.batch, state.history.steps]).toEqual([0, 3, 3]);
    const model = await ready();
    await model.fit(sourceOf(train), { ...options, initialState: state });
    expect(await model.weightsSha256()).toBe(hash);
  });

  test.each(["a callback", "a signal", "an error of a callback"])(
    "closes it when %s ends it early",
    async (who) => {
      const source = sourceOf(train);
      const controller = new AbortController();
      const model = await ready();
      const fit = model.fit(source, {
        batchSize: 8,
        signal: controller.signal,
        callbacks: {
          onBatchEnd({ batch }, _, training) {
            if (batch < 2) return;
            if (who === "a callback") training.stop();
            else if (who === "a signal") controller.abort();
            else throw new Error("enough");
          },
        },
      });
      if (who === "an error of a callback") await expect(fit).rejects.toThrow("enough");
      else expect(await fit).toMatchObject({ stopped: true, steps: 3 });
      expect(source.asked.closed).toBe(1);
      // Nothing is read any more.
      expect(source.asked.reads).toHaveLength(5);
      expect(await model.evaluate(source)).toEqual(await model.evaluate(train));
    },
  );

  test("keeps it open while another still reads from it", async () => {
    const source = sourceOf(train);
    const model = await ready();
    const closed: number[] = [];
    await model.fit(source, {
      batchSize: 32,
      callbacks: {
        async onBatchEnd() {
          await model.evaluate(source);
          closed.push(source.asked.closed);
        },
      },
    });
    expect(closed).toEqual([0, 0, 0, 0]);
    expect(source.asked.closed).toBe(1);
  });
});

describe("a source", () => {
  test.each<[string, Partial<Record<keyof SampleSource, unknown>>, string]>([
    [
      "without a count",
      { count: undefined },
      "fit: the source's count is undefined, expected how many samples it has",
    ],
    ["of no samples", { count: 0 }, "fit: the source's count is 0, expected how many samples it has"],
    [
      "of another kind",
      { pixels: "ints" },
      'fit: the source\'s pixels is "ints", expected "bytes", which are scaled, or "floats"',
    ],
    [
      "of another shape",
      { shape: [5, 5, 1] },
      "fit: got samples of shape (5, 5, 1), but the model expects (6, 6, 1)",
    ],
    [
      "without labels",
      { labels: undefined },
      "fit: got samples with neither labels nor targets: give one of them",
    ],
    ["with few labels", { labels: new Uint8Array(3) }, "fit: got 3 labels for 103 samples"],
    [
      "with a class too many",
      { labels: new Uint8Array(103).fill(7) },
      "fit: label 0 is 7, but the model has 2 outputs: expected class ids below 2",
    ],
  ])("%s is refused", async (_, change, message) => {
    const model = await ready();
    const source = { ...sourceOf(train), ...change } as SampleSource;
    await expect(model.fit(source)).rejects.toThrow(new SamplesError(message));
  });

  test("of floats that are not finite is named in what prediction says", async () => {
    const floats = vectors(50, 5, 2, 1);
    floats.images[5 * 41 + 3] = Number.NaN;
    const model = await modelOf([{ ...dense({ units: 2 }), inputShape: [5] }], { loss: "meanSquaredError" });
    const message = (given: Samples | SampleSource, ask: "predict" | "evaluate") =>
      (model[ask] as typeof model.predict)(given, { batchSize: 16 }).then(
        String,
        (error: Error) => error.message,
      );
    for (const ask of ["predict", "evaluate"] as const) {
      expect(await message(floats, ask)).toMatch(/41/);
      expect(await message(sourceOf(floats), ask)).toBe(await message(floats, ask));
    }
  });
});
