import { describe, expect, test } from "vitest";
import { dense } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { terminateOnNaN } from "../../src/train/callbacks/terminate-on-nan.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import { TrainingDivergedError } from "../../src/train/errors.ts";
import { vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [dense({ units: 4, activation: "relu", inputShape: [3] }), dense({ units: 2 })];
const good = vectors(8, 3, 2, 1);
const compile = (learningRate: number) =>
  ({ loss: "meanSquaredError", optimizer: sgd({ learningRate }) }) as const;
const finite = (model: Awaited<ReturnType<typeof modelOf>>) =>
  model.getWeights().every(({ data }) => data.every((value) => Number.isFinite(value)));

/** The same samples, of which one has an input that is no number. */
function broken(sample: number) {
  const images = good.images.slice();
  images[3 * sample] = Number.NaN;
  return { ...good, images };
}

describe("terminateOnNaN", () => {
  test("ends the training quietly, tells where, and leaves out the epoch", async () => {
    const model = await modelOf(layers(), compile(0.01));
    const samples = { ...good, images: good.images.slice() };
    const told: string[] = [];
    const watch: Callbacks = {
      onEpochBegin(epoch) {
        if (epoch === 2) samples.images[3 * 5] = Number.NaN;
      },
      onBatchEnd: ({ epoch, batch, loss }) =>
        void (Number.isNaN(loss) && told.push(`batch ${epoch} ${batch}`)),
      onEpochEnd: ({ epoch }, { loss }) => void told.push(`epoch ${epoch} ${Number.isFinite(loss)}`),
      onTrainEnd: ({ stopped, diverged }) => void told.push(`end ${stopped} ${JSON.stringify(diverged)}`),
    };
    const history = await model.fit(samples, {
      batchSize: 2,
      epochs: 9,
      shuffle: false,
      callbacks: [watch, terminateOnNaN()],
    });
    expect(told).toEqual(["epoch 0 true", "epoch 1 true", "batch 2 2", 'end true {"epoch":2,"batch":2}']);
    expect(history).toMatchObject({ stopped: true, diverged: { epoch: 2, batch: 2 }, epoch: [0, 1] });
    expect(finite(model)).toBe(true);
  });

  test("in the last batch of the last epoch, too: it is not one that was finished", async () => {
    const model = await modelOf(layers(), compile(0.01));
    const fit = { batchSize: 2, shuffle: false, callbacks: terminateOnNaN(), validationData: good };
    const history = await model.fit(broken(7), fit);
    expect(history).toMatchObject({ stopped: true, diverged: { epoch: 0, batch: 3 }, epoch: [] });
    expect(history.history).toEqual({ loss: [] });
  });

  test("where the update alone broke the weights, and the training ends with it or was stopped", async () => {
    const images = good.images.slice().map((x) => x * 1e15);
    const stop: Callbacks = { onBatchEnd: (_info, _logs, training) => training.stop() };
    for (const fit of [
      { batchSize: 8, callbacks: [terminateOnNaN()] },
      { batchSize: 4, callbacks: [terminateOnNaN(), stop] },
    ]) {
      const model = await modelOf(layers(), compile(3e38));
      const history = await model.fit({ ...good, images }, fit);
      expect(history).toMatchObject({ stopped: true, diverged: { epoch: 0, batch: 0 }, epoch: [] });
      expect(finite(model)).toBe(true);
    }
  });

  test("gives back the best weights where they are asked for; its state can be gone on from", async () => {
    const model = await modelOf(layers(), compile(0.01));
    const samples = { ...good, images: good.images.slice() };
    const breaks: Callbacks = {
      onEpochBegin(epoch) {
        if (epoch === 1) samples.images[0] = Number.NaN;
      },
    };
    const fit = { batchSize: 2, epochs: 3, shuffle: false, restoreBestWeights: "loss" };
    const training = model.training(samples, { ...fit, callbacks: [breaks, terminateOnNaN()] });
    const { bestEpoch, diverged } = await training.run();
    expect({ bestEpoch, diverged }).toEqual({ bestEpoch: 0, diverged: { epoch: 1, batch: 0 } });
    const rest = await model.fit(good, { ...fit, initialState: training.state() });
    expect(rest.diverged).toBeUndefined();
    expect(rest.epoch).toEqual([0, 1, 2]);
  });

  test("with raiseError rejects as a training without it does", async () => {
    const model = await modelOf(layers(), compile(0.01));
    const fit = { batchSize: 2, callbacks: terminateOnNaN({ raiseError: true }) };
    await expect(model.fit(broken(3), fit)).rejects.toBeInstanceOf(TrainingDivergedError);
  });
});
