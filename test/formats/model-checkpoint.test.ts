import { describe, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/formats/checkpoint.ts";
import {
  type CheckpointInfo,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from "../../src/formats/model-checkpoint.ts";
import { batchNormalization, dense, dropout, flatten } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { decodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { reduceLROnPlateau } from "../../src/train/callbacks/reduce-lr-on-plateau.ts";
import type { Callbacks, TrainingHandle } from "../../src/train/callbacks.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const data = halves(50, 3);
const layers = () => [
  flatten({ inputShape: [6, 6, 1] }),
  dense({ units: 8, activation: "relu" }),
  batchNormalization(),
  dropout({ rate: 0.3 }),
  dense({ units: 2, activation: "softmax" }),
];
const FIT: FitOptions = { epochs: 6, batchSize: 8, validationSplit: 0.2 };

interface Saved {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly info: CheckpointInfo;
}

/** A checkpoint callback, and what it saved. */
function saving(options: Omit<ModelCheckpointOptions, "save"> = {}) {
  const saved: Saved[] = [];
  const callback = modelCheckpoint({ ...options, save: (bytes, info) => void saved.push({ bytes, info }) });
  return { saved, callback };
}

const epochsOf = (saved: readonly Saved[]) => saved.map(({ info }) => info.epoch);

describe("what is saved", () => {
  test("the training after each epoch, with its figures", async () => {
    const { saved, callback } = saving();
    const { history } = await (await modelOf(layers())).fit(data, { ...FIT, callbacks: callback });
    expect(epochsOf(saved)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(saved.map(({ info }) => info.logs.val_loss)).toEqual(history.val_loss);
    expect(saved.map(({ bytes }) => loadCheckpoint(bytes).epoch)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each([
    [1, 0, [0, 1, 2, 3, 4, 5]],
    [2, 0, [1, 3, 5]],
    [4, 0, [3]],
    [7, 0, []],
    [2, 3, [3, 5]],
  ])("every %i epochs from epoch %i on: after %j", async (everyEpochs, initialEpoch, epochs) => {
    const { saved, callback } = saving({ everyEpochs });
    await (await modelOf(layers())).fit(data, { ...FIT, initialEpoch, callbacks: callback });
    expect(epochsOf(saved)).toEqual(epochs);
  });

  test("the weights alone, as they were after the epoch", async () => {
    const { saved, callback } = saving({ saveWeightsOnly: true });
    const model = await modelOf(layers());
    const weights: unknown[] = [];
    const watch: Callbacks = {
      onEpochEnd: (_info, _logs, training) => void weights.push(training.getWeights()),
    };
    await model.fit(data, { ...FIT, epochs: 2, callbacks: [watch, callback] });
    expect(saved.map(({ bytes }) => decodeSafetensors(bytes).tensors)).toEqual(weights);
    const again = await modelOf(layers());
    again.setWeights(decodeSafetensors(saved[1]!.bytes).tensors);
    expect(await again.weightsSha256()).toBe(await model.weightsSha256());
    expect(() => loadCheckpoint(saved[1]!.bytes)).toThrow(/^a safetensors file of another kind/);
  });
});

/** What a callback saves where the epochs report these losses. */
async function savedAt(losses: readonly number[], options: Omit<ModelCheckpointOptions, "save">) {
  const { saved, callback } = saving({ saveBestOnly: true, monitor: "loss", ...options });
  const training = { state: () => stateOf, getWeights: () => [] } as unknown as TrainingHandle;
  const stateOf = (await modelOf(layers())).training(data).state();
  await callback.onTrainBegin!({ figures: ["loss", "accuracy"], signs: [-1, 1] } as never, training);
  for (const [epoch, loss] of losses.entries())
    await callback.onEpochEnd!({ epoch } as never, { loss, accuracy: loss } as never, training);
  return epochsOf(saved);
}

describe("saveBestOnly", () => {
  test("saves where the figure is better than ever: not where it equals the best, nor where it is NaN", async () => {
    const losses = [Number.NaN, 3, 3, 4, 2, Number.NaN, 2.5, 1];
    expect(await savedAt(losses, {})).toEqual([1, 4, 7]);
    expect(await savedAt(losses, { mode: "max" })).toEqual([1, 3]);
    expect(await savedAt(losses, { monitor: "accuracy" })).toEqual([1, 3]);
    expect(await savedAt(losses, { monitor: "accuracy", mode: "min" })).toEqual([1, 4, 7]);
  });

  test("with everyEpochs looks at those epochs alone", async () => {
    expect(await savedAt([5, 4, 1, 3, 2, 2], { everyEpochs: 2 })).toEqual([1, 3, 5]);
  });

  test("keeps its best in the training's state: what is worse is not saved after a stop", async () => {
    const optimizer = adam({ learningRate: 0.05 });
    const whole = saving({ saveBestOnly: true });
    await (await modelOf(layers(), { optimizer })).fit(data, {
      ...FIT,
      epochs: 12,
      callbacks: whole.callback,
    });
    const epochs = epochsOf(whole.saved);
    // The test means something where an epoch without a save comes first after a stop.
    const stop = epochs.find((epoch) => epoch < 11 && !epochs.includes(epoch + 1))!;
    expect(stop).toBeDefined();
    const { bytes } = whole.saved.find(({ info }) => info.epoch === stop)!;
    const rest = saving({ saveBestOnly: true });
    await (await modelOf(layers(), { optimizer })).fit(data, {
      ...FIT,
      epochs: 12,
      callbacks: rest.callback,
      initialState: loadCheckpoint(bytes),
    });
    expect(epochsOf(rest.saved)).toEqual(epochs.filter((epoch) => epoch > stop));
  });

  test("is refused before training where the figure is not reported", async () => {
    const model = await modelOf(layers());
    const { callback } = saving({ saveBestOnly: true });
    await expect(model.fit(data, { callbacks: callback })).rejects.toThrow(
      /^modelCheckpoint: monitor is "val_loss", but the training reports loss, accuracy: give fit\(\) validationSplit/,
    );
    // The others never look at it, and say so where one is named.
    expect(() => saving({ monitor: "loss" })).toThrow(
      'modelCheckpoint: monitor is "loss", but without saveBestOnly every epoch is saved. Write: modelCheckpoint({ save, monitor: "loss", saveBestOnly: true })',
    );
    expect(() => saving({ mode: "max", saveBestOnly: false })).toThrow(
      'modelCheckpoint: mode is "max", but without',
    );
    await model.fit(data, { callbacks: saving().callback });
  });
});

test("a training that goes on from any of its checkpoints ends with the same bits, wherever the callback stands", async () => {
  const optimizer = adam({ learningRate: 0.05 });
  const options = { ...FIT, epochs: 8, restoreBestWeights: "val_loss" };
  const others = () => [
    reduceLROnPlateau({ monitor: "loss", patience: 1, factor: 0.5, minDelta: 0.2 }),
    earlyStopping({ patience: 6, restoreBestWeights: true }),
  ];
  const { saved, callback } = saving();
  const whole = await modelOf(layers(), { optimizer });
  const { history, bestEpoch } = await whole.fit(data, { ...options, callbacks: [callback, ...others()] });
  expect(saved.length).toBeGreaterThan(3);
  for (const { bytes, info } of saved.slice(0, -1)) {
    const model = await modelOf(layers(), { optimizer });
    // Without saveBestOnly it has no state: the training goes on without it.
    const callbacks = info.epoch % 2 ? others() : [...others(), saving().callback];
    const rest = await model.fit(data, { ...options, callbacks, initialState: loadCheckpoint(bytes) });
    expect(rest.history).toEqual(history);
    expect(rest.bestEpoch).toBe(bestEpoch);
    expect(await model.weightsSha256()).toBe(await whole.weightsSha256());
  }
});

describe("save", () => {
  test("is waited for, and where it fails, so does fit()", async () => {
    const told: string[] = [];
    const callback = modelCheckpoint({
      async save(_bytes, { epoch }) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        told.push(`saved ${epoch}`);
        if (epoch === 1) throw new Error("disk full");
      },
    });
    const watch: Callbacks = {
      onEpochBegin: (epoch) => void told.push(`begin ${epoch}`),
      onEpochEnd: ({ epoch }) => void told.push(`end ${epoch}`),
    };
    const fit = (await modelOf(layers())).fit(data, { ...FIT, callbacks: [callback, watch] });
    await expect(fit).rejects.toThrow("disk full");
    expect(told).toEqual(["begin 0", "end 0", "saved 0", "begin 1", "end 1", "saved 1"]);
  });

  test("is needed, and a function", () => {
    expect(() => modelCheckpoint({} as never)).toThrow(
      "modelCheckpoint: save is missing, expected a function of bytes and { epoch, logs }. Write: modelCheckpoint({ save })",
    );
    expect(() => modelCheckpoint({ save: "training.safetensors" } as never)).toThrow(RangeError);
    expect(() => modelCheckpoint({ save() {}, everyEpochs: 0 })).toThrow(
      /everyEpochs is 0, expected a whole/,
    );
  });
});
