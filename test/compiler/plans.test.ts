import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  flatten,
  type Layer,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { namedModel } from "../../src/model/models.ts";
import { adam, type Optimizer, sgd } from "../../src/optim/index.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Session } from "../../src/train/session.ts";
import { permutation } from "../../src/train/shuffle.ts";
import type { StepResult } from "../../src/train/step-result.ts";
import { expectSame } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { modelOf, sessionOf } from "../support/sessions.ts";

const IMAGE = [9, 8, 2];
const SIZE = 9 * 8 * 2;
const layers = (): Layer[] => [
  conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "relu", inputShape: IMAGE }),
  maxPooling2d(),
  conv2d({ filters: 6, kernelSize: 2, activation: "tanh" }),
  averagePooling2d({ padding: "same" }),
  dropout({ rate: 0.25 }),
  flatten(),
  dense({ units: 7, activation: "relu" }),
  dense({ units: 4, activation: "softmax" }),
];
const COUNT = 12;
const floats: Samples = {
  images: fixtureValues(COUNT * SIZE, 1, 1),
  count: COUNT,
  shape: IMAGE,
  labels: fixtureLabels(COUNT, 2, 4),
};
const bytes: Samples = {
  ...floats,
  images: Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * 37) % 256),
};
const valued: Samples = { ...floats, targets: fixtureValues(COUNT * 4, 3, 1).map((v) => (v + 1) / 8) };

/** Every number that a step gives: what the host can see of it. */
function step(
  session: Session,
  mode: "train" | "evaluate" | "predict",
  samples: Samples,
  batch: number,
): number[] {
  const indices = Uint32Array.from({ length: batch }, (_, i) => (i * 5 + batch) % COUNT);
  if (mode === "predict") {
    const out = new Float32Array(batch * 4);
    session.predictStep(samples, indices, out);
    return [...out];
  }
  if (mode === "evaluate") return told(session.evaluateStep(samples, indices));
  // The same dropout mask each time.
  session.engine.view().setUint32(session.optimizer.stepPointer, 3, true);
  const results = told(session.trainStep(samples, indices));
  for (const { data } of session.gradients()) results.push(...data);
  return results;
}

function told({ loss, outputs }: StepResult): number[] {
  return [loss, ...outputs.flatMap(({ counts }) => counts.flatMap((count) => (count ? [...count] : [])))];
}

const STEPS: [mode: "train" | "evaluate" | "predict", samples: Samples, batch: number][] = [
  ["train", floats, 1],
  ["train", bytes, 7],
  ["predict", floats, 3],
  ["evaluate", bytes, 12],
  ["train", valued, 2],
  ["train", floats, 2],
  ["predict", floats, 2],
  ["evaluate", valued, 5],
  ["predict", bytes, 11],
  ["train", floats, 12],
  ["evaluate", floats, 1],
];

describe.each(BACKENDS)("plans that share the arena, build %s", (backend) => {
  test("give what each gives alone, in any order", async () => {
    const alone: number[][] = [];
    for (const [mode, samples, batch] of STEPS)
      alone.push(step(await sessionOf(layers(), { backend }), mode, samples, batch));
    const session = await sessionOf(layers(), { backend });
    for (let round = 0; round < 4; round++)
      for (const i of permutation(STEPS.length, 1, round)) expectSame(step(session, ...STEPS[i]!), alone[i]!);
  });

  test("need nothing that earlier programs left in the arena", async () => {
    const session = await sessionOf(layers(), { backend, threads: 2 });
    const first = STEPS.map((s) => step(session, ...s));
    const arena = session.engine.reserveArena(0);
    // Bits of a NaN, and as an offset far outside of memory.
    for (const pattern of [0xffffffff, 0x7fc0beef]) {
      for (const [i, s] of STEPS.entries()) {
        session.engine.i32(arena, (session.engine.bytes - arena) / 4).fill(pattern);
        session.engine.arenaOwner = undefined;
        expectSame(step(session, ...s), first[i]!);
      }
    }
  });

  test("stay right when more sizes are used than plans are kept", async () => {
    const session = await sessionOf(layers(), { backend });
    const sizes = Array.from({ length: 12 }, (_, i) => i + 1);
    const modes = ["train", "evaluate", "predict"] as const;
    const round = () => sizes.flatMap((n) => modes.flatMap((mode) => step(session, mode, floats, n)));
    expectSame(round(), round());
  });
});

test("a plan refuses to run when another one took the arena", async () => {
  const session = await sessionOf(layers());
  const a = session.plan({ batch: 1, mode: "predict", inputs: ["floats"], targets: ["labels"] }).plan;
  const b = session.plan({ batch: 2, mode: "predict", inputs: ["floats"], targets: ["labels"] }).plan;
  a.activate();
  b.activate();
  expect(() => a.run()).toThrow("run() before activate()");
  b.run();
});

test("profiles can read what each call is", async () => {
  const session = await sessionOf(namedModel("keras-mnist", [28, 28, 1], 10), { optimizer: adam() });
  const { calls } = session.plan({ batch: 32, mode: "train", inputs: ["bytes"], targets: ["labels"] }).plan;
  const phases = calls.map((call) => call.phase).filter((phase, i, list) => phase !== list[i - 1]);
  expect(phases).toEqual(["input", "forward", "loss", "backward", "update"]);
  expect(
    calls.filter((call) => call.phase === "forward" && call.flops > 0).map((call) => call.layer),
  ).toEqual(["conv2d", "conv2d_1", "dense", "dense_1"]);
  for (const call of calls) expect(call.tasks).toBeGreaterThan(0);
  const flops = (layer: string, phase: string) =>
    calls.filter((c) => c.layer === layer && c.phase === phase).reduce((sum, c) => sum + c.flops, 0);
  expect(flops("conv2d", "forward")).toBe(32 * 2 * 26 * 26 * 32 * 9);
  expect(flops("dense", "forward")).toBe(32 * 2 * 1600 * 64);
  // Both gradients of a dense layer; the filter gradient alone of the first convolution.
  expect(flops("dense", "backward")).toBe(2 * flops("dense", "forward"));
  expect(flops("conv2d", "backward")).toBe(flops("conv2d", "forward"));
});

describe("memory of the seed CNN at batch 32", () => {
  const MIB = 2 ** 20;
  const count = 96;
  const images = Uint8Array.from({ length: count * 784 }, (_, i) => (i * 31) % 256);
  const samples: Samples = { images, count, shape: [28, 28, 1], labels: fixtureLabels(count, 1, 10) };

  test.each([
    ["one thread", 1],
    ["four threads", 4],
  ])(
    "%s: training, validation and the odd last batch fit in 32 MiB, and nothing grows",
    async (_, threads) => {
      const model = await modelOf(namedModel("keras-mnist", [28, 28, 1], 10), { threads });
      const options = { epochs: 1, batchSize: 32, validationSplit: 0.25 } as const;
      await model.fit(samples, options);
      await model.evaluate(samples);
      await model.predict(samples);
      const { bytes } = model.session.engine;
      expect(bytes).toBeLessThan(32 * MIB);
      const indices = Uint32Array.from({ length: 32 }, (_, i) => i);
      for (let i = 0; i < 20; i++) model.session.trainStep(samples, indices);
      await model.fit(samples, options);
      await model.evaluate(samples);
      expect(model.session.engine.bytes).toBe(bytes);
    },
  );

  test("a step of batch 32 alone needs less", async () => {
    const session = await sessionOf(namedModel("keras-mnist", [28, 28, 1], 10), { optimizer: adam() });
    const indices = Uint32Array.from({ length: 32 }, (_, i) => i);
    session.trainStep(samples, indices);
    expect(session.engine.bytes).toBeLessThan(16 * MIB);
  });
});

test("a model too large for the memory is refused with what was asked for", async () => {
  await expect(sessionOf([dense({ units: 40_000, inputShape: [40_000] })])).rejects.toThrow(
    /the model, for one image, takes 6\.0 GiB of memory, more than the 2 GiB that it may have: use a smaller/,
  );
});

test.each<[string, Optimizer, number]>([
  ["sgd", sgd(), 0],
  ["sgd with momentum", sgd({ momentum: 0.9 }), 1],
  ["adam", adam(), 2],
])("%s keeps no more state than it needs", async (_, optimizer, vectors) => {
  const n = 1 << 18;
  const { engine } = await sessionOf([dense({ units: 1, useBias: false, inputShape: [n] })], {
    optimizer,
    loss: "meanSquaredError",
  });
  // Weights, gradients and the optimizer's vectors.
  const least = (2 + vectors) * 4 * n;
  expect(engine.bytes).toBeGreaterThan(least);
  expect(engine.bytes).toBeLessThan(least + 4 * n);
});
