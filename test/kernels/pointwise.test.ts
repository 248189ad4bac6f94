import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, type Window, windowOf } from "../support/reference/conv.ts";
import {
  type ConvProblem,
  convBackwardInput,
  convForward,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
  pointwiseBackwardFilter,
  pointwiseBackwardInput,
  pointwiseForward,
} from "../support/spatial-bench.ts";
import { centralDifferences, dot, uniform } from "../support/values.ts";

// Convolutions with filters of one cell against formulas in f64, which know nothing of products of matrices.

function problemOf(g: Window, OC: number, x = uniform(inputSize(g), 1)): ConvProblem {
  return { g, OC, x, w: uniform(g.C * OC, 2) };
}

/** Error bound of a sum of `terms` products of values below 1, see gemm.test.ts. */
function closeness(terms: number, shape: readonly number[]) {
  return { atol: 1e-6 + 3e-8 * terms, rtol: 2e-6, shape };
}

/** The sum of parts. */
function total(parts: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from({ length: parts[0]!.length }, (_, i) => parts.reduce((sum, p) => sum + p[i]!, 0));
}

function check(b: () => KernelBench, problem: ConvProblem, split: { rows?: number; cols?: number } = {}) {
  const { g, OC, x, w } = problem;
  const bias = uniform(OC, 3);
  const plain = conv2d(x, w, g, OC);
  const shape = outputShape(g, OC);
  expectClose(pointwiseForward(b(), problem, split), plain, closeness(g.C, shape));
  const biased = plain.map((v, i) => Math.max(0, v + bias[i % OC]!));
  expectClose(pointwiseForward(b(), problem, { bias, relu: true, ...split }), biased, closeness(g.C, shape));

  const dy = uniform(outputSize(g, OC), 5);
  const { dw, dx } = conv2dGradients(x, w, dy, g, OC);
  const outputs = g.batch * g.OH * g.OW;
  const found = pointwiseBackwardFilter(b(), problem, dy, split);
  expectClose(total(found), dw, closeness(outputs, [g.C, OC]));
  expectClose(pointwiseBackwardInput(b(), problem, dy, split), dx, closeness(OC, inputShape(g)));
}

const GEOMETRIES: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["one pixel", { H: 1 }],
  ["5 x 7", { H: 5, W: 7 }],
  ["more outputs than are taken at once", { H: 9, W: 8 }],
  ["stride 2, even", { H: 6, W: 8, strideH: 2 }],
  ["stride 2, odd", { H: 7, W: 5, strideH: 2, padding: "same" }],
  ["stride 2, the last row and column left over", { H: 6, W: 10, strideH: 2, padding: "same" }],
  ["stride 3 by 1, cells never read", { H: 8, W: 5, strideH: 3, strideW: 1 }],
  ["stride 1 by 4", { H: 3, W: 11, strideH: 1, strideW: 4 }],
  ["stride 2, more outputs than are taken at once", { H: 17, W: 22, strideH: 2 }],
];
const CHANNELS = [
  [1, 1],
  [3, 5],
  [5, 3],
  [16, 17],
  [17, 16],
  [4, 40],
  [66, 9],
  [128, 25],
] as const;

describeBuilds("pointwise", (bench) => {
  describe.each(GEOMETRIES)("%s", (_, options) => {
    test.each(CHANNELS)("%i -> %i channels", (C, OC) => {
      check(bench, problemOf(windowOf({ batch: 3, ...options, C }), OC));
    });
  });

  test("every number of channels to 36, and of pixels", () => {
    for (let n = 1; n <= 36; n++) check(bench, problemOf(windowOf({ batch: 1, H: 3, W: n, C: n }), 37 - n));
  });

  test.each([
    [256, 3],
    [70, 64],
    [3, 300],
  ])("many channels: %i -> %i", (C, OC) => {
    check(bench, problemOf(windowOf({ batch: 2, H: 7, W: 10, C }), OC));
  });

  test("an image of each batch, as many as are fetched at once and more", () => {
    check(bench, problemOf(windowOf({ batch: 5, H: 16, W: 37, C: 64 }), 64), { rows: 2048 });
  });

  test.each([
    [{ H: 9, W: 10 }, 20, 50],
    [{ H: 9, W: 7, strideH: 2 }, 20, 50],
    [{ H: 1, W: 1 }, 130, 36],
  ] as const)("%o, %i -> %i channels: tasks change no bit of what has no sums of parts", (options, C, OC) => {
    const problem = problemOf(windowOf({ batch: 5, ...options, C }), OC);
    const { g } = problem;
    const dy = uniform(outputSize(g, OC), 5);
    const y = pointwiseForward(bench(), problem);
    const dx = pointwiseBackwardInput(bench(), problem, dy);
    const [dw] = pointwiseBackwardFilter(bench(), problem, dy, { rows: 1000 });
    for (const cols of [16, 32, 48, 160])
      for (const rows of [1, 3, 64, 128, 1000]) {
        check(bench, problem, { rows, cols });
        expectSame(pointwiseForward(bench(), problem, { rows, cols }), y);
        expectSame(pointwiseBackwardInput(bench(), problem, dy, { rows, cols }), dx);
        if (rows === 1000) expectSame(pointwiseBackwardFilter(bench(), problem, dy, { rows, cols })[0]!, dw!);
      }
  });

  test("a part of a gradient is that of its outputs alone", () => {
    const g = windowOf({ batch: 1, H: 10, W: 30, C: 19 });
    const problem = problemOf(g, 21);
    const dy = uniform(outputSize(g, 21), 5);
    const parts = pointwiseBackwardFilter(bench(), problem, dy, { rows: 128 });
    expect(parts.length).toBe(3);
    for (const [i, part] of parts.entries()) {
      const [from, to] = [128 * i, Math.min(300, 128 * (i + 1))];
      const own = {
        ...problem,
        g: windowOf({ H: 1, W: to - from, C: 19 }),
        x: Array.from(problem.x).slice(19 * from, 19 * to),
      };
      const alone = pointwiseBackwardFilter(bench(), own as ConvProblem, dy.slice(21 * from, 21 * to));
      expectSame(part, alone[0]!);
    }
  });

  test.each(GEOMETRIES)("outputs and input gradients to the bit as by patches: %s", (_, options) => {
    for (const [C, OC] of CHANNELS) {
      const problem = problemOf(windowOf({ batch: 2, ...options, C }), OC);
      const bias = uniform(OC, 3);
      expectSame(pointwiseForward(bench(), problem, { bias }), convForward(bench(), problem, { bias }));
      const dy = uniform(outputSize(problem.g, OC), 5);
      expectSame(pointwiseBackwardInput(bench(), problem, dy), convBackwardInput(bench(), problem, dy));
    }
  });

  test.each(GEOMETRIES)("central differences: %s", (_, options) => {
    const g = windowOf({
      batch: 1,
      ...options,
      H: Math.min(7, options.H!),
      W: Math.min(11, options.W ?? 7),
      C: 2,
    });
    const problem = problemOf(g, 3);
    const { x, w } = problem;
    const dy = uniform(outputSize(g, 3), 5);
    const closeEnough = { atol: 1e-5, rtol: 1e-5 };
    const dw = centralDifferences((v) => dot(conv2d(x, v, g, 3), dy), w, 0.1);
    expectClose(total(pointwiseBackwardFilter(bench(), problem, dy)), dw, closeEnough);
    const dx = centralDifferences((v) => dot(conv2d(v, w, g, 3), dy), x, 0.1);
    expectClose(pointwiseBackwardInput(bench(), problem, dy), dx, closeEnough);
  });

  test("outputs of pixels that are all zero are the bias, their gradients nothing", () => {
    for (const [C, OC, strideH] of [
      [20, 18, 1],
      [9, 5, 2],
      [130, 40, 1],
    ] as const) {
      const g = windowOf({ batch: 2, H: 11, W: 9, strideH, C });
      // Every other pixel, and all of a channel; every other zero is -0.
      const x = uniform(inputSize(g), 1).map((v, k) =>
        Math.floor(k / C) % 3 && k % C !== 4 ? v : k % 2 ? 0 : -0,
      );
      const problem = problemOf(g, OC, x);
      const bias = uniform(OC, 3);
      const zero = conv2d(x.map(Math.abs), new Float32Array(C).fill(1), g, 1);
      for (const relu of [false, true])
        for (const [i, v] of pointwiseForward(bench(), problem, { bias, relu }).entries())
          if (zero[Math.floor(i / OC)] === 0)
            expect(v).toBe(relu ? Math.max(bias[i % OC]!, 0) : bias[i % OC]);
      const dy = uniform(outputSize(g, OC), 5).map((v, k) =>
        Math.floor(k / OC) % 5 && k % OC !== 2 ? v : k % 2 ? 0 : -0,
      );
      const { dx, dw } = conv2dGradients(x, problem.w, dy, g, OC);
      const gradient = pointwiseBackwardInput(bench(), problem, dy);
      expectClose(gradient, dx, closeness(OC, inputShape(g)));
      for (const [i, v] of dx.entries()) if (v === 0) expect(gradient[i]).toBe(0);
      const found = pointwiseBackwardFilter(bench(), problem, dy);
      expectClose(total(found), dw, closeness(g.batch * g.OH * g.OW, [C, OC]));
      for (const part of found)
        for (const [i, v] of part.entries()) if (Math.floor(i / OC) === 4 || i % OC === 2) expect(v).toBe(0);
    }
  });

  test("numbers that are none, or without end, stay with their outputs and columns", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const [C, OC] = [18, 21];
      const g = windowOf({ batch: 1, H: 6, W: 13, C });
      const x = uniform(inputSize(g), 1);
      x[7 * C + 3] = bad;
      const problem = problemOf(g, OC, x);
      for (const [i, v] of pointwiseForward(bench(), problem).entries())
        expect(Number.isFinite(v)).toBe(Math.floor(i / OC) !== 7);
      const dy = uniform(outputSize(g, OC), 5);
      const byChannel = pointwiseBackwardFilter(bench(), problem, dy);
      for (const [i, v] of total(byChannel).entries())
        expect(Number.isFinite(v)).toBe(Math.floor(i / OC) !== 3);
      dy[70 * OC + 20] = bad;
      const sound = problemOf(g, OC);
      const byColumn = pointwiseBackwardFilter(bench(), sound, dy);
      for (const [i, v] of total(byColumn).entries()) expect(Number.isFinite(v)).toBe(i % OC !== 20);
      for (const [i, v] of pointwiseBackwardInput(bench(), sound, dy).entries())
        expect(Number.isFinite(v)).toBe(Math.floor(i / C) !== 70);
    }
  });

  test("large and small numbers", () => {
    for (const scale of [1e15, 1e-15]) {
      const g = windowOf({ batch: 2, H: 8, W: 9, C: 33 });
      const x = uniform(inputSize(g), 1).map((v) => v * scale);
      const problem = problemOf(g, 20, x);
      const y = conv2d(x, problem.w, g, 20);
      const shape = outputShape(g, 20);
      expectClose(pointwiseForward(bench(), problem), y, { atol: 3e-6 * scale, rtol: 2e-6, shape });
      const dy = uniform(outputSize(g, 20), 5).map((v) => v / scale);
      const { dw, dx } = conv2dGradients(x, problem.w, dy, g, 20);
      const found = pointwiseBackwardFilter(bench(), problem, dy);
      expectClose(total(found), dw, { atol: 1e-5, rtol: 2e-6, shape: [33, 20] });
      const near = { atol: 3e-6 / scale, rtol: 2e-6, shape: inputShape(g) };
      expectClose(pointwiseBackwardInput(bench(), problem, dy), dx, near);
    }
  });

  test("a sum of many outputs is exact to rounding: a million ones", () => {
    const g = windowOf({ batch: 1, H: 1000, W: 1024, C: 1 });
    const problem = { g, OC: 1, x: new Float32Array(inputSize(g)).fill(0.1), w: [1] };
    const dy = new Float32Array(outputSize(g, 1)).fill(0.1);
    const parts = pointwiseBackwardFilter(bench(), problem, dy, { rows: 65_536 });
    expectClose(total(parts), [10_240], { atol: 0, rtol: 2e-5 });
  });
});
