import { describe, expect, onTestFinished, test } from "vitest";
import { batchNormalization, conv2d, dense, dropout, flatten } from "../../src/nn/layers/index.ts";
import { adam, adamw, type Optimizer, rmsprop, sgd } from "../../src/optim/index.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import type { CompileOptions } from "../../src/train/compiled-options.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { sequential } from "../../src/train/sequential.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { halves } from "../support/samples.ts";

const samples = halves(37, 1);

/** A model with all that a training has to remember: moving statistics, dropout, state of the optimizer. */
async function net(options: CompileOptions = {}, units = 5) {
  const model = sequential([
    conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1], useBias: false }),
    batchNormalization(),
    flatten(),
    dense({ units, activation: "relu" }),
    dropout({ rate: 0.4 }),
    dense({ units: 2, activation: "softmax" }),
  ]);
  await model.compile({ threads: 1, seed: 7, ...options });
  onTestFinished(() => model.dispose());
  return model;
}

const OPTIMIZERS: Readonly<Record<string, () => Optimizer>> = {
  "sgd with momentum": () => sgd({ learningRate: 0.05, momentum: 0.9 }),
  "rmsprop, centered": () => rmsprop({ learningRate: 0.01, centered: true, momentum: 0.5 }),
  "adam with a rate that depends on the step": () =>
    adam({ learningRate: (step) => 0.01 / (1 + step), globalClipNorm: 1 }),
  "adamw, biases left out": () =>
    adamw({ learningRate: 0.01, weightDecay: 0.1, excludeFromWeightDecay: ["bias", "gamma", "beta"] }),
};

const FIT: FitOptions = {
  epochs: 4,
  batchSize: 8,
  validationSplit: 0.2,
  validationFrom: "stratified",
  restoreBestWeights: "val_loss",
};

/** What must not depend on whether a training was stopped: all but seconds. */
function outcome({ trainSeconds: _, ...history }: { trainSeconds: number }) {
  return history;
}

/** A callback that remembers: how many batches it has seen. */
function counter(): Callbacks & { seen: number } {
  return {
    name: "counter",
    seen: 0,
    onBatchEnd() {
      this.seen++;
    },
    state() {
      return { seen: this.seen };
    },
    restore(state) {
      this.seen = (state as { seen: number }).seen;
    },
  };
}

// 29 samples to train on: 4 steps an epoch.
const POINTS = [0, 1, 3, 4, 6, 8, 11, 15];

describe("a training that was restored goes on to the same bits", () => {
  test.each(
    Object.entries(OPTIMIZERS).flatMap(([name, optimizer]) =>
      [1, 3].map((threads) => ({ name, optimizer, threads })),
    ),
  )("$name, $threads threads", async ({ optimizer, threads }) => {
    const whole = await net({ optimizer: optimizer(), threads });
    const states: TrainingState[] = [];
    const seen = counter();
    const training = whole.training(samples, { ...FIT, callbacks: seen });
    states.push(training.state());
    while (await training.step()) states.push(training.state());
    const history = await training.end();
    const hash = await whole.weightsSha256();
    expect(states).toHaveLength(17);
    expect(seen.seen).toBe(16);
    for (const point of POINTS) {
      const model = await net({ optimizer: optimizer(), threads });
      // Whatever it did before.
      await model.fit(samples, { batchSize: 30 });
      const again = counter();
      const rest = await model.fit(samples, { ...FIT, callbacks: again, initialState: states[point]! });
      expect(outcome(rest)).toEqual(outcome(history));
      expect(again.seen).toBe(16);
      expect(await model.weightsSha256()).toBe(hash);
    }
  });

  test("and is the training that fit() does", async () => {
    const model = await net();
    const training = model.training(samples, FIT);
    while (await training.step());
    const history = await training.end();
    const twin = await net();
    expect(outcome(await twin.fit(samples, FIT))).toEqual(outcome(history));
    expect(await twin.weightsSha256()).toBe(await model.weightsSha256());
  });

  test.each(["onEpochBegin", "onBatchEnd", "onEpochEnd"] as const)(
    "from a state taken in %s",
    async (hook) => {
      const states: TrainingState[] = [];
      const begun: number[] = [];
      const whole = await net();
      const take = async (...args: unknown[]) =>
        void states.push(
          await (args.at(-1) as Parameters<NonNullable<Callbacks["onEpochBegin"]>>[1]).state(),
        );
      const history = await whole.fit(samples, { ...FIT, callbacks: { last: true, [hook]: take } });
      for (const initialState of states) {
        const model = await net();
        const callbacks = { onEpochBegin: (epoch: number) => void begun.push(epoch) };
        const rest = await model.fit(samples, { ...FIT, initialState, callbacks });
        expect(outcome(rest)).toEqual(outcome(history));
        expect(await model.weightsSha256()).toBe(await whole.weightsSha256());
      }
      expect(states).toHaveLength(hook === "onBatchEnd" ? 16 : 4);
      // An epoch is begun once.
      if (hook === "onEpochEnd") expect(begun).toEqual([1, 2, 3, 2, 3, 3]);
      if (hook === "onEpochBegin") expect(begun).toEqual([1, 2, 3, 2, 3, 3]);
    },
  );

  test("back and forth in one training", async () => {
    const model = await net();
    const training = model.training(samples, FIT);
    for (let i = 0; i < 6; i++) await training.step();
    const state = training.state();
    const first = [];
    for (let i = 0; i < 5; i++) first.push((await training.step())!);
    const hash = await model.weightsSha256();
    training.learningRate = 1;
    training.stop();
    expect(await training.step()).toBeUndefined();
    await training.restore(state);
    expect(training.learningRate).not.toBe(1);
    expect([training.epoch, training.batch, training.steps]).toEqual([1, 2, 6]);
    for (const { loss, logs } of first) expect(await training.step()).toMatchObject({ loss, logs });
    expect(await model.weightsSha256()).toBe(hash);
  });

  test("with the rate that was set", async () => {
    const run = async (initialState?: TrainingState) => {
      const model = await net();
      const training = model.training(samples, { ...FIT, ...(initialState && { initialState }) });
      if (!initialState) {
        await training.step();
        training.learningRate = 0.03;
      }
      const state = training.state();
      while (await training.step());
      return [state, await model.weightsSha256()] as const;
    };
    const [state, hash] = await run();
    expect((await run(structuredClone(state)))[1]).toBe(hash);
  });

  test("more epochs than it was begun with", async () => {
    const whole = await net();
    await whole.fit(samples, { epochs: 5, batchSize: 8 });
    const model = await net();
    const training = model.training(samples, { epochs: 2, batchSize: 8 });
    while (await training.step());
    const rest = await model.fit(samples, { epochs: 5, batchSize: 8, initialState: training.state() });
    expect(rest.epoch).toEqual([0, 1, 2, 3, 4]);
    expect(await model.weightsSha256()).toBe(await whole.weightsSha256());
  });
});

describe("a training in hand", () => {
  test("tells where it is and what a step gave", async () => {
    const model = await net();
    const training = model.training(samples, { ...FIT, epochs: 1 });
    expect([training.epoch, training.batch, training.steps]).toEqual([0, 0, 0]);
    const first = (await training.step())!;
    expect(first).toMatchObject({ epoch: 0, batch: 0, seen: 8, loss: first.logs.loss });
    expect(first.epochLogs).toBeUndefined();
    expect([training.epoch, training.batch, training.steps]).toEqual([0, 1, 1]);
    await training.step();
    await training.step();
    const last = (await training.step())!;
    expect(last.epochLogs).toMatchObject({ ...last.logs, val_loss: expect.any(Number) });
    expect([training.epoch, training.batch]).toEqual([1, 0]);
    expect(await training.step()).toBeUndefined();
    expect((await training.end()).history.loss).toEqual([last.logs.loss]);
  });

  test("takes a rate in place of the optimizer's until it ends", async () => {
    const model = await net({ optimizer: sgd({ learningRate: (step) => 1 / (step + 2) }) });
    const training = model.training(samples, { epochs: 2, batchSize: 8 });
    await training.step();
    expect(training.learningRate).toBe(1 / 3);
    training.learningRate = 0;
    const before = await model.weightsSha256();
    // Moving statistics move all the same.
    const kernel = () => model.getWeights().find(({ name }) => name.endsWith("kernel"))!.data;
    const kept = kernel();
    await training.step();
    expect(kernel()).toEqual(kept);
    expect(await model.weightsSha256()).not.toBe(before);
    for (const rate of [-1, Number.NaN, Number.POSITIVE_INFINITY, "1"])
      expect(() => {
        training.learningRate = rate as number;
      }).toThrow(`learningRate is ${rate}, expected a number >= 0`);
    await training.end();
    expect(training.learningRate).toBe(1 / 4);
  });

  test("is over once another one begins, or the model is compiled again; one step at a time", async () => {
    const model = await net();
    const training = model.training(samples);
    const under = training.step();
    await expect(training.step()).rejects.toThrow("a step of the training is under way");
    await under;
    model.training(samples);
    await expect(training.step()).rejects.toThrow("this training is over");
    const other = model.training(samples);
    await model.compile({ threads: 1 });
    await expect(other.step()).rejects.toThrow("this training is over");
    const fitting = model.fit(samples);
    expect(() => model.training(samples)).toThrow("the model is training");
    await fitting;
  });

  test("refuses a state of another training, and changes nothing", async () => {
    const of = async (options: CompileOptions, fit: FitOptions = {}, units = 5, data = samples) => {
      const training = (await net(options, units)).training(data, { ...FIT, ...fit });
      await training.step();
      return training;
    };
    const own = await of({});
    const state = own.state();
    const hash = await (own.model as Awaited<ReturnType<typeof net>>).weightsSha256();
    const others: [string, Promise<{ state(): TrainingState }>][] = [
      ["the model has other layers", of({}, {}, 6)],
      ['the optimizer was "sgd" where it was taken, and is "adam" here', of({ optimizer: "sgd" })],
      ["the optimizer adam has other settings", of({ optimizer: adam({ beta1: 0.8 }) })],
      ["batchSize was 9 where it was taken, and is 8 here", of({}, { batchSize: 9 })],
      ["the number of training samples was 30", of({}, {}, 5, halves(38, 1))],
      [
        "the number of validation samples was 0",
        of({}, { validationSplit: 0, restoreBestWeights: "loss" }, 5, halves(29, 1)),
      ],
      ["the seed was 8", of({ seed: 8 })],
      ["shuffle was false", of({}, { shuffle: false })],
    ];
    for (const [message, other] of others)
      await expect(own.restore((await other).state())).rejects.toThrow(message);
    const wrong = (change: object) => own.restore({ ...state, ...change } as TrainingState);
    await expect(own.restore("x" as never)).rejects.toThrow("expected what a training's state()");
    await expect(wrong({ version: 2 })).rejects.toThrow("the state has version 2");
    await expect(wrong({ batch: 5 })).rejects.toThrow(
      "the state's batch is 5, expected a whole number from 0 to 4",
    );
    await expect(wrong({ epoch: -1 })).rejects.toThrow("epoch is -1");
    await expect(wrong({ sums: [1] })).rejects.toThrow("1 sums of figures");
    await expect(wrong({ weights: state.weights.slice(1) })).rejects.toThrow("are missing");
    await expect(wrong({ optimizer: { ...state.optimizer, vectors: [] } })).rejects.toThrow("0 vectors");
    expect(own.state()).toEqual(state);
    expect(await (own.model as Awaited<ReturnType<typeof net>>).weightsSha256()).toBe(hash);
    await own.restore(state);
  });
});
