import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { Planner } from "../../src/compiler/planner.ts";
import { chunks } from "../../src/compiler/tasks.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  activation,
  add,
  average,
  averagePooling2d,
  batchNormalization,
  concatenate,
  conv2d,
  cropping2d,
  dense,
  flatten,
  globalAveragePooling2d,
  input,
  maximum,
  maxPooling2d,
  minimum,
  multiply,
  permute,
  prelu,
  relu,
  rescaling,
  softmax,
  subtract,
  upSampling2d,
  zeroPadding2d,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { sgd } from "../../src/optim/index.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { Session } from "../../src/train/session.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all } from "../support/sessions.ts";

const KINDS = [
  "conv",
  "norm",
  "relu",
  "add",
  "multiply",
  "concatenate",
  "shared",
  "max",
  "average",
  "squeeze",
  "residual",
] as const;

/** Of ops whose kernels are in the builds called -all alone. */
const EXTRA = [
  "gelu",
  "rescale",
  "bounded",
  "subtract",
  "most",
  "least",
  "mean",
  "where",
  "slopes",
  "framed",
  "turned",
  "enlarged",
  "along",
  "shares",
] as const;

/** One layer more: its kind, and which of the values so far it takes. */
interface Step {
  readonly kind: (typeof KINDS)[number] | (typeof EXTRA)[number];
  readonly a: number;
  readonly b: number;
  readonly filters: number;
  readonly relu: boolean;
  readonly bias: boolean;
}

const stepOf = (...kinds: Step["kind"][]): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    a: fc.nat(7),
    b: fc.nat(7),
    filters: fc.integer({ min: 1, max: 5 }),
    relu: fc.boolean(),
    bias: fc.boolean(),
  });

const SHAPE = [6, 4, 2];
const COUNT = 3;
const samples = {
  images: fixtureValues(COUNT * 48, 11, 1),
  labels: [fixtureLabels(COUNT, 12, 3), fixtureLabels(COUNT, 13, 2)],
  shape: SHAPE,
  count: COUNT,
};
const MOST_CHANNELS = 9;

/** All values are images of one size: what a step takes is found by number, the last one being 0. */
function build(steps: readonly Step[]): Model {
  const x = input({ shape: SHAPE });
  const values: SymbolicTensor[] = [x];
  const at = (n: number) => values[values.length - 1 - (n % values.length)]!;
  const channels = (v: SymbolicTensor) => v.shape[2]!;
  const gelu = (v: SymbolicTensor) => activation({ activation: "gelu" }).apply(v);
  const conv = (v: SymbolicTensor, filters: number, options = {}) =>
    conv2d({ filters, kernelSize: 3, padding: "same", biasInitializer: "heNormal", ...options }).apply(v);
  const likeA = (v: SymbolicTensor, a: SymbolicTensor) =>
    channels(v) === channels(a) ? v : conv(v, channels(a));
  const made: Record<Step["kind"], (s: Step, a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor> = {
    conv: (s, a) => conv(a, s.filters, { useBias: s.bias, ...(s.relu && { activation: "relu" }) }),
    norm: (_, a) =>
      batchNormalization({ betaInitializer: "heNormal", gammaInitializer: "heUniform" }).apply(a),
    relu: (_, a) => activation({ activation: "relu" }).apply(a),
    add: (_, a, b) => add().apply([a, likeA(b, a)]),
    multiply: (_, a, b) => multiply().apply([a, likeA(b, a)]),
    concatenate: (s, a, b) =>
      channels(a) + channels(b) > MOST_CHANNELS ? conv(a, s.filters) : concatenate().apply([a, b]),
    shared: (_, a) => {
      const layer = conv2d({ filters: channels(a), kernelSize: 1, activation: "tanh" });
      return layer.apply(layer.apply(a));
    },
    max: (_, a) => maxPooling2d({ poolSize: 2, strides: 1, padding: "same" }).apply(a),
    average: (_, a) => averagePooling2d({ poolSize: 2, strides: 1, padding: "same" }).apply(a),
    squeeze: (_, a) =>
      multiply().apply([
        a,
        dense({ units: channels(a), activation: "sigmoid" }).apply(globalAveragePooling2d().apply(a)),
      ]),
    /** A normalization that takes the sum with it: what is added is often read again. */
    residual: (_, a, b) =>
      add().apply([batchNormalization().apply(conv(a, channels(b), { useBias: false })), b]),
    gelu: (_, a) => activation({ activation: "gelu" }).apply(a),
    rescale: (_, a) => rescaling({ scale: -0.75, offset: 0.25 }).apply(a),
    bounded: (_, a) => relu({ maxValue: 3, negativeSlope: 0.25 }).apply(a),
    subtract: (_, a, b) => subtract().apply([a, likeA(b, a)]),
    most: (_, a, b) => maximum().apply([a, likeA(b, a)]),
    least: (_, a, b) => minimum().apply([likeA(b, a), a]),
    mean: (_, a, b) => average().apply([a, likeA(b, a), conv(b, 1)]),
    where: (_, a, b) => multiply().apply([conv(b, 1, { activation: "sigmoid" }), a]),
    slopes: (s, a) => prelu({ alphaInitializer: "heNormal", ...(s.bias && { sharedAxes: [1, 2] }) }).apply(a),
    framed: (_, a) =>
      cropping2d({
        cropping: [
          [1, 0],
          [0, 2],
        ],
      }).apply(
        zeroPadding2d({
          padding: [
            [0, 1],
            [2, 0],
          ],
        }).apply(a),
      ),
    turned: (_, a) => permute({ dims: [2, 1, 3] }).apply(gelu(permute({ dims: [2, 1, 3] }).apply(a))),
    enlarged: (s, a) =>
      averagePooling2d({ poolSize: [1, 2] }).apply(
        upSampling2d({ size: [1, 2], ...(s.relu && { interpolation: "bilinear" }) }).apply(a),
      ),
    along: (s, a) => dense({ units: s.filters, activation: s.relu ? "relu" : "linear" }).apply(a),
    shares: (_, a) => softmax().apply(a),
  };
  for (const s of steps) values.push(made[s.kind](s, at(s.a), at(s.b)));
  const pooled = maxPooling2d({ poolSize: 2 }).apply(values.at(-1)!);
  const second = globalAveragePooling2d().apply(at(2));
  return model({
    inputs: x,
    outputs: [
      dense({ units: 3, activation: "softmax" }).apply(flatten().apply(pooled)),
      dense({ units: 2, activation: "softmax" }).apply(second),
    ],
  });
}

async function resultsOf(
  net: Model,
  options: { backend: (typeof BACKENDS)[number]; threads?: number; fuse?: boolean },
) {
  const outputs = [1, 0.5].map((weight, i) => ({
    name: `${i}`,
    loss: "categoricalCrossentropy",
    weight,
    metrics: [],
  }));
  const session = await Session.create(net.graph, {
    threads: 1,
    ...options,
    seed: 5,
    outputs,
    optimizer: sgd({ learningRate: 0 }),
    preprocessing: { scale: 1, offset: 0 },
  });
  try {
    const out = [new Float32Array(COUNT * 3), new Float32Array(COUNT * 2)];
    session.predictStep(samples, all(samples), out);
    const { loss } = session.trainStep(samples, all(samples));
    const named = (all: Iterable<{ parameter: { name: string }; data: Float32Array }>) =>
      new Map([...all].map(({ parameter, data }) => [parameter.name, data.slice()]));
    return { out, loss, gradients: named(session.gradients()), weights: named(session.weights()) };
  } finally {
    session.dispose();
  }
}

/** Has each value's gradient in memory of its own while `run` is at it: nothing can be written over what is still needed. */
async function unshared<T>(run: () => Promise<T>): Promise<T> {
  const spies = [
    vi.spyOn(Planner.prototype, "gradientInPlace").mockImplementation(function (this: Planner, op, input) {
      return this.gradient(input ?? op.inputs[0]!);
    }),
    vi.spyOn(Planner.prototype, "passGradient").mockImplementation(function (this: Planner, op, input) {
      const x = this.outputGradient(op);
      const cols = elements(input.shape);
      const args = { rows: this.batch, cols, outCols: cols, at: 0, xCols: cols, from: 0, grain: 1 };
      this.call("copyColumns", { out: this.gradient(input), x, ...args }, { tasks: chunks(this.batch, 1) });
    }),
  ];
  try {
    return await run();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const largest = (values: Float32Array) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

function expectNear(actual: Float32Array, expected: Float32Array, limit: number, what: string): void {
  const off = largest(actual.map((v, k) => v - expected[k]!));
  expect(off, `${what}: off by ${off}, expected at most ${limit}`).toBeLessThanOrEqual(limit);
}

// The same graphs in each run: in others rounding may put a number on the other side of a relu's kink.
test.each(
  BACKENDS.flatMap((backend) => [
    [backend, "usual", KINDS] as const,
    [backend, "all", [...KINDS, ...EXTRA, ...EXTRA]] as const,
  ]),
)(
  "build %s: random graphs of %s layers give the same fused, unfused and on three threads",
  async (backend, _, kinds) => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf(...kinds), { minLength: 2, maxLength: 8 }), async (steps) => {
        const net = build(steps);
        const fused = await resultsOf(net, { backend });
        const plain = await resultsOf(net, { backend, fuse: false });
        expect(await unshared(() => resultsOf(net, { backend }))).toEqual(fused);
        expect(await unshared(() => resultsOf(net, { backend, fuse: false }))).toEqual(plain);
        expect(Math.abs(fused.loss - plain.loss)).toBeLessThan(1e-4);
        fused.out.forEach((out, i) => {
          expectNear(out, plain.out[i]!, 1e-4, `output ${i}`);
        });
        const overall = Math.max(...[...plain.gradients.values()].map(largest));
        for (const [name, gradient] of plain.gradients)
          expectNear(fused.gradients.get(name)!, gradient, 2e-4 * largest(gradient) + 2e-6 * overall, name);
        for (const [name, weights] of plain.weights)
          expectNear(fused.weights.get(name)!, weights, 1e-5, name);
        if (steps.length % 3 === 0) expect(await resultsOf(net, { backend, threads: 3 })).toEqual(fused);
      }),
      { seed: 7, numRuns: 25, endOnFailure: true },
    );
  },
);
