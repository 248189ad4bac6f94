import { describe, expect, test } from "vitest";
import { saveCheckpoint } from "../../src/formats/checkpoint.ts";
import type { RunCheckpointInfo } from "../../src/run/checkpoint.ts";
import type { RunOptions } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import { bars } from "../cli/helpers.ts";

const layers = [
  { type: "conv2d", filters: 4, kernelSize: 3, strides: 2, activation: "relu" },
  { type: "flatten" },
  { type: "dropout", rate: 0.3 },
  { type: "dense", units: 3, activation: "softmax" },
];
const dataset = { name: "bars", classNames: ["top", "middle", "bottom"], train: bars(120), test: bars(30) };
const settings: RunOptions = { model: { name: "small", layers }, epochs: 3, batchSize: 16, threads: 1 };

interface Handed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly info: RunCheckpointInfo;
}

/** What of a run is the same whenever it is done. */
async function outcomeOf(options: RunOptions, hooks: Parameters<typeof run>[1] = {}) {
  const handed: Handed[] = [];
  const { result, verdict, kept, recorder, learner } = await run(options, {
    dataset,
    onCheckpoint: (bytes, info) => void handed.push({ bytes, info }),
    ...hooks,
  });
  learner.dispose();
  const { trainSeconds: _, imagesPerSecond: __, startedAt, endedAt: ___, ...fixed } = result;
  return { handed, startedAt, fixed, verdict, kept, firstLoss: recorder.firstLoss };
}

/** Goes on from each of a run's checkpoints, and expects the same of all. */
async function goesOnAlike(options: RunOptions, callbacks: () => Callbacks[] = () => []) {
  const { handed, ...whole } = await outcomeOf(options, { callbacks: callbacks() });
  for (const { bytes, info } of handed) {
    const again = await outcomeOf({}, { resume: bytes, callbacks: callbacks() });
    expect({ ...again, handed: undefined }, JSON.stringify(info)).toEqual({ ...whole, handed: undefined });
  }
  return { handed: handed.map(({ info }) => info), ...whole };
}

describe("a run that goes on", () => {
  test("from any of its checkpoints ends as the one that was never interrupted", async () => {
    const { handed } = await goesOnAlike({ ...settings, checkpointEvery: 1 });
    // The last one before its epoch ends: a run that is killed in its test tests again, and trains no more.
    expect(handed).toEqual([
      { epoch: 1, batch: 0, steps: 6 },
      { epoch: 2, batch: 0, steps: 12 },
      { epoch: 2, batch: 6, steps: 18 },
    ]);
  });

  test("from the midst of an epoch, without validation, with a recipe's rates", async () => {
    const { handed } = await goesOnAlike({
      ...settings,
      recipe: "fast",
      batchSize: 16,
      epochs: 2,
      checkpointEvery: "5steps",
    });
    expect(handed.map(({ steps }) => steps)).toEqual([5, 10, 15, 16]);
  });

  test("of which a callback had ended the training trains no more", async () => {
    const stop = () => [
      earlyStopping({ monitor: "val_loss", patience: 1, minDelta: 10, restoreBestWeights: true }),
    ];
    const { handed, fixed } = await goesOnAlike({ ...settings, epochs: 6, checkpointEvery: "3steps" }, stop);
    expect(fixed).toMatchObject({ epochsCompleted: 2, stoppedBy: "callback" });
    expect(handed.at(-1)).toEqual({ epoch: 2, batch: 0, steps: 12 });
  });

  test("with more epochs is the longer run, at another rate another one", async () => {
    const { handed, fixed } = await outcomeOf(settings);
    const { bytes } = handed.at(-1)!;
    const { fixed: longer } = await outcomeOf({ epochs: 5 }, { resume: bytes });
    const { fixed: whole } = await outcomeOf({ ...settings, epochs: 5 });
    expect(longer).toEqual(whole);
    const rate = { name: "adam", learningRate: 0.1 } as const;
    const { fixed: faster } = await outcomeOf({ optimizer: rate }, { resume: handed[1]!.bytes });
    expect(faster.configuration.optimizer.learningRate).toBe(0.1);
    expect(faster.history.slice(0, 2)).toEqual(fixed.history.slice(0, 2));
    expect(faster.history[2]).not.toEqual(fixed.history[2]);
  });

  test("has no checkpoint of weights that are not finite", async () => {
    // Behind relu: no loss tells.
    const breaking: Callbacks = {
      onBatchEnd: async ({ batch, epoch }, _logs, training) => {
        if (epoch !== 1 || batch !== 4) return;
        const weights = await training.getWeights();
        weights[1]!.data[0] = Number.NEGATIVE_INFINITY;
        await training.setWeights(weights);
      },
    };
    const { handed, fixed } = await outcomeOf(
      { ...settings, checkpointEvery: "1steps" },
      { callbacks: breaking },
    );
    expect(fixed.stoppedBy).toBe("diverged");
    expect(handed.map(({ info }) => info.steps)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test.each(["1steps", 1] as const)(
    "has none of where terminateOnNaN ended it, every %s",
    async (checkpointEvery) => {
      const rate = { name: "piecewiseConstantDecay", options: { boundaries: [8], values: [0.01, 1e30] } };
      const wild = { name: "sgd", learningRate: rate } as unknown as RunOptions["optimizer"];
      const { handed, ...whole } = await outcomeOf({
        ...settings,
        optimizer: wild,
        callbacks: ["terminateOnNaN"],
        checkpointEvery,
      });
      expect(whole.fixed.stoppedBy).toBe("diverged");
      expect(handed.at(-1)!.info.steps).toBe(checkpointEvery === 1 ? 6 : 10);
      const again = await outcomeOf({}, { resume: handed.at(-1)!.bytes });
      expect({ ...again, handed: undefined }).toEqual({ ...whole, handed: undefined });
    },
  );

  test.each([
    [{ seed: 2 }, "seed is 2, but the run to go on with has 1: leave it out"],
    [{ epochs: 2 }, "epochs is 2, and the run has done 3: give more"],
    [{ optimizer: "sgd" }, /^optimizer is "sgd", but the run to go on with has/],
    [
      { optimizer: { name: "adam", beta1: 0.5 } },
      /^optimizer is .*: its learningRate alone may be another one$/,
    ],
    [{ epoch: 5 }, 'no option is called "epoch": did you mean epochs? Write: {"epochs": 5}'],
  ] as const)("refuses %j", async (options, message) => {
    const { handed } = await outcomeOf(settings);
    await expect(outcomeOf(options as RunOptions, { resume: handed.at(-1)!.bytes })).rejects.toThrow(message);
  });

  test("refuses other images, which are as many", async () => {
    const { handed, ...whole } = await outcomeOf(settings);
    const { bytes: resume } = handed[1]!;
    const turned = ({ images, ...set }: (typeof dataset)["train"]) => ({
      ...set,
      images: images.toReversed(),
    });
    const relabelled = { ...dataset.train, labels: dataset.train.labels.with(7, 2) };
    for (const other of [
      { train: turned(dataset.train) },
      { train: relabelled },
      { test: turned(dataset.test) },
      { validation: dataset.test },
    ])
      await expect(outcomeOf({}, { resume, dataset: { ...dataset, ...other } })).rejects.toThrow(
        "the images of 'bars' are not those that the run to go on with has: give it those, or begin a new run from its weights",
      );
    const copy = { ...dataset, train: structuredClone(dataset.train) };
    expect({ ...(await outcomeOf({}, { resume, dataset: copy })), handed: undefined }).toEqual({
      ...whole,
      handed: undefined,
    });
  });

  test("refuses what is no run's checkpoint", async () => {
    const { handed } = await outcomeOf(settings);
    const broken = handed[0]!.bytes.slice(0, -1);
    await expect(outcomeOf({}, { resume: broken })).rejects.toThrow(/^the checkpoint is damaged/);
    let bytes: Uint8Array | undefined;
    const saving: Callbacks = {
      onEpochEnd: async (_info, _logs, training) => {
        bytes = saveCheckpoint(await training.state());
      },
    };
    await outcomeOf(settings, { callbacks: saving });
    await expect(outcomeOf({}, { resume: bytes! })).rejects.toThrow(
      /^the checkpoint is of a training, not of a run/,
    );
  });
});
