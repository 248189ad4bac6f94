import { expect, onTestFinished, test, vi } from "vitest";
import type { Trainer, TrainerOptions } from "../../src/browser/types.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/formats/checkpoint.ts";
import { categoricalCrossentropy } from "../../src/losses/make.ts";
import { adam, oneCycle, rmsprop, sgd } from "../../src/optim/index.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { reduceLROnPlateau } from "../../src/train/callbacks/reduce-lr-on-plateau.ts";
import type { Callbacks, TrainingHandle } from "../../src/train/callbacks.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import type { Trainable } from "../../src/train/trainable.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { halves } from "../support/samples.ts";
import { inNode, inWorker, type Make, MODELS, using } from "../support/trainables.ts";

// A training's state goes from any Trainable to any other.

vi.mock("../../src/browser/locks.ts", () => ({ holdLock: async () => "", watchLock: () => {} }));
vi.mock("../../src/browser/host/scope.ts", () => ({ scope: {} }));

const data = halves(50, 3);

/** What a training ended with, clocks left out. */
async function outcome(trainable: Trainable, fit: FitOptions) {
  const { trainSeconds: _, ...figures } = await trainable.fit(data, fit);
  return { figures, sha256: await trainable.weightsSha256() };
}

/** Callbacks with counts of their own, and a rate that they set. */
const counting = (): Callbacks[] => [
  reduceLROnPlateau({ monitor: "loss", patience: 1, factor: 0.5, minDelta: 0.2 }),
  earlyStopping({ monitor: "val_loss", patience: 9, restoreBestWeights: true }),
];

/** States of a fit, as files keep them: from each callback that a trainer waits for, and after batches. */
async function statesOf(
  make: Make,
  options: TrainerOptions,
  fit: FitOptions,
  batches = true,
): Promise<TrainingState[]> {
  const states: (TrainingState | Promise<TrainingState>)[] = [];
  const take = async (training: TrainingHandle) => void states.push(await training.state());
  const taking: Callbacks = {
    onTrainBegin: (_info, training) => take(training),
    onEpochBegin: (_epoch, training) => take(training),
    onBatchEnd: ({ batch }, _logs, training) => {
      if (batches && batch % 2 === 0) states.push(training.state());
    },
    onEpochEnd: (_info, _logs, training) => take(training),
  };
  await using(make, options, (trainable) =>
    trainable.fit(data, { ...fit, callbacks: [...((fit.callbacks as Callbacks[]) ?? []), taking] }),
  );
  return (await Promise.all(states)).map((state) => loadCheckpoint(saveCheckpoint(state)));
}

const FIT: FitOptions = { epochs: 3, batchSize: 8, validationSplit: 0.2, restoreBestWeights: "val_loss" };
const OPTIMIZERS = {
  sgd: sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: rmsprop({ learningRate: 0.002, centered: true, momentum: 0.5 }),
  adam: adam({ learningRate: 0.01 }),
  "a schedule": adam({ learningRate: oneCycle({ peak: 0.02, steps: 15 }) }),
  "an average of weights, and gradients that are accumulated": adam({
    useEma: true,
    gradientAccumulationSteps: 3,
  }),
  "a function of the step": adam({ learningRate: (step) => 0.01 / (1 + step) }),
};
const WAYS = Object.entries(MODELS).flatMap(([name, build]) => {
  const [node, worker] = [inNode(build), inWorker(build)];
  return [
    { way: `${name}: Node to trainer`, from: node, to: worker, whole: node },
    { way: `${name}: trainer to Node`, from: worker, to: node, whole: node },
    { way: `${name}: trainer to trainer`, from: worker, to: worker, whole: node },
  ];
});

test.each(WAYS)("$way: goes on to the same bits, wherever it was", async ({ from, to, whole }) => {
  for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
    const options = { optimizer, seed: 5 };
    const expected = await using(whole, options, (net) => outcome(net, FIT));
    const states = await statesOf(from, options, FIT);
    expect(states.length).toBeGreaterThan(9);
    for (const state of states.filter(({ epoch }) => epoch < 3)) {
      const own = { ...FIT, initialState: state };
      const { epoch, batch, begun } = state;
      const where = `${name}, epoch ${epoch}, batch ${batch}, begun ${begun}`;
      expect(await using(to, options, (net) => outcome(net, own)), where).toEqual(expected);
    }
  }
});

test.each(WAYS)("$way: what callbacks keep goes on, too, and the rate that they set", async (ways) => {
  const options = { optimizer: adam({ learningRate: 0.05 }) };
  const rates: number[] = [];
  const watch: Callbacks = {
    onEpochEnd: (_info, _logs, training) => void rates.push(training.learningRate),
  };
  const fit = () => ({ epochs: 5, batchSize: 8, validationSplit: 0.2, callbacks: [...counting(), watch] });
  const expected = await using(ways.whole, options, (net) => outcome(net, fit()));
  const all = rates.splice(0);
  expect(new Set(all).size).toBeGreaterThan(2);
  const states = await statesOf(ways.from, options, fit());
  for (const state of states.filter(({ epoch }) => epoch >= 2 && epoch < 5)) {
    rates.length = 0;
    const own = { ...fit(), initialState: state };
    expect(await using(ways.to, options, (net) => outcome(net, own))).toEqual(expected);
    expect(rates).toEqual(all.slice(state.epoch));
  }
});

test.each([
  ["", {}, {}],
  [", with weights of classes", { classWeight: { 1: 3 } }, {}],
  [
    ", with weights of samples, a loss with options, other preprocessing",
    { sampleWeight: Float32Array.from({ length: 50 }, (_, i) => i % 4) },
    { loss: categoricalCrossentropy({ labelSmoothing: 0.1 }), preprocessing: { offset: -0.5 } },
  ],
] as const)("a trainer's states are Node's, number by number%s", async (_, own, compiled) => {
  const build = MODELS.Sequential!;
  const fit = () => ({ ...FIT, validationFrom: "stratified" as const, callbacks: counting(), ...own });
  // What only the clock tells is left out, and batches, of which a trainer tells few.
  const of = async (make: Make) =>
    (await statesOf(make, { seed: 2, ...compiled }, fit(), false)).map((state) => ({
      ...state,
      seconds: 0,
      history: { ...state.history, trainSeconds: 0 },
    }));
  expect(await of(inWorker(build))).toEqual(await of(inNode(build)));
});

test("a state that was taken at the end has the last weights, and what callbacks made of the history", async () => {
  const states = await Promise.all(
    [inNode, inWorker].map(async (place) => {
      let state: TrainingState | undefined;
      let handle: TrainingHandle | undefined;
      const callbacks: Callbacks[] = [
        earlyStopping({ monitor: "val_accuracy", patience: 9, restoreBestWeights: true }),
        {
          async onTrainEnd(_history, training) {
            handle = training;
            state = await training.state();
          },
        },
      ];
      const fit = { epochs: 3, batchSize: 8, validationSplit: 0.2, callbacks };
      return { place, fit, take: () => [state!, handle!] as const };
    }),
  );
  const ends: unknown[] = [];
  for (const { place, fit, take } of states)
    await using(place(MODELS.Sequential!), {}, async (net) => {
      await net.fit(data, fit);
      const [state, handle] = take();
      const after = await handle.state();
      for (const { history } of [state, after]) history.trainSeconds = 0;
      expect(after).toEqual(state);
      ends.push({ ...state, seconds: 0 });
      // Its best epoch is not its last: the weights differ.
      expect(state.history.bestEpoch).toBeLessThan(2);
      expect(state.weights).not.toEqual(await net.getWeights());
      await net.fit(data, { batchSize: 25 });
      await expect((async () => handle.state())()).rejects.toThrow(
        /^the model was compiled or trained otherwise since: begin anew with (model\.training|trainer\.fit)\(\), with a state/,
      );
    });
  expect(ends[1]).toEqual(ends[0]);
});

const CASES: [string, (state: TrainingState) => FitOptions, TrainerOptions][] = [
  ["batch size", (initialState) => ({ initialState, epochs: 3, batchSize: 16 }), {}],
  ["validation", (initialState) => ({ initialState, epochs: 3, validationSplit: 0.5 }), {}],
  ["what is restored", (initialState) => ({ initialState, epochs: 3, restoreBestWeights: "loss" }), {}],
  ["seed", (initialState) => ({ initialState, epochs: 3 }), { seed: 7 }],
  ["optimizer", (initialState) => ({ initialState, epochs: 3 }), { optimizer: "sgd" }],
  ["one option", (initialState) => ({ initialState, epochs: 3 }), { optimizer: adam({ beta1: 0.5 }) }],
  ["loss", (initialState) => ({ initialState, epochs: 3 }), { loss: "binaryCrossentropy" }],
  [
    "an option of the loss",
    (initialState) => ({ initialState, epochs: 3 }),
    { loss: categoricalCrossentropy({ labelSmoothing: 0.1 }) },
  ],
  ["preprocessing", (initialState) => ({ initialState, epochs: 3 }), { preprocessing: { scale: 1 } }],
  [
    "samples that count differently",
    (initialState) => ({ initialState, epochs: 3, sampleWeight: new Float32Array(50).fill(2) }),
    {},
  ],
  ["metrics", (initialState) => ({ initialState, epochs: 3 }), { metrics: [] }],
  [
    "callbacks",
    (initialState) => ({ initialState, epochs: 3, callbacks: earlyStopping({ monitor: "loss" }) }),
    {},
  ],
  ["an end that was reached", (initialState) => ({ initialState }), {}],
  ["what is none", () => ({ initialState: {} as never }), {}],
  [
    "a version to come",
    (initialState) => ({ epochs: 3, initialState: { ...initialState, version: 2 as never } }),
    {},
  ],
  [
    "numbers that are not finite",
    (initialState) => {
      const weights = initialState.weights.map((tensor) => ({
        ...tensor,
        data: tensor.data.map(() => 1 / 0),
      }));
      return { epochs: 3, initialState: { ...initialState, weights } };
    },
    {},
  ],
];

test.each(CASES)(
  "what does not fit is refused as in Node, and nothing is changed: %s",
  async (_, fit, options) => {
    const build = MODELS.Sequential!;
    const net = build();
    await net.compile({ threads: 1 });
    onTestFinished(() => net.dispose());
    const training = net.training(data, { epochs: 3 });
    do await training.step();
    while (training.epoch === 0);
    const state = training.state();
    const refusals: { name: string; message: string }[] = [];
    for (const make of [inNode(build), inWorker(build)])
      await using(make, options, async (trainable) => {
        const before = await trainable.weightsSha256();
        const { name, message } = (await trainable.fit(data, fit(state)).then(
          () => new Error("was taken"),
          (error: unknown) => error,
        )) as Error;
        refusals.push({ name, message });
        expect(await trainable.weightsSha256()).toBe(before);
        if (make === inWorker(build)) expect((trainable as Trainer).state).toBe("idle");
      });
    expect(refusals[1]).toEqual(refusals[0]);
    expect(refusals[0]!.message).toMatch(/state/);
  },
);

test("a state takes the place of weights that are not finite", async () => {
  const build = MODELS.Sequential!;
  const [state] = await statesOf(inNode(build), {}, { epochs: 2 });
  await using(inWorker(build), {}, async (trainer) => {
    const bad = state!.weights.map((tensor) => ({ ...tensor, data: tensor.data.map(() => Number.NaN) }));
    await trainer.setWeights(bad);
    await expect(trainer.fit(data)).rejects.toThrow(/^the weights were not finite before the training/);
    await trainer.fit(data, { epochs: 2, initialState: state! });
  });
});

test("a trainer goes back to an earlier state of its own: its rate, too, be it set or a function of the step", async () => {
  const optimizers = [adam({ learningRate: (step) => 0.02 / (1 + step) }), adam({ learningRate: 0.02 })];
  for (const optimizer of optimizers)
    await using(inWorker(MODELS.Sequential!), { optimizer }, async (trainer) => {
      const states: TrainingState[] = [];
      const callbacks: Callbacks = {
        onEpochBegin: async (_epoch, training) => void states.push(await training.state()),
      };
      const fit = { epochs: 3, batchSize: 8, callbacks };
      const expected = await outcome(trainer, fit);
      if (optimizer.options.learningRate === 0.02) {
        const faster: Callbacks = {
          onTrainBegin: (_info, training) => {
            training.learningRate = 0.5;
          },
        };
        await trainer.fit(data, { callbacks: faster });
      }
      const again = { ...fit, initialState: states[1]! };
      expect(await outcome(trainer, again)).toEqual(expected);
    });
});
