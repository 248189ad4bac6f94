import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createTrainer } from "../../src/browser/trainer.ts";
import type { Trainer } from "../../src/browser/types.ts";
import { Engine } from "../../src/engine/engine.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { adam, exponentialDecay, type Optimizer, sgd } from "../../src/optim/index.ts";
import { terminateOnNaN } from "../../src/train/callbacks/terminate-on-nan.ts";
import type { Callbacks, TrainingHandle } from "../../src/train/callbacks.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Trainable } from "../../src/train/trainable.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { halves } from "../support/samples.ts";
import { inNode, inWorker, type Make, MODELS } from "../support/trainables.ts";

// What a Sequential, a functional model and the trainers of both have in common does the same, to the bit.

vi.mock("../../src/browser/locks.ts", () => ({ holdLock: async () => "", watchLock: () => {} }));
vi.mock("../../src/browser/host/scope.ts", () => ({ scope: {} }));

const data = halves(50, 3);
const options = () => ({ optimizer: adam({ learningRate: 0.01 }), metrics: ["accuracy"] as const, seed: 5 });

/** Made and done away with at the test's end. */
async function made(make: Make): Promise<Trainable> {
  const trainable = await make(options());
  onTestFinished(() => trainable.dispose());
  return trainable;
}

/** What all of a trainable's calls give, clocks left out. */
async function all(trainable: Trainable) {
  const told: unknown[] = [];
  const callbacks: Callbacks = {
    onTrainBegin: (info) => void told.push(info),
    onEpochBegin: (epoch) => void told.push(epoch),
    onEpochEnd: ({ epoch, learningRate }, logs) => void told.push([epoch, learningRate, logs]),
    onTrainEnd: ({ stopped }) => void told.push(stopped),
  };
  const first = (await trainable.getWeights()).map(({ name, data }) => [name, [...data]]);
  const fit = { epochs: 3, batchSize: 8, validationSplit: 0.2, restoreBestWeights: "val_loss", callbacks };
  const { trainSeconds: _, ...history } = await trainable.fit(data, fit);
  const {
    seconds: __,
    imagesPerSecond: ___,
    ...evaluation
  } = (await trainable.evaluate(data)) as never as {
    [key: string]: unknown;
  };
  return {
    first,
    told,
    history,
    evaluation,
    outputs: [...(await trainable.predict(data))],
    one: [...(await trainable.predict(data.images.subarray(0, 36)))],
    activations: (await trainable.activations(data.images.subarray(0, 36))).map(({ data, ...layer }) => [
      layer,
      [...data],
    ]),
    sha256: await trainable.weightsSha256(),
  };
}

/** Freezes a layer between two trainings, and lets it be trained again: what each comes to. */
async function refrozen(trainable: Trainable, layer: string) {
  const ends: unknown[] = [];
  const weights = async () =>
    Object.fromEntries((await trainable.getWeights()).map(({ name, data }) => [name, [...data]]));
  for (const flag of [undefined, false, true]) {
    if (flag !== undefined) {
      const before = await weights();
      await trainable.setTrainable([layer], flag);
      expect(await weights()).toEqual(before);
    }
    const before = await weights();
    const { trainSeconds: _, ...history } = await trainable.fit(data, { epochs: 2, batchSize: 8 });
    const after = await weights();
    const changed = Object.keys(after).filter((name) => String(after[name]) !== String(before[name]));
    ends.push({ history, changed, outputs: [...(await trainable.predict(data))], after });
  }
  return ends as { history: object; changed: string[]; after: Record<string, number[]> }[];
}

describe.each(Object.entries(MODELS))("%s", (_, build) => {
  test.each<[string, () => Optimizer]>([
    ["Adam", () => adam({ learningRate: 0.01 })],
    ["moving averages", () => adam({ learningRate: 0.01, useEma: true, emaOverwriteFrequency: 5 })],
    [
      "gradients that are accumulated",
      () => sgd({ momentum: 0.9, gradientAccumulationSteps: 3, useEma: true }),
    ],
    [
      "a schedule",
      () =>
        adam({
          learningRate: exponentialDecay({ initialLearningRate: 0.02, decaySteps: 5, decayRate: 0.5 }),
        }),
    ],
  ])("and its trainer freeze layers and train them again alike: %s", async (_, optimizer) => {
    const layer = build().rows.findLast(({ trained }) => trained > 0)!.name;
    const own = async (make: Make) => {
      const trainable = await make({ ...options(), optimizer: optimizer() });
      onTestFinished(() => trainable.dispose());
      return refrozen(trainable, layer);
    };
    const model = await own(inNode(build));
    expect(await own(inWorker(build))).toEqual(model);
    const kernels = model.map(({ changed }) => changed.includes(`${layer}/kernel`));
    expect(kernels).toEqual([true, false, true]);
  });

  test("and its trainer give the same from every call", async () => {
    const model = await all(await made(inNode(build)));
    expect(model.history.epoch).toEqual([0, 1, 2]);
    // A trainer tells of some batches alone: of those it has the time for.
    expect(model.told.length).toBe(1 + 3 * 2 + 1);
    expect(await all(await made(inWorker(build)))).toEqual(model);
  });

  describe.each([
    ["the model", inNode(build)],
    ["its trainer", inWorker(build)],
  ] as const)("%s", (_, make) => {
    test("is stopped by a signal and by a callback, and trained on", async () => {
      const trainable = await made(make);
      const controller = new AbortController();
      const abort: Callbacks = { onEpochEnd: ({ epoch }) => void (epoch === 1 && controller.abort()) };
      const signal = { epochs: 9, batchSize: 8, signal: controller.signal, callbacks: abort };
      expect(await trainable.fit(data, signal)).toMatchObject({ stopped: true, epoch: [0, 1] });
      const stop: Callbacks = {
        onEpochEnd: ({ epoch }, _logs, training) => void (epoch === 2 && training.stop()),
      };
      expect(await trainable.fit(data, { epochs: 9, batchSize: 8, callbacks: stop })).toMatchObject({
        stopped: true,
        epoch: [0, 1, 2],
      });
      expect(await trainable.fit(data, { epochs: 1 })).toMatchObject({ stopped: false });
    });

    test("goes on where a callback stops a training that has ended", async () => {
      const trainable = await made(make);
      const trainings: TrainingHandle[] = [];
      const keep: Callbacks = { onTrainBegin: (_, training) => void trainings.push(training) };
      await trainable.fit(data, { callbacks: keep });
      const stop: Callbacks = { onEpochEnd: () => trainings[0]!.stop() };
      expect(await trainable.fit(data, { epochs: 2, callbacks: stop })).toMatchObject({ stopped: false });
    });

    test("lets callbacks set the rate, and read and set weights", async () => {
      const trainable = await made(make);
      const rates: number[] = [];
      const callbacks: Callbacks = {
        onEpochBegin(epoch, training) {
          if (epoch === 1) training.learningRate = 0;
        },
        async onEpochEnd({ epoch, learningRate }, _logs, training) {
          rates.push(learningRate);
          if (epoch === 1)
            await training.setWeights(
              (await training.getWeights()).map(({ name, shape, data }) => ({
                name,
                shape,
                data: data.map(() => 0.25),
              })),
            );
        },
      };
      await trainable.fit(data, { epochs: 2, batchSize: 8, callbacks });
      expect(rates).toEqual([0.01, 0]);
      for (const { data } of await trainable.getWeights()) expect(new Set(data)).toEqual(new Set([0.25]));
    });

    test("ends quietly with terminateOnNaN where the loss is no longer finite", async () => {
      const images = Float32Array.from(data.images as Uint8Array, (byte) => byte / 255);
      images[36 * 20] = Number.NaN;
      const broken = { ...data, images };
      const fit = { epochs: 2, batchSize: 8, shuffle: false, restoreBestWeights: "loss" };
      const trainable = await made(make);
      const told: unknown[] = [];
      const watch: Callbacks = { onTrainEnd: ({ diverged }) => void told.push(diverged) };
      const history = await trainable.fit(broken, { ...fit, callbacks: [watch, terminateOnNaN()] });
      expect(history).toMatchObject({ stopped: true, diverged: { epoch: 0, batch: 2 }, epoch: [] });
      expect(told).toEqual([{ epoch: 0, batch: 2 }]);
      for (const { data } of await trainable.getWeights()) expect(data.every(Number.isFinite)).toBe(true);
      await expect(trainable.fit(broken, fit)).rejects.toThrow(/^the loss became NaN in epoch 1, batch 3/);
    });

    test("takes weights that it gave, and refuses others with nothing changed", async () => {
      const trainable = await made(make);
      const given = await trainable.getWeights();
      const before = await trainable.weightsSha256();
      await trainable.fit(data, { epochs: 1 });
      expect(await trainable.weightsSha256()).not.toBe(before);
      await trainable.setWeights(given);
      expect(await trainable.weightsSha256()).toBe(before);
      const refused = async (weights: typeof given) => trainable.setWeights(weights);
      await expect(refused(given.slice(1))).rejects.toThrow(given[0]!.name);
      const [first, ...others] = given;
      await expect(refused([{ ...first!, shape: [...first!.shape].reverse() }, ...others])).rejects.toThrow(
        first!.name,
      );
      expect(await trainable.weightsSha256()).toBe(before);
      const names = given.map(({ name }) => name);
      const zeros = [
        { ...first!, data: first!.data.map(() => 0) },
        { ...first!, name: "nobody's" },
      ];
      const told = await trainable.setWeights(zeros, { partial: true });
      expect(told).toEqual({ taken: names.slice(0, 1), kept: names.slice(1), unused: ["nobody's"] });
      const after = await trainable.getWeights();
      expect(after[0]!.data.every((value) => value === 0)).toBe(true);
      expect(after.slice(1)).toEqual(given.slice(1));
    });

    test("packs and folds weights once for its answers, until they may be others", async () => {
      const trainable = await made(make);
      const begun: (number | undefined)[] = [];
      const run = Engine.prototype.run;
      const spy = vi.spyOn(Engine.prototype, "run").mockImplementation(function (this: Engine, ...given) {
        begun.push(given[1]);
        run.apply(this, given);
      });
      onTestFinished(() => spy.mockRestore());
      const ask = async () => {
        begun.length = 0;
        const answers = await trainable.predict(data.images.subarray(0, 36));
        expect(begun).toHaveLength(1);
        return { first: begun[0]!, answers };
      };
      const { answers, first } = await ask();
      expect(first).toBe(0);
      const again = await ask();
      expect(again.first).toBeGreaterThan(0);
      expect(again.answers).toEqual(answers);
      const weights = await trainable.getWeights();
      await trainable.setWeights(
        weights.map((tensor) => ({ ...tensor, data: tensor.data.map((x) => 1.5 * x) })),
      );
      const others = await ask();
      expect(others.first).toBe(0);
      expect(others.answers).not.toEqual(answers);
      await trainable.setWeights(weights);
      expect(await ask()).toEqual({ first: 0, answers });
      await trainable.fit(data, { epochs: 1, batchSize: 8 });
      expect((await ask()).first).toBe(0);
    });

    test("refuses to freeze what is no layer, and while it trains; it trains on as before", async () => {
      const trainable = await made(make);
      await expect(trainable.setTrainable("nobody", false)).rejects.toThrow(
        "setTrainable: no layer is called 'nobody': ",
      );
      await expect(trainable.setTrainable([], true)).rejects.toThrow(TypeError);
      await expect(trainable.setTrainable("dense", "no" as never)).rejects.toThrow(
        'got "dense" and "no", expected names of layers, and true or false.',
      );
      let during: Promise<void> | undefined;
      const callbacks: Callbacks = {
        async onEpochEnd() {
          during ??= trainable.setTrainable("dense", false);
          await during.catch(() => {});
        },
      };
      await trainable.fit(data, { epochs: 2, batchSize: 8, callbacks });
      await expect(during).rejects.toThrow("the model is training: wait until the fit() under way has ended");
      const other = await made(make);
      await other.fit(data, { epochs: 2, batchSize: 8 });
      expect(await trainable.weightsSha256()).toBe(await other.weightsSha256());
    });

    test("has a training of before end where layers are frozen", async () => {
      const trainable = await made(make);
      const trainings: TrainingHandle[] = [];
      const keep: Callbacks = { onTrainBegin: (_, training) => void trainings.push(training) };
      await trainable.fit(data, { callbacks: keep });
      const layer = build().rows.findLast(({ trained }) => trained > 0)!.name;
      await trainable.setTrainable(layer, false);
      const state = async () => trainings[0]!.state();
      await expect(state()).rejects.toThrow("the model was compiled or trained otherwise since");
    });

    test("refuses what is no option, samples that do not fit, and figures that there are not", async () => {
      const trainable = await made(make);
      const before = await trainable.weightsSha256();
      await expect(trainable.fit(data, { batch_size: 8 } as never)).rejects.toThrow(/batchSize/);
      await expect(trainable.evaluate(data, { batchsize: 8 } as never)).rejects.toThrow(/batchSize/);
      const wide: Samples = { ...data, shape: [6, 12, 1], count: 25, labels: data.labels!.subarray(0, 25) };
      await expect(trainable.fit(wide)).rejects.toThrow(/\(6, 6, 1\)/);
      await expect(trainable.predict(wide)).rejects.toThrow(/\(6, 6, 1\)/);
      await expect(trainable.fit(data, { restoreBestWeights: "val_loss" })).rejects.toThrow(/val_loss/);
      expect(await trainable.weightsSha256()).toBe(before);
    });
  });
});

describe("a trainer whose layers are frozen", () => {
  const build = MODELS.Sequential!;
  const trainer = async () => (await made(inWorker(build))) as Trainer;
  const ask = (own: Trainer) => own.predict(data.images.subarray(0, 36));

  test("has another model, and leaves the one that it was made of", async () => {
    const model = build();
    const own = await createTrainer(model, { threads: 1, workerUrl: "worker.js", seed: 5 });
    onTestFinished(() => own.dispose());
    expect(own.model).toBe(model);
    await own.setTrainable("dense", false);
    const told = ({ model: { rows } }: { model: Model }) =>
      rows.find(({ name }) => name === "dense")!.trained;
    expect([told({ model }), told(own)]).toEqual([4 * 2 * 2 * 2 + 2, 0]);
    const { model: saved } = readModel(await own.save());
    expect(saved.toConfig()).toEqual(own.model.toConfig());
    expect(saved.toConfig().layers.at(-1)).toMatchObject({ name: "dense", trainable: false });
  });

  test("goes on from its states, and asks the page's callbacks", async () => {
    const own = await trainer();
    await own.fit(data, { epochs: 1 });
    await own.setTrainable("dense", false);
    let state: TrainingState | undefined;
    const callbacks: Callbacks = {
      async onEpochEnd({ epoch }, _, training) {
        if (epoch === 0) state = await training.state();
      },
    };
    await own.fit(data, { epochs: 2, callbacks });
    const sha256 = await own.weightsSha256();
    await own.fit(data, { epochs: 2, initialState: state! });
    expect(await own.weightsSha256()).toBe(sha256);
  });

  test("answers meanwhile, and rejects where it is disposed of", async () => {
    const own = await trainer();
    const expected = await ask(own);
    const before = [ask(own), own.evaluate(data)] as const;
    const change = own.setTrainable("dense", false);
    const during = ask(own);
    await change;
    expect(await before[0]).toEqual(expected);
    expect(await during).toEqual(expected);
    await before[1];
    expect(own.state).toBe("idle");
    expect(await ask(own)).toEqual(expected);
    const other = own.setTrainable("dense", true);
    const fit = own.fit(data);
    await expect(fit).rejects.toThrow("the model is training");
    own.dispose();
    await expect(other).rejects.toThrow("the trainer was disposed");
    expect(own.state).toBe("disposed");
  });
});
