import "../../src/options/other-names.ts";
import { describe, expect, test } from "vitest";
import { dense } from "../../src/model/layers/index.ts";
import {
  adam,
  adamw,
  type CommonOptions,
  createOptimizer,
  type Optimizer,
  rmsprop,
  sgd,
} from "../../src/optim/index.ts";
import { rateOf } from "../../src/optim/schedules/index.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { columnSum, gemm } from "../support/reference/matrix.ts";
import * as reference from "../support/reference/optimizers.ts";
import { modelOf } from "../support/sessions.ts";

// A linear model of more weights than one task takes, trained by fit() on one batch, beside the same in f64.
const [INPUTS, UNITS, COUNT] = [90, 60, 7];
const images = fixtureValues(COUNT * INPUTS, 1, 1);
const targets = fixtureValues(COUNT * UNITS, 2, 3);
const samples = { images, count: COUNT, shape: [INPUTS], targets };
const start = [fixtureValues(INPUTS * UNITS, 3, 0.3), fixtureValues(UNITS, 4, 0.3)];

/** Gradients of the mean squared error, for kernel and bias. */
function gradientsOf([w, b]: Float64Array[]): Float64Array[] {
  const y = gemm(images, w!, [COUNT, UNITS, INPUTS], { bias: b! });
  const dy = y.map((v, i) => (2 * (v - targets[i]!)) / (COUNT * UNITS));
  return [gemm(images, dy, [INPUTS, UNITS, COUNT], { transA: true }), columnSum(dy, COUNT, UNITS)];
}

const norm = (...parts: Float64Array[]) =>
  Math.sqrt(parts.reduce((sum, g) => sum + g.reduce((s, v) => s + v * v, 0), 0));

/** Keras's three clippers. */
function clip(
  gradients: Float64Array[],
  { clipNorm, globalClipNorm, clipValue }: CommonOptions,
): Float64Array[] {
  const limited = (g: Float64Array, size: number, limit: number) =>
    size > limit ? g.map((v) => (v * limit) / size) : g;
  if (clipNorm !== undefined) return gradients.map((g) => limited(g, norm(g), clipNorm));
  if (globalClipNorm !== undefined)
    return gradients.map((g) => limited(g, norm(...gradients), globalClipNorm));
  if (clipValue !== undefined)
    return gradients.map((g) => g.map((v) => Math.max(-clipValue, Math.min(clipValue, v))));
  return gradients;
}

/** Weights after `steps` steps in f64. */
function expectedAfter(
  steps: number,
  update: () => reference.Update,
  options: CommonOptions,
  standardRate: number,
) {
  const weights = start.map((w) => Float64Array.from(w));
  const updates = weights.map(update);
  const { learningRate = standardRate } = options;
  for (let step = 0; step < steps; step++) {
    const rate = rateOf(learningRate)(step);
    for (const [i, g] of clip(gradientsOf(weights), options).entries()) updates[i]!(weights[i]!, g, rate);
  }
  return weights;
}

async function trainedFor(steps: number, optimizer: Optimizer, backend: "scalar" | "simd") {
  const layers = [dense({ units: UNITS, inputShape: [INPUTS] })];
  const model = await modelOf(layers, { optimizer, loss: "meanSquaredError", backend });
  model.setWeights(model.getWeights().map((tensor, i) => ({ ...tensor, data: start[i]! })));
  await model.fit(samples, { epochs: steps, batchSize: COUNT });
  return model.getWeights().map(({ data }) => data);
}

type Case<T extends CommonOptions> = [
  create: (options?: T) => Optimizer,
  rate: number,
  T & Record<string, unknown>,
];
const MAKERS = {
  sgd: reference.sgd,
  rmsprop: reference.rmsprop,
  adam: reference.adam,
  adamw: (options: object) => reference.adam({ weightDecay: 0.004, ...options }),
};
const CASES: Case<never>[] = (
  [
    [sgd, 0.01, {}],
    [sgd, 0.01, { learningRate: 0.5 }],
    [sgd, 0.01, { learningRate: 0 }],
    [sgd, 0.01, { learningRate: 0.5, momentum: 0.9 }],
    [sgd, 0.01, { learningRate: 0.5, momentum: 0.9, nesterov: true }],
    [sgd, 0.01, { learningRate: 0.5, momentum: 0.9, nesterov: true, weightDecay: 0.1 }],
    [sgd, 0.01, { learningRate: 0.5, nesterov: true }],
    [sgd, 0.01, { learningRate: 0.5, weightDecay: 0.1 }],
    [sgd, 0.01, { learningRate: (step: number) => 1 / (1 + step) }],
    [sgd, 0.01, { learningRate: 2, clipNorm: 0.3 }],
    [sgd, 0.01, { learningRate: 2, clipNorm: 1e6 }],
    [sgd, 0.01, { learningRate: 2, globalClipNorm: 0.3 }],
    [sgd, 0.01, { learningRate: 2, clipValue: 0.002 }],
    [rmsprop, 0.001, {}],
    [rmsprop, 0.001, { learningRate: 0.01, rho: 0.8, epsilon: 1e-3 }],
    [rmsprop, 0.001, { learningRate: 0.01, momentum: 0.5 }],
    [rmsprop, 0.001, { learningRate: 0.01, centered: true, epsilon: 1e-5 }],
    [rmsprop, 0.001, { learningRate: 0.01, centered: true, momentum: 0.5, epsilon: 1e-5, weightDecay: 0.1 }],
    [rmsprop, 0.001, { learningRate: (step: number) => 0.01 * 0.9 ** step, globalClipNorm: 0.3 }],
    [adam, 0.001, {}],
    [adam, 0.001, { learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }],
    [adam, 0.001, { learningRate: 0.01, weightDecay: 0.1 }],
    [adam, 0.001, { learningRate: (step: number) => 0.01 * 0.9 ** step, clipNorm: 0.3 }],
    [adam, 0.001, { learningRate: 0.01, clipValue: 0.002 }],
    [adamw, 0.001, {}],
    [adamw, 0.001, { learningRate: 0.01, weightDecay: 0.1 }],
    [adamw, 0.001, { learningRate: 0.01, weightDecay: 0 }],
  ] as unknown as Case<never>[]
).map(([create, rate, options]) => [create, rate, options]);

describe.each(["scalar", "simd"] as const)("weights after 1 and 10 steps, build %s", (backend) => {
  test.each(
    CASES.map(([create, rate, options]) => [create().name, options as CommonOptions, create, rate] as const),
  )("%s %o", async (name, options, create, rate) => {
    const update = () => MAKERS[name as keyof typeof MAKERS](options as object);
    for (const steps of [1, 10]) {
      const actual = await trainedFor(steps, create(options as never), backend);
      const expected = expectedAfter(steps, update, options, rate);
      // Weights near 1, some rounding to f32 a step; where Adam and RMSprop divide by small roots, that of g shows.
      for (const [i, w] of expected.entries()) expectClose(actual[i]!, w, { atol: 1e-6 * steps, rtol: 0 });
    }
  });
});

test("what the clippers clip is there to be clipped, and what they leave is left", () => {
  const [kernel, bias] = gradientsOf(start.map((w) => Float64Array.from(w)));
  expect(norm(kernel!)).toBeGreaterThan(0.3);
  expect(norm(bias!)).toBeLessThan(0.3);
  const largest = Math.max(...kernel!.map(Math.abs));
  expect(largest).toBeGreaterThan(0.002);
  expect(kernel!.some((v) => Math.abs(v) < 0.002)).toBe(true);
});

test("names stand for the defaults", async () => {
  for (const name of ["sgd", "rmsprop", "adam", "adamw"] as const) {
    const create = { sgd, rmsprop, adam, adamw }[name];
    expect(createOptimizer(name).config).toEqual(create().config);
    expect((await trainedFor(2, createOptimizer(name), "simd"))[0]).toEqual(
      (await trainedFor(2, create(), "simd"))[0],
    );
  }
});

test("config holds every setting, defaults filled in", () => {
  const shared = { weightDecay: 0 };
  expect(sgd().config).toEqual({ learningRate: 0.01, ...shared, momentum: 0, nesterov: false });
  expect(rmsprop({ clipNorm: 2 }).config).toEqual({
    learningRate: 0.001,
    ...shared,
    clipNorm: 2,
    rho: 0.9,
    momentum: 0,
    epsilon: 1e-7,
    centered: false,
  });
  expect(adam({ learningRate: () => 1, clipValue: 3 }).config).toEqual({
    learningRate: "schedule",
    ...shared,
    clipValue: 3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
  });
  expect(adamw({ globalClipNorm: 1 }).config).toMatchObject({ weightDecay: 0.004, globalClipNorm: 1 });
});

test("one optimizer serves several models, each with its own state", async () => {
  const optimizer = adam({ learningRate: 0.01 });
  const [first] = await trainedFor(5, optimizer, "simd");
  const [second] = await trainedFor(5, optimizer, "simd");
  expect(second).toEqual(first);
});

describe("an option out of range", () => {
  const wrong = (value: unknown) => value as never;
  test.each<[() => Optimizer, string]>([
    [() => sgd({ learningRate: -1 }), "sgd: learningRate is -1, expected a number >= 0"],
    [() => sgd({ learningRate: Number.NaN }), "sgd: learningRate is NaN, expected a number >= 0"],
    [
      () => sgd({ learningRate: Number.POSITIVE_INFINITY }),
      "sgd: learningRate is Infinity, expected a number >= 0",
    ],
    [
      () => sgd({ learningRate: wrong("0.1") }),
      'sgd: learningRate is "0.1", expected a number >= 0, a schedule such as oneCycle() gives, or a function of the step. Write: sgd({ learningRate: 0.1 })',
    ],
    [() => sgd({ momentum: 1 }), "sgd: momentum is 1, expected a number >= 0 and < 1"],
    [() => sgd({ momentum: -0.1 }), "sgd: momentum is -0.1, expected a number >= 0 and < 1"],
    [() => sgd({ weightDecay: -1 }), "sgd: weightDecay is -1, expected a number >= 0"],
    [() => rmsprop({ rho: 1 }), "rmsprop: rho is 1, expected a number >= 0 and < 1"],
    [() => rmsprop({ momentum: 2 }), "rmsprop: momentum is 2, expected a number >= 0 and < 1"],
    [() => rmsprop({ epsilon: -1 }), "rmsprop: epsilon is -1, expected a number >= 0"],
    [() => adam({ beta1: 1 }), "adam: beta1 is 1, expected a number >= 0 and < 1"],
    [() => adam({ beta2: Number.NaN }), "adam: beta2 is NaN, expected a number >= 0 and < 1"],
    [() => adamw({ epsilon: -1 }), "adamw: epsilon is -1, expected a number >= 0"],
    [() => adam({ clipNorm: 0 }), "adam: clipNorm is 0, expected a number > 0"],
    [() => adam({ globalClipNorm: -1 }), "adam: globalClipNorm is -1, expected a number > 0"],
    [() => adam({ clipValue: Number.NaN }), "adam: clipValue is NaN, expected a number > 0"],
    [
      () => adam({ clipNorm: 1, clipValue: 1 }),
      "adam: clipNorm and clipValue are given, expected at most one",
    ],
    [
      () => createOptimizer(wrong("ftrl")),
      'optimizer is "ftrl", expected one of sgd, rmsprop, adam, adamw, adagrad, adadelta, adamax, nadam, lion. Write: createOptimizer("sgd")',
    ],
    [() => createOptimizer(wrong("Adam")), 'Write: createOptimizer("adam")'],
    [
      () => createOptimizer("adam", wrong({ rho: 0.9 })),
      'adam: no option is called "rho": expected learningRate, weightDecay, excludeFromWeightDecay, useEma, emaMomentum, emaOverwriteFrequency, gradientAccumulationSteps, clipNorm, globalClipNorm, clipValue, beta1, beta2, epsilon',
    ],
    [
      () => adam(wrong({ lr: 0.01, beta_1: 0.8, eps: 1e-8 })),
      'adam: no option is called "lr": did you mean learningRate? Write: adam({ learningRate: 0.01, beta1: 0.8, epsilon: 1e-8 })',
    ],
    [
      () => sgd(wrong({ learning_rate: "0.1", clipnorm: 1 })),
      'sgd: no option is called "learning_rate": did you mean learningRate? Write: sgd({ learningRate: 0.1, clipNorm: 1 })',
    ],
    [() => sgd(wrong({ nesterov: 1 })), "sgd: nesterov is 1, expected true or false"],
    [() => adam(wrong(0.001)), "adam: got 0.001, expected an object of options. Write: adam()"],
    [() => adam(wrong({ learningRate: null })), "adam: learningRate is null, expected a number >= 0"],
  ])("case %#", (create, message) => {
    expect(create).toThrow(RangeError);
    expect(create).toThrow(message);
  });

  test("an option that is undefined is not given", () => {
    expect(createOptimizer("sgd", { rho: undefined }).config).toEqual(sgd().config);
  });
});
