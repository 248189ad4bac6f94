import { describe, expect, onTestFinished, test } from "vitest";
import { BACKENDS, Engine } from "../../src/engine/engine.ts";
import {
  batchNormBackward,
  batchNormInference,
  batchNormTraining,
  inferenceConstants,
} from "../support/batchnorm-bench.ts";
import { describeBuilds, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import {
  type BatchNormProblem,
  batchNorm,
  batchNormGradients,
  moments,
} from "../support/reference/batchnorm.ts";
import { centralDifferences, dot, uniform } from "../support/values.ts";

const CHANNELS = [1, 3, 4, 5, 7, 8, 9, 16, 17, 64] as const;
/** Shifts are taken from every eighth row; one block of 256, a row more and less, and several. */
const ROWS = [1, 2, 7, 8, 9, 255, 256, 257, 1000] as const;
const f32 = Math.fround;

/** Everything there is: gamma, beta, a residual and relu. */
function whole(
  rows: number,
  C: number,
  change: (x: Float32Array) => Float32Array = (x) => x,
): BatchNormProblem {
  return {
    rows,
    C,
    x: change(uniform(rows * C, C + rows, -2, 3)),
    gamma: uniform(C, 1, -1.5, 1.5),
    beta: uniform(C, 2),
    residual: uniform(rows * C, 3),
    relu: true,
  };
}

/** Four kinds of layer: bare, with its parameters, followed by relu, and the end of a residual block. */
function kinds(rows: number, C: number): readonly BatchNormProblem[] {
  const { x, gamma, beta, residual, relu } = whole(rows, C);
  return [
    { rows, C, x: x! },
    { rows, C, x: x!, gamma, beta },
    { rows, C, x: x!, gamma, beta, relu },
    { rows, C, x: x!, gamma, beta, residual },
    { rows, C, x: x!, gamma, beta, residual, relu },
  ] as BatchNormProblem[];
}

/** Where relu's input is so near to 0 that rounding decides, no gradient is compared. */
function awayFromKinks(problem: BatchNormProblem, dy: Float32Array): Float32Array {
  const before = batchNorm({ ...problem, relu: false });
  return dy.map((v, i) => (problem.relu && Math.abs(before[i]!) < 1e-4 ? 0 : v));
}

describeBuilds("batch normalization", (bench) => {
  describe.each(CHANNELS)("%i channels", (C) => {
    test.each(ROWS)("%i rows: values, statistics and gradients, at every grain", (rows) => {
      const all = kinds(rows, C);
      for (const problem of rows > 100 ? [all[0]!, all[4]!] : all) {
        const shape = [rows, C];
        const { mean, variance } = moments(problem);
        const expected = batchNorm(problem);
        const dy = awayFromKinks(problem, uniform(rows * C, 9));
        const gradients = batchNormGradients(problem, dy, expected);
        for (const grain of rows > 100 ? [rows, 300] : [rows, 1, 3]) {
          const grains = { sums: grain, rows: grain };
          const result = batchNormTraining(bench(), problem, grains);
          expectClose(result.y, expected, { atol: 2e-6, rtol: 1e-6, shape });
          expectClose(
            result.movingMean,
            mean.map((m) => 0.01 * m),
            { atol: 1e-8, rtol: 4e-7 },
          );
          expectClose(
            result.movingVariance,
            variance.map((v) => 0.99 + 0.01 * v),
            { atol: 0, rtol: 2e-7 },
          );
          const { dx, dgamma, dbeta, dresidual } = batchNormBackward(bench(), problem, result, dy, grains);
          // Where there are few rows a channel may hardly vary: its gradients are that much larger.
          const scale = Math.max(...gradients.dx.map(Math.abs), 1);
          expectClose(dx, gradients.dx, { atol: 1e-6 * scale, rtol: 2e-6, shape });
          const sums = { atol: 4e-7 * Math.sqrt(rows) + 4e-7, rtol: 2e-6 };
          expectClose(dbeta, gradients.dbeta, sums);
          expectClose(dgamma, gradients.dgamma, { ...sums, atol: 3 * sums.atol });
          if (problem.residual) expectSame(dresidual!, gradients.dresidual);
        }
      }
    });
  });

  test.each([1, 3, 5, 17])("gradients by central differences, %i channels", (C) => {
    for (const rows of [2, 7, 30])
      for (const problem of kinds(rows, C)) {
        const dy = awayFromKinks(problem, uniform(rows * C, 4));
        // Rows that a kink is near to are held still by their dy of 0; the others do not come to one in 1e-5.
        const by = (change: (v: Float64Array) => Partial<BatchNormProblem>, at: ArrayLike<number>) =>
          centralDifferences((v) => dot(batchNorm({ ...problem, ...change(v) }), dy), at, 1e-6);
        const result = batchNormTraining(bench(), problem);
        const { dx, dgamma, dbeta, dresidual } = batchNormBackward(bench(), problem, result, dy);
        const ofX = by((x) => ({ x }), problem.x);
        const scale = Math.max(...ofX.map(Math.abs), 1);
        expectClose(dx, ofX, { atol: 3e-6 * scale, rtol: 3e-6, shape: [rows, C] });
        const ones = new Float32Array(C).fill(1);
        const [gamma, beta] = [problem.gamma ?? ones, problem.beta ?? new Float32Array(C)];
        expectClose(
          dgamma,
          by((v) => ({ gamma: v }), gamma),
          { atol: 1e-5, rtol: 3e-6 },
        );
        expectClose(
          dbeta,
          by((v) => ({ beta: v }), beta),
          { atol: 5e-6, rtol: 3e-6 },
        );
        if (problem.residual)
          expectClose(
            dresidual!,
            by((v) => ({ residual: v }), problem.residual),
            { atol: 1e-7, rtol: 1e-7 },
          );
      }
  });

  test("a mean of 10,000 and a deviation of 1: variance, values and gradients are right", () => {
    for (const mean of [1e4, -1e4, 3e5])
      for (const [rows, C] of [
        [1000, 5],
        [130, 17],
        [7, 16],
      ] as const) {
        const problem = whole(rows, C, (x) => x.map((v, i) => mean * (1 + (i % C) / 7) + v));
        const expected = moments(problem);
        for (const sums of [rows, 50]) {
          const result = batchNormTraining(bench(), problem, { sums, momentum: 0 });
          expectClose(result.movingMean, expected.mean, { atol: 0, rtol: 6e-8 });
          expectClose(result.movingVariance, expected.variance, { atol: 0, rtol: 1e-6 });
          expectClose(result.y, batchNorm(problem), { atol: 3e-6, rtol: 1e-6 });
          const dy = awayFromKinks(problem, uniform(rows * C, 9));
          const gradients = batchNormGradients(problem, dy);
          const { dx, dgamma } = batchNormBackward(bench(), problem, result, dy, { sums });
          expectClose(dx, gradients.dx, { atol: 3e-6, rtol: 2e-6 });
          expectClose(dgamma, gradients.dgamma, { atol: 1e-5 * Math.sqrt(rows), rtol: 2e-6 });
        }
      }
  });

  test("an outlier where the shift is taken from costs no more than a digit", () => {
    const [rows, C] = [1000, 5];
    for (const outlier of [1e3, -1e6])
      for (const at of [0, 8, 9, 255, 256, 999]) {
        const x = uniform(rows * C, 3, 0, 1);
        for (let c = 0; c < C; c++) x[at * C + c] = outlier;
        const problem = { rows, C, x };
        const { movingMean, movingVariance } = batchNormTraining(bench(), problem, {
          sums: 300,
          momentum: 0,
        });
        const { mean, variance } = moments(problem);
        expectClose(movingVariance, variance, { atol: 0, rtol: 2e-6 });
        expectClose(movingMean, mean, { atol: 0, rtol: 2e-6 });
      }
  });

  test("channels that do not vary: variance 0, their mean and y = beta exactly, no gradient", () => {
    for (const rows of [1, 2, 7, 129, 1000])
      for (const C of [1, 5, 16]) {
        const values = Float32Array.from(
          { length: C },
          (_, c) => [0, 1 / 3, -12345.678, 1e-20, 0.1, 1e30][c % 6]!,
        );
        const x = Float32Array.from({ length: rows * C }, (_, i) => values[i % C]!);
        const [gamma, beta] = [uniform(C, 1, 0.5, 2), uniform(C, 2)];
        const problem = { rows, C, x, gamma, beta };
        for (const sums of [rows, Math.ceil(rows / 3)]) {
          const result = batchNormTraining(bench(), problem, { sums, momentum: 0 });
          expectSame(result.movingVariance, new Float32Array(C));
          expectSame(
            result.movingMean,
            values.map((v) => (Math.abs(v) < 2 ** -126 ? 0 : v)),
          );
          expectSame(
            result.y,
            x.map((_, i) => beta[i % C]!),
          );
          const dy = new Float32Array(rows * C).fill(0.375);
          const { dx, dgamma } = batchNormBackward(bench(), problem, result, dy, { sums });
          expectSame(dx.map(Math.abs), new Float32Array(rows * C));
          expectSame(dgamma.map(Math.abs), new Float32Array(C));
        }
        // Without beta relu must find no gradient to pass.
        const closed = { rows, C, x, gamma, relu: true };
        const result = batchNormTraining(bench(), closed);
        expectSame(result.y, new Float32Array(rows * C));
        const { dx, dbeta } = batchNormBackward(bench(), closed, result, uniform(rows * C, 1));
        expectSame(dx.map(Math.abs), new Float32Array(rows * C));
        expectSame(dbeta.map(Math.abs), new Float32Array(C));
      }
  });

  test("one row: y is beta, whatever x", () => {
    for (const C of [1, 4, 17]) {
      const problem = { rows: 1, C, x: uniform(C, 1, -9, 9), beta: uniform(C, 2) };
      const result = batchNormTraining(bench(), problem, { momentum: 0 });
      expectSame(result.y, problem.beta);
      expectSame(result.movingMean, problem.x);
      expectSame(result.movingVariance, new Float32Array(C));
      const { dx, dbeta } = batchNormBackward(bench(), problem, result, uniform(C, 3));
      expectSame(dx.map(Math.abs), new Float32Array(C));
      expectSame(dbeta, uniform(C, 3));
    }
  });

  test.each([
    ["mostly zeros", 1, (v: number, i: number) => ((i * 7919) % 97 === 0 ? v : 0)],
    ["values about 1e-20", 1e-18, (v: number) => v * 1e-20],
  ] as const)("%s", (_, scale, change) => {
    const [rows, C] = [1000, 17];
    const { x, gamma } = whole(rows, C, (values) => values.map(change));
    const problem = { rows, C, x, gamma: gamma! };
    const result = batchNormTraining(bench(), problem, { sums: 250 });
    expectClose(result.y, batchNorm(problem), { atol: 2e-6 * scale, rtol: 1e-6 });
    const dy = uniform(rows * C, 9);
    const { dx } = batchNormBackward(bench(), problem, result, dy, { sums: 250 });
    const expected = batchNormGradients(problem, dy).dx;
    expectClose(dx, expected, { atol: 1e-6 * Math.max(...expected.map(Math.abs)), rtol: 2e-6 });
  });

  test("gamma 0: y is beta, no gradient for x, one for gamma", () => {
    const { x, beta } = whole(33, 5);
    const problem = { rows: 33, C: 5, x, gamma: new Float32Array(5), beta: beta! };
    const result = batchNormTraining(bench(), problem);
    const dy = uniform(33 * 5, 1);
    expectSame(
      result.y,
      dy.map((_, i) => problem.beta[i % 5]!),
    );
    const { dx, dgamma } = batchNormBackward(bench(), problem, result, dy);
    expectSame(dx.map(Math.abs), new Float32Array(33 * 5));
    expectClose(dgamma, batchNormGradients(problem, dy).dgamma, { atol: 3e-6, rtol: 2e-6 });
  });

  test("moving statistics move once a step, by any momentum, and settle at no denormal", () => {
    const problem = { rows: 50, C: 5, x: uniform(250, 1, 2, 5) };
    const { mean, variance } = moments(problem);
    const start = { movingMean: uniform(5, 2, -3, 3), movingVariance: uniform(5, 3, 1, 9) };
    for (const momentum of [0.99, 0.5, 0, 1]) {
      const { movingMean, movingVariance } = batchNormTraining(bench(), problem, { ...start, momentum });
      const moved = (from: Float32Array, to: Float64Array) =>
        Float64Array.from(from, (v, c) => v * momentum + to[c]! * (1 - momentum));
      expectClose(movingMean, moved(start.movingMean, mean), { atol: 1e-7, rtol: 2e-7 });
      expectClose(movingVariance, moved(start.movingVariance, variance), { atol: 0, rtol: 4e-7 });
    }
    const faint = {
      movingMean: new Float32Array(5).fill(1.18e-38),
      movingVariance: new Float32Array(5).fill(1.18e-38),
    };
    const { movingMean, movingVariance } = batchNormTraining(
      bench(),
      { ...problem, x: new Float32Array(250) },
      faint,
    );
    expectSame(movingMean, new Float32Array(5));
    expectSame(movingVariance, new Float32Array(5));
  });

  test("without moving statistics, and without wanted gradients of gamma and beta", () => {
    const [rows, C] = [20, 5];
    const b = bench();
    const problem = whole(rows, C);
    const expected = batchNormTraining(bench(), problem);
    const fresh = bench();
    const [partials, constants] = [fresh.output(4 * C), fresh.output(5 * C)];
    const x = fresh.input(problem.x);
    fresh.run("batchNormStatistics", { partials, x, rows, C, grain: rows }, 1, 96);
    const pointers = {
      gamma: fresh.input(problem.gamma!),
      beta: fresh.input(problem.beta!),
      movingMean: 0,
      movingVariance: 0,
    };
    const numbers = { rows, C, grain: rows, epsilon: 1e-3, oneMinusMomentum: 0.01 };
    fresh.run("batchNormConstants", { constants, partials, ...pointers, ...numbers }, 1, 256);
    expectSame(fresh.read(constants), expected.constants);
    const coefficients = fresh.output(2 * C);
    const args = { coefficients, dgamma: 0, dbeta: 0, partials, constants, rows, C, grain: rows };
    fresh.run("batchNormGradients", args, 1, 256);
    expect(fresh.read(coefficients).some(Number.isNaN)).toBe(false);
    expect(b).toBe(fresh);
  });

  test.each(CHANNELS)(
    "y in the memory of x or of the residual, dx in that of dy: the same, %i channels",
    (C) => {
      const rows = 150;
      const problem = whole(rows, C);
      const dy = uniform(rows * C, 5);
      const apart = batchNormTraining(bench(), problem);
      for (const inPlace of ["x", "residual"] as const)
        expectSame(batchNormTraining(bench(), problem, { inPlace, rows: 40 }).y, apart.y);
      const gradients = batchNormBackward(bench(), problem, apart, dy);
      const inPlace = batchNormBackward(bench(), problem, apart, dy, { inPlace: true, rows: 40 });
      expectSame(inPlace.dx, gradients.dx);
      expectSame(inPlace.dresidual!, gradients.dresidual!);
    },
  );

  test("rows in one task of the passes that sum nothing do not show", () => {
    const problem = whole(500, 17);
    const dy = uniform(500 * 17, 5);
    const one = batchNormTraining(bench(), problem);
    const { dx } = batchNormBackward(bench(), problem, one, dy);
    for (const rows of [1, 7, 100]) {
      expectSame(batchNormTraining(bench(), problem, { rows }).y, one.y);
      expectSame(batchNormBackward(bench(), problem, one, dy, { rows }).dx, dx);
    }
  });

  test("NaN stays in its channel, and shows in all of it", () => {
    const [rows, C] = [200, 9];
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY])
      for (const at of [0, 3, 199]) {
        const { residual: _, ...problem } = whole(rows, C, (x) => x.with(at * C + 6, broken));
        const { y, movingMean, movingVariance } = batchNormTraining(bench(), problem, { sums: 90 });
        expect(y.every((v, i) => Number.isNaN(v) === (i % C === 6))).toBe(true);
        for (const moving of [movingMean, movingVariance])
          expect([...moving].map(Number.isFinite)).toEqual(Array.from({ length: C }, (__, c) => c !== 6));
      }
    const problem = whole(rows, C);
    const result = batchNormTraining(bench(), { ...problem, relu: false });
    const dy = uniform(rows * C, 1).with(50 * C + 2, Number.NaN);
    const { dx, dgamma, dbeta } = batchNormBackward(bench(), { ...problem, relu: false }, result, dy);
    for (const gradient of [dx, dgamma, dbeta])
      expect(gradient.every((v, i) => Number.isNaN(v) === (i % C === 2))).toBe(true);
  });

  test("infinity is a value like any other where statistics are given", () => {
    const infinity = Number.POSITIVE_INFINITY;
    const x = [1, -infinity, infinity, 0, -infinity];
    const statistics = { mean: new Float32Array(5), variance: new Float32Array(5).fill(1) };
    const run = (relu: boolean) =>
      batchNormInference(bench(), { rows: 1, C: 5, x, relu, epsilon: 0 }, statistics);
    expectSame(run(false), x);
    expectSame(run(true), [1, 0, infinity, 0, 0]);
  });

  test("what is fainter than 2^-63 is stored as 0 after relu, and in gradients", () => {
    const FAINT = 2 ** -63;
    const [rows, C] = [4, 5];
    const x = new Float32Array(rows * C);
    const residual = x.map((_, i) => [1e-30, FAINT / 2, FAINT * 4, -1][i % 4]!);
    const result = batchNormTraining(bench(), { rows, C, x, residual, relu: true });
    expectSame(
      result.y,
      residual.map((v) => (v === f32(FAINT * 4) ? v : 0)),
    );
    const dy = x.map((_, i) => [1e-30, -FAINT / 2, 1e-44, 1][i % 4]!);
    const wide = { rows, C, x: uniform(rows * C, 1), residual };
    const { dresidual } = batchNormBackward(bench(), wide, batchNormTraining(bench(), wide), dy);
    expectSame(
      dresidual!.map(Math.abs),
      dy.map((v) => (v === 1 ? 1 : 0)),
    );
    const { dx } = batchNormBackward(
      bench(),
      wide,
      batchNormTraining(bench(), wide),
      dy.map((v) => v * 1e-25),
    );
    expect(dx.every((v) => v === 0 || Math.abs(v) >= FAINT)).toBe(true);
  });

  test.each(CHANNELS)("inference, from moving statistics: %i channels", (C) => {
    const statistics = { mean: uniform(C, 5, -3, 3), variance: uniform(C, 6, 0, 4) };
    statistics.variance[0] = 0;
    for (const rows of [1, 2, 7, 150])
      for (const problem of kinds(rows, C)) {
        const reference = {
          mean: Float64Array.from(statistics.mean),
          variance: Float64Array.from(statistics.variance),
        };
        const expected = batchNorm(problem, reference);
        const scale = Math.max(...expected.map(Math.abs), 1);
        for (const grain of [rows, 3]) {
          const y = batchNormInference(bench(), problem, statistics, { rows: grain });
          expectClose(y, expected, { atol: 4e-7 * scale, rtol: 1e-6, shape: [rows, C] });
        }
      }
  });

  test.each(CHANNELS)("coefficients of 0: the gradient through moving statistics, %i channels", (C) => {
    const rows = 30;
    const problem = whole(rows, C);
    const b = bench();
    const statistics = { mean: uniform(C, 5), variance: uniform(C, 6, 0.5, 4) };
    const constants = inferenceConstants(b, problem, statistics);
    const [dx, dresidual, dy] = [b.output(rows * C), b.output(rows * C), uniform(rows * C, 7)];
    const coefficients = b.input(new Float32Array(2 * C));
    const inputs = { dy: b.input(dy), y: 0, x: b.input(problem.x), constants, coefficients };
    b.run("batchNormBackward", { dx, dresidual, ...inputs, rows, C, grain: rows }, 1);
    const scale = (c: number) => problem.gamma![c]! / Math.sqrt(statistics.variance[c]! + f32(1e-3));
    expectClose(
      b.read(dx),
      Float64Array.from(dy, (v, i) => v * scale(i % C)),
      { atol: 0, rtol: 4e-7 },
    );
  });

  test.each(CHANNELS)("foldNorm: a layer that normalizes its outputs itself, %i filters", (OC) => {
    for (const K of [1, 2, 9, 40])
      for (const grain of [K, 3])
        for (const filterBias of [undefined, uniform(OC, 8)])
          for (const bare of [true, false]) {
            const b = bench();
            const [filter, gamma, beta] = [uniform(K * OC, 1), uniform(OC, 2), uniform(OC, 3)];
            const statistics = { mean: uniform(OC, 5, -3, 3), variance: uniform(OC, 6, 0.1, 4) };
            const norm = bare ? { C: OC } : { C: OC, gamma, beta };
            const constants = inferenceConstants(b, norm, statistics);
            const [w, bias] = [b.output(K * OC), b.output(OC)];
            const args = {
              w,
              bias,
              filter: b.input(filter),
              filterBias: filterBias ? b.input(filterBias) : 0,
              constants,
            };
            b.run("foldNorm", { ...args, K, OC, grain }, tasksOf(K, grain));
            const scale = (c: number) =>
              (bare ? 1 : gamma[c]!) / Math.sqrt(statistics.variance[c]! + f32(1e-3));
            expectClose(
              b.read(w),
              Float64Array.from(filter, (v, i) => v * scale(i % OC)),
              { atol: 0, rtol: 2e-7 },
            );
            const expected = Float64Array.from(
              statistics.mean,
              (mean, c) => ((filterBias?.[c] ?? 0) - mean) * scale(c) + (bare ? 0 : beta[c]!),
            );
            expectClose(b.read(bias), expected, { atol: 1e-6, rtol: 2e-7 });
          }
  });
});

test("scalar and simd give the same bits", async () => {
  const [scalar, simd] = [await KernelBench.create("scalar"), await KernelBench.create("simd")];
  for (const C of [1, 5, 16, 17])
    for (const problem of kinds(700, C)) {
      const dy = uniform(700 * C, 1);
      const [a, b] = [scalar, simd].map((bench) => {
        bench.reset();
        const result = batchNormTraining(bench, problem, { sums: 300 });
        return { ...result, ...batchNormBackward(bench, problem, result, dy, { sums: 300 }) };
      });
      expect(a).toEqual(b);
    }
});

test.each(BACKENDS)("any number of threads gives the same bits, build %s", async (backend) => {
  const [rows, C, grain] = [3000, 17, 300];
  const { x, gamma, beta, residual } = whole(rows, C);
  const dy = uniform(rows * C, 8);
  const run = async (threads: number): Promise<Uint8Array> => {
    const engine = await Engine.create({ backend, threads });
    onTestFinished(() => engine.dispose());
    const place = (values: ArrayLike<number>) => {
      const pointer = engine.allocate(4 * values.length + 64);
      engine.f32(pointer, values.length).set(values);
      return pointer;
    };
    const empty = (length: number) => place(new Float32Array(length));
    const tasks = tasksOf(rows, grain);
    const inputs = { x: place(x), rows, C, grain };
    const own = [empty(4 * C * tasks), empty(5 * C), empty(C), empty(C), empty(rows * C)] as const;
    const [partials, constants, movingMean, movingVariance, y] = own;
    const gradients = [empty(2 * C), empty(C), empty(C), empty(rows * C), empty(rows * C)] as const;
    const [coefficients, dgamma, dbeta, dx, dresidual] = gradients;
    const parameters = { gamma: place(gamma!), beta: place(beta!), movingMean, movingVariance };
    const [added, dyOf] = [place(residual!), place(dy)];
    const numbers = { rows, C, grain, epsilon: 1e-3, oneMinusMomentum: 0.01 };
    engine.call("batchNormStatistics", { partials, ...inputs }, tasks, 96);
    engine.call(
      "batchNormConstants",
      { constants, partials, ...parameters, ...numbers },
      tasksOf(C, 16),
      256,
    );
    engine.call("batchNormForward", { y, ...inputs, residual: added, constants, relu: 1 }, tasks);
    const way = { dy: dyOf, y, constants, ...inputs };
    engine.call("batchNormSums", { partials, ...way }, tasks, 64);
    engine.call(
      "batchNormGradients",
      { coefficients, dgamma, dbeta, partials, constants, rows, C, grain },
      tasksOf(C, 16),
      256,
    );
    engine.call("batchNormBackward", { dx, dresidual, coefficients, ...way }, tasks);
    const end = dresidual + 4 * rows * C;
    return engine.u8(partials, end - partials).slice();
  };
  const reference = await run(1);
  for (const threads of [2, 3, 8]) expect(Buffer.compare(await run(threads), reference)).toBe(0);
});
