import { describe, expect, test } from "vitest";
import { CheckpointError, loadCheckpoint, saveCheckpoint } from "../../src/formats/checkpoint.ts";
import { categoricalCrossentropy } from "../../src/losses/make.ts";
import { defineMetric } from "../../src/metrics/define.ts";
import { topKCategoricalAccuracy } from "../../src/metrics/make.ts";
import {
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  l2,
  maxNorm,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { adam, adamw, oneCycle, rmsprop, sgd } from "../../src/optim/index.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { learningRateScheduler } from "../../src/train/callbacks/learning-rate-scheduler.ts";
import { reduceLROnPlateau } from "../../src/train/callbacks/reduce-lr-on-plateau.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import { StateError } from "../../src/train/check-state.ts";
import type { CompileOptions } from "../../src/train/compiled-options.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { expectClose } from "../support/close.ts";
import { halves, vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const data = halves(50, 3);

/** With all that has a state of its own: moving statistics, dropout's draws. */
const layers = () => [
  conv2d({ filters: 4, kernelSize: 3, useBias: false, inputShape: [6, 6, 1] }),
  batchNormalization(),
  maxPooling2d(),
  flatten(),
  dropout({ rate: 0.3 }),
  dense({ units: 2, activation: "softmax" }),
];

/** What a training ended with, clocks left out. */
async function outcome(model: Awaited<ReturnType<typeof modelOf>>, history: unknown) {
  const { trainSeconds: _, ...figures } = history as { trainSeconds: number };
  return { figures, sha256: await model.weightsSha256(), loss: (await model.evaluate(data)).loss };
}

const OPTIMIZERS = {
  sgd: sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: rmsprop({ learningRate: 0.002, centered: true, momentum: 0.5 }),
  adam: adam({ learningRate: 0.01 }),
  adamw: adamw({ learningRate: 0.01, excludeFromWeightDecay: ["bias", "gamma", "beta"] }),
  "a schedule": adam({ learningRate: oneCycle({ peak: 0.02, steps: 20 }) }),
  "an average of weights, and gradients that are accumulated": adam({
    learningRate: 0.01,
    useEma: true,
    emaMomentum: 0.8,
    emaOverwriteFrequency: 2,
    gradientAccumulationSteps: 3,
  }),
};

const FIT: FitOptions = { epochs: 4, batchSize: 8, validationSplit: 0.2, restoreBestWeights: "val_loss" };

describe("a training that goes on from a state ends as one that never stopped", () => {
  test.each(Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[])("%s", async (name) => {
    const options: CompileOptions = { optimizer: OPTIMIZERS[name], seed: 5 };
    const whole = await modelOf(layers(), options);
    const expected = await outcome(whole, await whole.fit(data, FIT));
    // 5 steps an epoch: at the beginning, within an epoch, before and after its end, late.
    for (const [i, steps] of [0, 3, 4, 5, 6, 17].entries()) {
      const first = await modelOf(layers(), options);
      const training = first.training(data, FIT);
      for (let k = 0; k < steps; k++) expect(await training.step()).toBe(true);
      const file = saveCheckpoint(training.state());
      const second = await modelOf(layers(), { ...options, threads: 1 + (i % 3) });
      const history = await second.fit(data, { ...FIT, initialState: loadCheckpoint(file) });
      expect(await outcome(second, history), `after ${steps} steps`).toEqual(expected);
    }
  });

  test("from within an epoch's callbacks, too", async () => {
    const states: TrainingState[] = [];
    const keeper = (): Callbacks => ({
      onBatchEnd: ({ batch }, _logs, training) => {
        if (batch === 4) states.push(training.state() as TrainingState);
      },
      onEpochEnd: (_info, _logs, training) => void states.push(training.state() as TrainingState),
    });
    const whole = await modelOf(layers(), { seed: 5 });
    const expected = await outcome(whole, await whole.fit(data, { ...FIT, callbacks: keeper() }));
    expect(states.map(({ epoch, batch }) => [epoch, batch])).toEqual(
      [0, 1, 2, 3].flatMap((epoch) => [
        [epoch, 5],
        [epoch + 1, 0],
      ]),
    );
    for (const state of states.slice(0, -1)) {
      const second = await modelOf(layers(), { seed: 5 });
      const history = await second.fit(data, { ...FIT, initialState: state, callbacks: {} });
      expect(await outcome(second, history)).toEqual(expected);
    }
  });

  test("with more epochs than it was to have", async () => {
    const whole = await modelOf(layers());
    const expected = await outcome(whole, await whole.fit(data, { epochs: 3, batchSize: 8 }));
    const model = await modelOf(layers());
    const training = model.training(data, { epochs: 2, batchSize: 8 });
    await training.run();
    const history = await model.fit(data, { epochs: 3, batchSize: 8, initialState: training.state() });
    expect(await outcome(model, history)).toEqual(expected);
  });

  test("with more epochs, from its last weights, where it gave back the best ones", async () => {
    const metrics = [defineMetric({ name: "same", update() {}, value: () => 1 })];
    const options = { batchSize: 8, restoreBestWeights: "same" };
    const whole = await modelOf(layers(), { metrics });
    const { history } = await whole.fit(data, { ...options, epochs: 5 });
    const model = await modelOf(layers(), { metrics });
    const training = model.training(data, { ...options, epochs: 3 });
    expect((await training.run()).bestEpoch).toBe(0);
    const rest = await model.fit(data, { ...options, epochs: 5, initialState: training.state() });
    expect(rest.history).toEqual(history);
  });

  test("callbacks go on, too: what they count, and the rate that they set", async () => {
    const callbacks = () => [
      reduceLROnPlateau({ monitor: "loss", patience: 1, factor: 0.5, minDelta: 0.2 }),
      earlyStopping({ monitor: "val_loss", patience: 3, minDelta: 0.02, restoreBestWeights: true }),
    ];
    const options = { epochs: 12, batchSize: 8, validationSplit: 0.2 };
    const optimizer = adam({ learningRate: 0.05 });
    const rates: number[] = [];
    const watch: Callbacks = { onEpochEnd: ({ learningRate }) => void rates.push(learningRate) };
    const whole = await modelOf(layers(), { optimizer });
    const expected = await outcome(
      whole,
      await whole.fit(data, { ...options, callbacks: [...callbacks(), watch] }),
    );
    expect(new Set(rates).size).toBeGreaterThan(2);
    expect(rates.length).toBeLessThan(12);
    const steps = 5 * Math.ceil(rates.length / 2) + 2;
    const half = await modelOf(layers(), { optimizer });
    const training = half.training(data, { ...options, callbacks: [...callbacks(), {}] });
    for (let k = 0; k < steps; k++) expect(await training.step()).toBe(true);
    const second = await modelOf(layers(), { optimizer });
    const history = await second.fit(data, {
      ...options,
      callbacks: [...callbacks(), {}],
      initialState: loadCheckpoint(saveCheckpoint(training.state())),
    });
    expect(await outcome(second, history)).toEqual(expected);
  });
});

describe("a training in the hand", () => {
  test("tells where it is, and what it gave", async () => {
    const model = await modelOf(layers());
    const training = model.training(data, { epochs: 2, batchSize: 20 });
    const places: unknown[] = [];
    do places.push([training.epoch, training.batch, training.steps]);
    while (await training.step());
    expect(places).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [0, 2, 2],
      [1, 0, 3],
      [1, 1, 4],
      [1, 2, 5],
    ]);
    expect([training.epoch, training.batch, training.steps]).toEqual([2, 0, 6]);
    expect(training.batchLoss).toBeGreaterThan(0);
    expect(training.history.epoch).toEqual([0, 1]);
    expect(training.history.stopped).toBe(false);
    expect(await training.step()).toBe(false);
  });

  test("stop() ends it after the step under way", async () => {
    const model = await modelOf(layers());
    const training = model.training(data, { epochs: 2, batchSize: 20 });
    await training.step();
    training.stop();
    expect(await training.step()).toBe(false);
    expect(training.history).toMatchObject({ stopped: true, epoch: [], steps: 1 });
  });

  test("a state stays what it was while the callback that gave it counts on", async () => {
    const seen: number[] = [];
    const callbacks = {
      onBatchEnd: ({ batch }: { batch: number }) => void seen.push(batch),
      state: () => seen,
    };
    const training = (await modelOf(layers())).training(data, { batchSize: 8, callbacks });
    await training.step();
    const state = training.state();
    await training.step();
    expect(state.callbacks).toEqual([[0]]);
  });

  test("says that it failed, and goes on from its state", async () => {
    const model = await modelOf(layers());
    const onBatchEnd = () => {
      throw new Error("out of order");
    };
    const training = model.training(data, { batchSize: 8, callbacks: { onBatchEnd } });
    await expect(training.step()).rejects.toThrow("out of order");
    await expect(training.step()).rejects.toThrow(/^the training ended with an error: begin anew with/);
    const whole = await modelOf(layers());
    await whole.fit(data, { batchSize: 8 });
    await model.fit(data, { batchSize: 8, initialState: training.state() });
    expect(await model.weightsSha256()).toBe(await whole.weightsSha256());
  });

  test("takes a state in place of weights that are not finite", async () => {
    const model = await modelOf(layers());
    const state = model.training(data, { epochs: 2 }).state();
    model.setWeights(state.weights.map((tensor) => ({ ...tensor, data: tensor.data.map(() => Number.NaN) })));
    expect(() => model.training(data)).toThrow(/^the weights were not finite before the training/);
    await model.fit(data, { epochs: 2, initialState: state });
  });

  test("steps one at a time", async () => {
    const training = (await modelOf(layers())).training(data);
    const step = training.step();
    await expect(training.step()).rejects.toThrow(/^a step is under way: await it before the next one$/);
    await step;
  });

  test("its rate can be set, but not that of a schedule", async () => {
    const model = await modelOf(layers(), { optimizer: sgd({ learningRate: 0.1 }) });
    const training = model.training(data, { epochs: 9 });
    training.learningRate = 0;
    const before = model.getWeights().filter(({ name }) => name.endsWith("kernel"));
    await training.step();
    expect(training.learningRate).toBe(0);
    expect(model.getWeights().filter(({ name }) => name.endsWith("kernel"))).toEqual(before);
    training.learningRate = 0.5;
    await training.step();
    expect(model.getWeights().filter(({ name }) => name.endsWith("kernel"))).not.toEqual(before);
    for (const rate of [-1, Number.NaN, "0.1" as never])
      expect(() => {
        training.learningRate = rate;
      }).toThrow(`learningRate is ${rate}, expected a number >= 0`);
    const scheduled = await modelOf(layers(), { optimizer: OPTIMIZERS["a schedule"] });
    const training2 = scheduled.training(data);
    expect(() => {
      training2.learningRate = 0.1;
    }).toThrow(/^the learning rate follows a schedule\. To set it .* adam\(\{ learningRate: 0\.001 \}\)$/);
  });

  test("a callback sees the model, reads and sets its weights", async () => {
    const model = await modelOf(layers());
    const seen: unknown[] = [];
    await model.fit(data, {
      epochs: 1,
      callbacks: {
        async onTrainEnd(_history, training) {
          seen.push(training.model.name, training.model.rows.length);
          const weights = await training.getWeights();
          await training.setWeights(
            weights.map((tensor) => ({ ...tensor, data: tensor.data.map(() => 0.25) })),
          );
          expect(() => training.setWeights(weights.slice(1))).toThrow(/^weights for .* are missing$/);
        },
      },
    });
    expect(seen).toEqual(["sequential", 6]);
    expect(new Set(model.getWeights().flatMap((tensor) => [...tensor.data]))).toEqual(new Set([0.25]));
  });
});

describe("a state that does not fit is refused, and nothing is changed", () => {
  const stateOf = async (options: FitOptions = {}, compiled: CompileOptions = {}) => {
    const training = (await modelOf(layers(), compiled)).training(data, { epochs: 3, ...options });
    await training.step();
    return training.state();
  };

  test.each<[string, FitOptions, CompileOptions, RegExp]>([
    [
      "batch size",
      { batchSize: 16 },
      {},
      /with batchSize 16, this one has 32: give fit\(train, \{ batchSize \}\)/,
    ],
    ["shuffle", { shuffle: false }, {}, /with shuffle false, this one has true/],
    ["validation", { validationSplit: 0.5 }, {}, /with validationSplit 0\.5, this one has 0/],
    ["seed", {}, { seed: 7 }, /with seed 7, this one has 1: give compile\(\{ seed \}\)/],
    [
      "optimizer",
      {},
      { optimizer: "sgd" },
      /with optimizer sgd, this one has adam: give compile\(\{ optimizer \}\)/,
    ],
    [
      "one option",
      {},
      { optimizer: adam({ beta1: 0.5 }) },
      /with optimizer adam\(beta1 0\.5\), this one has adam\(beta1 0\.9\)/,
    ],
    ["loss", {}, { loss: "binaryCrossentropy" }, /with loss "binaryCrossentropy"/],
    [
      "an option of the loss",
      {},
      { loss: categoricalCrossentropy({ labelSmoothing: 0.1 }) },
      /with loss "categoricalCrossentropy\(labelSmoothing 0\.1\)", this one has "categoricalCrossentropy"/,
    ],
    [
      "an option of a metric",
      {},
      { metrics: [topKCategoricalAccuracy({ k: 1, name: "accuracy" })] },
      /with metrics \["accuracy", "accuracy\(k 1\)"\], this one has \["accuracy"\]: give compile\(\{ metrics \}\)/,
    ],
    [
      "preprocessing",
      {},
      { preprocessing: { scale: 1 } },
      /with preprocessing \{ scale: 1, offset: 0 \}, this one has .*: give compile\(\{ preprocessing \}\)/,
    ],
    [
      "metrics",
      {},
      { metrics: [] },
      /with metrics \[\], this one has \["accuracy"\]: give compile\(\{ metrics \}\)/,
    ],
    [
      "what is restored",
      { restoreBestWeights: "loss" },
      {},
      /with restoreBestWeights "loss", this one has undef/,
    ],
    [
      "callbacks",
      { callbacks: [{}, earlyStopping({ monitor: "loss" })] },
      {},
      /in which 1 callback had state\(\), in this one 0: give fit\(train, \{ callbacks \}\) what it had/,
    ],
  ])("%s", async (_, options, compiled, message) => {
    const state = await stateOf(options, compiled);
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    await expect(model.fit(data, { epochs: 3, initialState: state })).rejects.toThrow(message);
    expect(await model.weightsSha256()).toBe(before);
  });

  test("other samples, another model, an end that was reached", async () => {
    const state = await stateOf();
    const model = await modelOf(layers());
    const given = { epochs: 3, initialState: state };
    await expect(model.fit(halves(40, 3), given)).rejects.toThrow(/with samples 50, this one has 40/);
    const other = await modelOf([
      flatten({ inputShape: [6, 6, 1] }),
      dense({ units: 2, activation: "softmax" }),
    ]);
    await expect(other.fit(data, given)).rejects.toThrow(/^the state is of another model: its layers are/);
    const others =
      "the state is of a training on other samples, which are as many: give fit() those that it had then";
    const weights = Float32Array.from({ length: 50 }, () => 2);
    await expect(model.fit(halves(50, 4), given)).rejects.toThrow(others);
    await expect(model.fit({ ...data, weights }, given)).rejects.toThrow(others);
    await expect(model.fit(data, { ...given, sampleWeight: weights })).rejects.toThrow(others);
    // The same numbers elsewhere are the same samples.
    const images = new Float32Array(data.images).map((pixel) => pixel / 255);
    await expect(model.fit({ ...data, images }, given)).rejects.toThrow(others);
    const copy = { ...data, images: Uint8ClampedArray.from(data.images), labels: data.labels.slice() };
    await expect(model.fit(copy, given)).resolves.toMatchObject({ epoch: [0, 1, 2] });
    const done = (await modelOf(layers())).training(data);
    await done.run();
    await expect(model.fit(data, { initialState: done.state() })).rejects.toThrow(
      /^the state is of epoch 1, and epochs is 1: there is nothing left to do\. Give more epochs$/,
    );
    for (const bad of [{}, { version: 2 }, { ...state, sums: 3 }, [state]])
      await expect(model.fit(data, { initialState: bad as never })).rejects.toThrow(/initialState/);
    const begun = model.training(data, { epochs: 3 });
    await begun.step();
    expect(() => begun.restore(state)).toThrow(/^the training has begun/);
  });

  test("layers that are frozen, regularized or bound otherwise, also where no vector of the optimizer tells", async () => {
    const compiled = { optimizer: sgd({ learningRate: 0.01 }) };
    const build = (options: object) => [
      flatten({ inputShape: [6, 6, 1] }),
      dense({ units: 3, ...options }),
      dense({ units: 2, activation: "softmax" }),
    ];
    const first = (await modelOf(build({ kernelRegularizer: l2({ l2: 0.01 }) }), compiled)).training(data, {
      epochs: 3,
    });
    await first.step();
    const given = { epochs: 3, initialState: first.state() };
    for (const options of [
      {},
      { kernelRegularizer: l2({ l2: 0.1 }) },
      { kernelRegularizer: l2({ l2: 0.01 }), kernelConstraint: maxNorm({ maxValue: 1 }) },
      { kernelRegularizer: l2({ l2: 0.01 }), trainable: false },
    ]) {
      const model = await modelOf(build(options), compiled);
      await expect(model.fit(data, given), JSON.stringify(options)).rejects.toThrow(
        /^the state is of another model/,
      );
    }
  });

  test("where a callback throws on what is given back to it", async () => {
    const kept: Callbacks = { state: () => 1 };
    const state = await stateOf({ callbacks: kept });
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    const callbacks: Callbacks = {
      ...kept,
      restore() {
        throw new Error("not mine");
      },
    };
    expect(() => model.training(data, { epochs: 3, callbacks, initialState: state })).toThrow("not mine");
    expect(await model.weightsSha256()).toBe(before);
  });

  test("of callbacks in another order, or that watch another figure", async () => {
    const stopping = (monitor: string) => earlyStopping({ monitor });
    const reducing = reduceLROnPlateau({ monitor: "loss" });
    const initialState = await stateOf({ callbacks: [stopping("loss"), reducing] });
    const model = await modelOf(layers());
    for (const [callbacks, message] of [
      [
        [reducing, stopping("loss")],
        'initialState has earlyStopping({ monitor: "loss" }) where the training has reduceLROnPlateau({ monitor: "loss" }): give fit(train, { callbacks }) what it had then, in the same order',
      ],
      [
        [stopping("accuracy"), reducing],
        'initialState has earlyStopping({ monitor: "loss" }) where the training has earlyStopping({ monitor: "accuracy" })',
      ],
      [[{ state: () => 1 }, stopping("loss")], "initialState has reduceLROnPlateau({"],
    ] as const)
      expect(() => model.training(data, { epochs: 3, initialState, callbacks })).toThrow(message);
  });
});

describe("checkpoints as files", () => {
  test("keep every number, NaN and infinity, too", async () => {
    const odd = defineMetric({ name: "odd", update: (sums) => void sums.fill(Number.NaN) });
    const model = await modelOf(layers(), { metrics: [odd] });
    const options = { epochs: 2, callbacks: { state: () => extremes } };
    const training = model.training(data, options);
    const extremes = {
      list: [Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 0.1 + 0.2],
      data: new Float32Array(3),
    };
    const state = training.state();
    expect(loadCheckpoint(saveCheckpoint(state))).toEqual(structuredClone(state));
    expect(loadCheckpoint(saveCheckpoint(state)).callbacks).toEqual([extremes]);
    await training.step();
    await model.fit(data, { ...options, initialState: loadCheckpoint(saveCheckpoint(training.state())) });
  });

  test("no changed byte goes unnoticed", async () => {
    const model = await modelOf([
      flatten({ inputShape: [6, 6, 1] }),
      dense({ units: 2, activation: "softmax" }),
    ]);
    const training = model.training(data, { epochs: 2 });
    await training.step();
    const state = training.state();
    const file = saveCheckpoint(state);
    let changed = 0;
    for (let at = 0; at < file.length; at += 7) {
      const copy = file.slice();
      copy[at]! ^= 1 << (at % 8);
      try {
        // A space of the header's padding, or a letter of a name that nobody reads.
        expect(loadCheckpoint(copy)).toEqual(state);
        changed++;
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(CheckpointError);
      }
    }
    expect(changed).toBeLessThan(3);
    for (const length of [0, 7, 100, file.length - 1])
      expect(() => loadCheckpoint(file.slice(0, length))).toThrow(
        /^the checkpoint is damaged: .* Take an earlier one$/,
      );
  });

  test("other files are refused by name", async () => {
    const { saveModel } = await import("../../src/formats/model-file.ts");
    const model = await modelOf(layers());
    expect(() => loadCheckpoint(saveModel(model))).toThrow(/of another kind: .*loadModel\(\) reads models$/);
    expect(() => saveCheckpoint({} as never)).toThrow(/Write: saveCheckpoint\(training\.state\(\)\)$/);
    expect(() => loadCheckpoint("c.safetensors" as never)).toThrow(TypeError);
  });
});

/** Runs epochs whose losses are given: what is lost is the constant targets' square, with a model that gives 0. */
async function withLosses(losses: readonly number[], callbacks: readonly Callbacks[], learningRate = 1e-12) {
  const model = await modelOf([dense({ units: 1, inputShape: [1] })], {
    loss: "meanSquaredError",
    optimizer: sgd({ learningRate }),
  });
  const epochsSeen: { epoch: number; rate: number }[] = [];
  const samples = { ...vectors(1, 1, 1, 1), images: new Float32Array(1) };
  const targets = new Float32Array(1);
  const history = await model.fit(
    { ...samples, targets },
    {
      epochs: losses.length,
      callbacks: [
        { onEpochBegin: (epoch) => void targets.fill(Math.sqrt(losses[epoch]!)) },
        ...callbacks,
        { onEpochEnd: ({ epoch, learningRate: rate }) => void epochsSeen.push({ epoch, rate }) },
      ],
    },
  );
  return { history, model, epochsSeen };
}

describe("earlyStopping", () => {
  test.each([
    // As Keras counts: patience epochs in a row without anything better.
    [[5, 4, 3, 3, 3, 1], { patience: 2 }, 5],
    [[5, 4, 3, 3, 2, 2, 2, 1], { patience: 2 }, 7],
    [[5, 6, 1], {}, 2],
    [[5, 4.5, 4.2, 1], { minDelta: 1, patience: 2 }, 3],
    [[5, 5, 5, 5, 1], { startFromEpoch: 2, patience: 1 }, 4],
    [[5, 4, 3, 2], { baseline: 1, patience: 2 }, 4],
    [[5, 4, 4, 3], { mode: "max", patience: 1 }, 2],
  ] as const)("losses %j with %j: %i epochs", async (losses, options, epochs) => {
    const { history } = await withLosses(losses, [earlyStopping({ monitor: "loss", ...options })]);
    expect(history.epoch.length).toBe(epochs);
    expect(history.stopped).toBe(epochs < losses.length);
  });

  test("gives back the best epoch's weights where asked", async () => {
    const options = { monitor: "loss", patience: 2, restoreBestWeights: true };
    const kept: number[] = [];
    const note: Callbacks = {
      onEpochEnd: async (_info, _logs, training) =>
        void kept.push((await training.getWeights())[1]!.data[0]!),
    };
    const { history, model } = await withLosses([4, 1, 9, 16], [note, earlyStopping(options)], 0.001);
    expect(history.bestEpoch).toBe(1);
    expect(model.getWeights()[1]!.data[0]).toBe(kept[1]);
    expect(kept[1]).not.toBe(kept[3]);
  });

  test.each([
    [[3, 4, 5, 1], 3],
    [[5, 4, 3, 2], 4],
    [[Number.NaN, Number.NaN, Number.NaN, 1], 2],
    [[Number.NaN, 5, 4, 3], 4],
  ])("watches a metric of which less is better: %j, %i epochs", async (distances, epochs) => {
    let epoch = 0;
    const distance = defineMetric({
      name: "distance",
      better: "less",
      update: (sums) => {
        sums[0] = distances[epoch]!;
        sums[1] = 1;
      },
    });
    const model = await modelOf(layers(), { optimizer: adam({ learningRate: 0.01 }), metrics: [distance] });
    const count: Callbacks = {
      onEpochBegin(begun) {
        epoch = begun;
      },
    };
    const callbacks = [count, earlyStopping({ monitor: "distance", patience: 2 })];
    expect((await model.fit(data, { epochs: 4, callbacks })).epoch.length).toBe(epochs);
  });

  test("refuses figures that are not reported, and options that there are not", async () => {
    await expect(withLosses([1], [earlyStopping()])).rejects.toThrow(
      /^earlyStopping: monitor is "val_loss", but the training reports loss: (did you mean|give fit)/,
    );
    await expect(withLosses([1], [earlyStopping({ monitor: "los" })])).rejects.toThrow(
      /did you mean "loss"\?$/,
    );
    expect(() => earlyStopping({ min_delta: 1 } as never)).toThrow(/minDelta/);
    expect(() => earlyStopping({ patience: -1 })).toThrow(/patience is -1, expected a whole number >= 0/);
  });
});

describe("reduceLROnPlateau", () => {
  test.each([
    [[5, 4, 4, 4, 4, 4], { patience: 2, factor: 0.5, minLr: 0 }, [1, 1, 1, 1, 0.5, 0.5]],
    [[5, 5, 5, 5, 5, 5], { patience: 1, factor: 0.5, cooldown: 2, minLr: 0 }, [1, 1, 0.5, 0.5, 0.25, 0.25]],
    [[5, 5, 5, 5], { patience: 1, factor: 0.5, minLr: 0.4 }, [1, 1, 0.5, 0.4]],
    [[5, 4.9, 4.8, 4], { patience: 2, minDelta: 0.5, minLr: 0 }, [1, 1, 1, 0.1]],
  ] as const)("losses %j with %j: rates %j", async (losses, options, rates) => {
    const callbacks = [reduceLROnPlateau({ monitor: "loss", ...options, minLr: 1e-9 * options.minLr })];
    const { epochsSeen } = await withLosses(losses, callbacks, 1e-9);
    expectClose(
      epochsSeen.map(({ rate }) => rate / 1e-9),
      rates,
      { atol: 1e-9, rtol: 1e-9 },
    );
  });
});

test("reduceLROnPlateau refuses a rate that follows a schedule before anything is trained", async () => {
  const model = await modelOf(layers(), {
    optimizer: adam({ learningRate: oneCycle({ peak: 0.02, steps: 20 }) }),
  });
  const before = await model.weightsSha256();
  const callbacks = [reduceLROnPlateau({ monitor: "loss" })];
  await expect(model.fit(data, { epochs: 1, callbacks })).rejects.toThrow(/schedule/);
  expect(await model.weightsSha256()).toBe(before);
});

test("learningRateScheduler sets each epoch's rate from the one before", async () => {
  const { epochsSeen } = await withLosses(
    [1, 1, 1, 1],
    [learningRateScheduler((epoch, rate) => (epoch < 2 ? rate : rate / 2))],
    0.5,
  );
  expect(epochsSeen.map(({ rate }) => rate)).toEqual([0.5, 0.5, 0.25, 0.125]);
  expect(() => learningRateScheduler(0.1 as never)).toThrow(
    /^learningRateScheduler: got 0\.1, expected a function/,
  );
  await expect(withLosses([1], [learningRateScheduler(() => Number.NaN)])).rejects.toThrow(
    "learningRate is NaN, expected a number >= 0",
  );
});

describe("what a training must not do unseen", () => {
  const net = async (activation: "relu" | "tanh" = "relu") =>
    modelOf(
      [
        flatten({ inputShape: [6, 6, 1] }),
        dense({ units: 5, activation }),
        dense({ units: 2, activation: "softmax" }),
      ],
      {
        optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      },
    );

  test("set a rate twice that was set at an epoch's beginning", async () => {
    const scheduler = () => learningRateScheduler((_, rate) => rate * 0.5);
    const states: TrainingState[] = [];
    const take: Callbacks = {
      onEpochBegin: (_, training) => void states.push(training.state() as TrainingState),
    };
    const options = { epochs: 3, batchSize: 8 };
    const whole = await net();
    await whole.fit(data, { ...options, callbacks: [scheduler(), take] });
    const model = await net();
    await model.fit(data, { ...options, callbacks: [scheduler(), {}], initialState: states[1]! });
    expect(await model.weightsSha256()).toBe(await whole.weightsSha256());
  });

  test("fall behind the state that it began with, when it diverges", async () => {
    const first = (await net()).training(data, { epochs: 3, batchSize: 8 });
    for (let i = 0; i < 7; i++) await first.step();
    const model = await net();
    const training = model.training(data, { epochs: 3, batchSize: 8, initialState: first.state() });
    training.learningRate = 3e38;
    await expect(training.run()).rejects.toThrow("the loss became");
    expect(model.getWeights()).toEqual(first.getWeights());
  });

  test("take the state of a model with other activations", async () => {
    const training = (await net()).training(data);
    const model = await net("tanh");
    expect(() => model.training(data, { initialState: training.state() })).toThrow(/another model/);
  });

  test("step on where the model is trained or compiled otherwise", async () => {
    const model = await net();
    const training = model.training(data, { batchSize: 8 });
    await training.step();
    await model.fit(data);
    await expect(training.step()).rejects.toThrow(
      /^the model was compiled or trained otherwise since: begin anew/,
    );
    expect(() => training.state()).toThrow(/since: .*with a state of this one that was taken before/);
    const other = model.training(data, { batchSize: 8 });
    await model.compile({ threads: 1 });
    await expect(other.step()).rejects.toThrow(/^the model was compiled or trained otherwise since/);
  });

  test("begin with numbers that no training has", async () => {
    const model = await net();
    const training = model.training(data, { epochs: 3 });
    await training.step();
    const state = training.state();
    const { optimizer } = state;
    for (const change of [
      { batch: 99 },
      { epoch: -1 },
      { sums: [] },
      { history: {} },
      { optimizer: { ...optimizer, vectors: [] } },
      { optimizer: { ...optimizer, step: -5 } },
      { optimizer: { ...optimizer, learningRate: Number.NaN } },
      { weights: state.weights.map((tensor) => ({ ...tensor, data: tensor.data.map(() => Number.NaN) })) },
    ])
      expect(() =>
        model.training(data, { epochs: 3, initialState: { ...state, ...change } as never }),
      ).toThrow(/^(initialState is an object|the state has 0 vectors|the state's '.*' is not finite)/);
  });

  test("have weights that are not the model's: such a state never fits", async () => {
    const model = await net();
    const training = model.training(data, { epochs: 3 });
    await training.step();
    const state = training.state();
    const [first, ...others] = state.weights;
    for (const weights of [others, [{ ...first!, name: "x" }, ...others], [{ ...first!, data: [1] }]])
      expect(() => model.training(data, { epochs: 3, initialState: { ...state, weights } as never })).toThrow(
        StateError,
      );
  });
});
