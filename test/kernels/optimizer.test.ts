import { describe, expect, test } from "vitest";
import { describeBuilds, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { type OptimizerOptions, OptimizerRun, stateBlock } from "../support/optimizer-bench.ts";
import { adam, rmsprop, sgd, type Update } from "../support/reference/optimizers.ts";
import { LENGTHS, uniform } from "../support/values.ts";

const OPTIMIZERS: readonly (readonly [string, OptimizerOptions, () => Update])[] = [
  ["sgd", { kernel: "sgd" }, () => sgd({})],
  ["sgd, weight decay", { kernel: "sgd", weightDecay: 0.1 }, () => sgd({ weightDecay: 0.1 })],
  ["sgd, momentum", { kernel: "sgd", momentum: 0.9 }, () => sgd({ momentum: 0.9 })],
  [
    "sgd, nesterov, weight decay",
    { kernel: "sgd", momentum: 0.8, nesterov: true, weightDecay: 0.01 },
    () => sgd({ momentum: 0.8, nesterov: true, weightDecay: 0.01 }),
  ],
  ["rmsprop", { kernel: "rmsprop" }, () => rmsprop({})],
  ["rmsprop, momentum", { kernel: "rmsprop", momentum: 0.9 }, () => rmsprop({ momentum: 0.9 })],
  [
    "rmsprop, centered",
    { kernel: "rmsprop", centered: true, rho: 0.95 },
    () => rmsprop({ centered: true, rho: 0.95 }),
  ],
  [
    "rmsprop, all of it",
    { kernel: "rmsprop", centered: true, momentum: 0.5, epsilon: 1e-3, weightDecay: 0.02 },
    () => rmsprop({ centered: true, momentum: 0.5, epsilon: 1e-3, weightDecay: 0.02 }),
  ],
  ["adam", { kernel: "adam" }, () => adam({})],
  [
    "adam, other betas and epsilon",
    { kernel: "adam", beta1: 0.5, beta2: 0.9, epsilon: 0.01 },
    () => adam({ beta1: 0.5, beta2: 0.9, epsilon: 0.01 }),
  ],
  ["adamW", { kernel: "adam", weightDecay: 0.004 }, () => adam({ weightDecay: 0.004 })],
];

const denormal = (v: number) => v !== 0 && Math.abs(v) < 2 ** -126;

/** Learning rate of a step: it changes, as under a schedule. */
const rateAt = (step: number) => 0.01 / (1 + 0.1 * step);

describeBuilds("optimizers", (bench) => {
  describe.each(OPTIMIZERS)("%s", (_, options, reference) => {
    test("weights after 1 and 10 steps, at every length and grain", () => {
      for (const n of LENGTHS) {
        for (const grain of [n, 4, 7]) {
          const b = bench();
          const start = uniform(n, n);
          const run = new OptimizerRun(b, options, start, grain);
          const [expected, update] = [Float64Array.from(start), reference()];
          for (let step = 0; step < 10; step++) {
            const g = uniform(n, step + 100);
            run.step(g, rateAt(step));
            update(expected, g, rateAt(step));
            if (step === 0 || step === 9) expectClose(run.weights(), expected, { atol: 4e-7, rtol: 1e-6 });
          }
        }
      }
    });

    test("zero gradients leave padding at zero", () => {
      const run = new OptimizerRun(bench(), options, new Float32Array(9));
      for (let step = 0; step < 3; step++) run.step(new Float32Array(9), 0.01);
      expect(run.weights()).toEqual(new Float32Array(9));
    });

    test("where gradients stay 0, momenta and weights end at 0, never at a denormal", () => {
      // Two gradients, one so small that its square is a denormal, then none; with decay the weights shrink, too.
      const [n, decaying] = [9, { ...options, weightDecay: options.weightDecay ? 5 : 0 }];
      const start = uniform(n, 1).map((v) => v * 1e-30);
      const run = new OptimizerRun(bench(), decaying, start, 4);
      const small = uniform(n, 2).map((v, i) => v * (i % 2 === 0 ? 1e-21 : 1e-3));
      for (let step = 0; step < 2; step++) run.step(small, 0.01);
      const zeros = new Float32Array(n);
      // One step in sixteen flushes: the last of these.
      for (let step = 2; step < 3008; step++) run.step(zeros, 0.01);
      for (const values of [run.weights(), ...run.slots()]) expect([...values].filter(denormal)).toEqual([]);
      // Adam's v fades a thousandth a step: the larger ones are on their way.
      for (const [i, values] of run.slots().entries())
        if (options.kernel !== "adam" || i === 0) expect(values).toEqual(zeros);
    });

    test("gradients of any size leave no denormal behind, and small ones move a weight as they should", () => {
      const sizes = Float32Array.from({ length: 45 }, (_, i) => 10 ** -i);
      const run = new OptimizerRun(bench(), options, new Float32Array(45), 8);
      const [expected, update] = [new Float64Array(45), reference()];
      for (let step = 1; step <= 48; step++) {
        run.step(sizes, 0.01);
        update(expected, sizes, 0.01);
        if (step % 16 !== 0) continue;
        for (const values of [run.weights(), ...run.slots()])
          expect([...values].filter(denormal)).toEqual([]);
      }
      // What is dropped moves a weight by less than 1e-12 in all these steps.
      expectClose(run.weights(), expected, { atol: 1e-12, rtol: 1e-5 });
    });

    test("where gradients are too small to move a weight, every step leaves no denormal", () => {
      const faint = uniform(200, 3).map((v) => (v + Math.sign(v)) * 1e-38);
      const run = new OptimizerRun(bench(), options, new Float32Array(200), 70);
      for (let step = 0; step < 5; step++) {
        run.step(faint, 0.01);
        for (const values of [run.weights(), ...run.slots()])
          expect([...values].filter(denormal)).toEqual([]);
      }
    });

    test("NaN of a gradient reaches its weight, and no other", () => {
      const run = new OptimizerRun(bench(), options, uniform(9, 1));
      run.step(
        uniform(9, 2).map((v, i) => (i === 5 ? Number.NaN : v)),
        0.01,
      );
      expect([...run.weights()].map(Number.isNaN)).toEqual(Array.from({ length: 9 }, (_, i) => i === 5));
    });
  });

  test("rmsprop, centered: constant gradients, whose variance rounds to less than 0, make no NaN", () => {
    const g = uniform(64, 1, 1000, 3000);
    const run = new OptimizerRun(bench(), { kernel: "rmsprop", centered: true }, new Float32Array(64));
    for (let step = 0; step < 300; step++) run.step(g, 1e-6);
    expect(run.weights().every(Number.isFinite)).toBe(true);
  });

  test("adam, an epsilon so small that small gradients show: they count", () => {
    const g = Float32Array.of(1e-12, -1e-14, 1e-16, 1e-3);
    const [run, expected] = [
      new OptimizerRun(bench(), { kernel: "adam", epsilon: 1e-22 }, new Float32Array(4)),
      new Float64Array(4),
    ];
    const update = adam({ epsilon: 1e-22 });
    for (let step = 0; step < 5; step++) {
      run.step(g, 0.01);
      update(expected, g, 0.01);
    }
    expectClose(run.weights(), expected, { atol: 0, rtol: 1e-5 });
    expect(Math.abs(run.weights()[2]!)).toBeGreaterThan(0.04);
  });

  test.each([0, 1, 9, 99, 999, 99_999])("advanceStep after %i steps", (step) => {
    const b = bench();
    const state = stateBlock(b, { beta1: 0.9, beta2: 0.999, step });
    const bytes = b.readBytes(state);
    new DataView(bytes.buffer).setFloat64(0, 0.002, true);
    b.write(state, bytes);
    b.run("advanceStep", { state }, 1);
    const view = new DataView(b.readBytes(state).buffer);
    expect(view.getUint32(24, true)).toBe(step + 1);
    expect(view.getFloat32(28, true)).toBe(Math.fround(0.002));
    const alpha = (0.002 * Math.sqrt(1 - 0.999 ** (step + 1))) / (1 - 0.9 ** (step + 1));
    expectClose([view.getFloat32(32, true)], [alpha], { atol: 0, rtol: 1e-7 });
  });
});

test.each(OPTIMIZERS)("%s: scalar and simd give the same bits, on the way to 0, too", async (_, options) => {
  const run = async (backend: "scalar" | "simd", grain: number) => {
    const run = new OptimizerRun(await KernelBench.create(backend), options, uniform(37, 1), grain);
    for (let step = 0; step < 900; step++)
      run.step(step < 5 ? uniform(37, step + 2) : new Float32Array(37), rateAt(step));
    return [run.weights(), ...run.slots()];
  };
  const expected = await run("scalar", 37);
  for (const [i, values] of (await run("simd", 5)).entries()) expectSame(values, expected[i]!);
});

describeBuilds("gradient clipping", (bench) => {
  test.each(LENGTHS)("by value, n %i", (n) => {
    for (const grain of [n, 4, 7]) {
      const b = bench();
      const g = b.variable(uniform(n, n, -3, 3));
      b.run("clipByValue", { g, n, limit: 1.5, grain }, tasksOf(n, grain));
      expect(b.read(g)).toEqual(uniform(n, n, -3, 3).map((v) => Math.max(-1.5, Math.min(1.5, v))));
    }
  });

  function clipByNorm(b: KernelBench, values: Float32Array, maxNorm: number, grain: number): Float32Array {
    const n = values.length;
    const tasks = tasksOf(n, grain);
    const [g, partials] = [b.variable(values), b.output(tasks)];
    b.run("sumSquares", { partials, g, n, grain }, tasks);
    b.run("clipByNorm", { g, partials, count: tasks, n, maxNorm, grain }, tasks);
    return b.read(g);
  }

  test.each([...LENGTHS, 1000])("by norm, n %i", (n) => {
    const values = uniform(n, n, -3, 3);
    const norm = Math.hypot(...values);
    for (const grain of [n, 16, 5]) {
      const clipped = clipByNorm(bench(), values, norm / 3, grain);
      expectClose(
        clipped,
        values.map((v) => v / 3),
        { atol: 1e-9, rtol: 1e-6 },
      );
      expectSame(clipByNorm(bench(), values, norm * 1.01, grain), values);
    }
  });

  test("by norm: a gradient of zeros stays", () => {
    expect(clipByNorm(bench(), new Float32Array(5), 1, 5)).toEqual(new Float32Array(5));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
    "a norm that is not finite makes all NaN: %f",
    (value) => {
      const clipped = clipByNorm(bench(), Float32Array.of(1, 2, value, 3, 4), 1, 4);
      expect([...clipped].every(Number.isNaN)).toBe(true);
    },
  );

  test("NaN stays NaN when clipped by value", () => {
    const b = bench();
    const g = b.variable([Number.NaN, 5, -5]);
    b.run("clipByValue", { g, n: 3, limit: 1, grain: 3 }, 1);
    expect(b.read(g)).toEqual(Float32Array.of(Number.NaN, 1, -1));
  });
});
