import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  meanAbsoluteError,
  meanSquaredError,
  type RowLoss,
  rowLosses,
  sigmoidCrossentropy,
  softmaxCrossentropy,
} from "../support/reference/losses.ts";
import { softmax } from "../support/reference/matrix.ts";
import { centralDifferences, LENGTHS, probabilities, uniform } from "../support/values.ts";

type Shape = readonly [rows: number, cols: number];
type Tail<T extends unknown[]> = T extends [unknown, unknown, ...infer Rest] ? Rest : never;
type LossKernel = "categoricalCrossentropy" | "binaryCrossentropy" | "meanSquaredError" | "meanAbsoluteError";

const sigmoid = (x: ArrayLike<number>) => Float64Array.from(x, (v) => 1 / (1 + Math.exp(-v)));

/** One-hot rows, and one row of soft targets that sum to 1. */
function targets(rows: number, cols: number): Float32Array {
  const t = new Float32Array(rows * cols);
  for (let r = 0; r < rows; r++) t[r * cols + ((3 * r + 1) % cols)] = 1;
  t.set(probabilities(1, cols, 3), 0);
  return t;
}

function run(
  b: KernelBench,
  kernel: LossKernel,
  y: ArrayLike<number>,
  t: ArrayLike<number>,
  [rows, cols]: Shape,
  { grain = rows, scale = 1 / rows, gradient = true } = {},
) {
  const losses = b.output(rows);
  const dy = gradient ? b.output(rows * cols) : 0;
  const args = { losses, dy, y: b.input(y), t: b.input(t), rows, cols, scale, grain };
  b.run(kernel, args, tasksOf(rows, grain));
  return { losses: b.read(losses), dy: typeof dy === "number" ? undefined : b.read(dy) };
}

function fused(
  b: KernelBench,
  kernel: "softmaxCrossentropy" | "sigmoidCrossentropy",
  x: ArrayLike<number>,
  t: ArrayLike<number>,
  [rows, cols]: Shape,
  { grain = rows, scale = 1 / rows, gradient = true } = {},
) {
  const [losses, y] = [b.output(rows), b.output(rows * cols)];
  const dx = gradient ? b.output(rows * cols) : 0;
  const args = { losses, dx, y, x: b.input(x), t: b.input(t), rows, cols, scale, grain };
  b.run(kernel, args, tasksOf(rows, grain));
  return { losses: b.read(losses), y: b.read(y), dx: typeof dx === "number" ? undefined : b.read(dx) };
}

/** Gradient of the mean loss over the rows. */
function gradientOf(
  loss: RowLoss,
  y: ArrayLike<number>,
  t: ArrayLike<number>,
  [rows, cols]: Shape,
  h = 1e-6,
) {
  const mean = (v: Float64Array) => rowLosses(loss, v, t, rows, cols).reduce((a, b) => a + b, 0) / rows;
  return centralDifferences(mean, y, h);
}

const KERNELS: readonly (readonly [LossKernel, RowLoss, (rows: number, cols: number) => Float32Array])[] = [
  ["categoricalCrossentropy", categoricalCrossentropy, (rows, cols) => uniform(rows * cols, 1, 0.1, 0.9)],
  ["binaryCrossentropy", binaryCrossentropy, (rows, cols) => uniform(rows * cols, 1, 0.02, 0.98)],
  ["meanAbsoluteError", meanAbsoluteError, (rows, cols) => uniform(rows * cols, 1, -2, 2)],
  ["meanSquaredError", meanSquaredError, (rows, cols) => uniform(rows * cols, 1, -2, 2)],
];

describeBuilds("losses", (bench) => {
  describe.each(KERNELS)("%s", (kernel, loss, values) => {
    test.each(LENGTHS)("values and gradient, %i columns", (cols) => {
      for (const rows of [1, 2, 5]) {
        const [y, t] = [values(rows, cols), targets(rows, cols)];
        const expected = rowLosses(loss, y, t, rows, cols);
        const gradient = gradientOf(loss, y, t, [rows, cols]);
        for (const grain of [1, 2, rows]) {
          const { losses, dy } = run(bench(), kernel, y, t, [rows, cols], { grain });
          expectClose(losses, expected, { atol: 1e-6, rtol: 2e-6, shape: [rows] });
          expectClose(dy!, gradient, { atol: 1e-6, rtol: 3e-6, shape: [rows, cols] });
          const evaluated = run(bench(), kernel, y, t, [rows, cols], { grain, gradient: false });
          expectSame(evaluated.losses, losses);
        }
      }
    });

    test("scale, and the gradient in place of y", () => {
      const [y, t] = [values(3, 7), targets(3, 7)];
      const { dy } = run(bench(), kernel, y, t, [3, 7], { scale: 1 });
      expectClose(
        run(bench(), kernel, y, t, [3, 7], { scale: 0.25 }).dy!,
        dy!.map((v) => v / 4),
        {
          atol: 1e-9,
          rtol: 1e-6,
        },
      );
      const b = bench();
      const both = b.variable(y);
      const args = {
        losses: b.output(3),
        dy: both,
        y: both,
        t: b.input(t),
        rows: 3,
        cols: 7,
        scale: 1,
        grain: 2,
      };
      b.run(kernel, args, 2);
      expect(b.read(both)).toEqual(dy);
    });

    test("NaN stays in its row", () => {
      const [y, t] = [values(3, 5), targets(3, 5)];
      y[7] = Number.NaN;
      const { losses, dy } = run(bench(), kernel, y, t, [3, 5]);
      expect([...losses].map(Number.isNaN)).toEqual([false, true, false]);
      expect(Number.isNaN(dy![7])).toBe(true);
      expect([...dy!].some((v, i) => Number.isNaN(v) && (i < 5 || i >= 10))).toBe(false);
    });
  });

  test("binary crossentropy of certain answers: clipped to 1e-7, no gradient beyond the clip", () => {
    const y = [0, 1, 0, 1, 1e-9, 0.5];
    const t = [0, 1, 1, 0, 1, 1];
    const { losses, dy } = run(bench(), "binaryCrossentropy", y, t, [6, 1], { scale: 1 });
    // 1 - 1e-7 is 1 - 2^-23 in f32: the clip itself is 2e-8 off.
    expectClose(losses, rowLosses(binaryCrossentropy, y, t, 6, 1), { atol: 3e-8, rtol: 1e-6 });
    expect([...dy!]).toEqual([0, 0, 0, 0, 0, -2]);
  });

  test("categorical crossentropy renormalises rows and clips", () => {
    const y = [2, 2, 4, 0, 0, 3, 1e-9, 0.5, 0.5];
    const t = [1, 0, 0, 1, 0, 0, 1, 0, 0];
    const { losses, dy } = run(bench(), "categoricalCrossentropy", y, t, [3, 3], { scale: 1 });
    expectClose(losses, rowLosses(categoricalCrossentropy, y, t, 3, 3), { atol: 1e-9, rtol: 1e-6 });
    // Row 0: (1 - t / s) / sum, s = 1/4, sum = 8; the others: the term that counts is clipped.
    expectClose(dy!, [1 / 8 - 4 / 8, 1 / 8, 1 / 8, 0, 0, 0, 0, 0, 0], { atol: 1e-7, rtol: 1e-6 });
  });

  describe.each([
    ["softmaxCrossentropy", softmaxCrossentropy, softmax],
    ["sigmoidCrossentropy", sigmoidCrossentropy, sigmoid],
  ] as const)("%s", (kernel, loss, outputs) => {
    const run = (...args: Tail<Parameters<typeof fused>>) => fused(bench(), kernel, ...args);

    test.each(LENGTHS)("probabilities, losses and gradient, %i columns", (cols) => {
      for (const rows of [1, 2, 5]) {
        // Targets of every kind: one-hot, soft, and such that sum to anything.
        for (const t of [targets(rows, cols), uniform(rows * cols, 7, 0, 1)]) {
          const x = uniform(rows * cols, 1, -6, 6);
          const gradient = gradientOf(loss, x, t, [rows, cols], 1e-5);
          for (const grain of [1, 2, rows]) {
            const { losses, y, dx } = run(x, t, [rows, cols], { grain });
            const shape = [rows, cols];
            expectClose(y, outputs(x, rows, cols), { atol: 1e-12, rtol: 1e-6, shape });
            expectClose(losses, rowLosses(loss, x, t, rows, cols), { atol: 2e-6, rtol: 2e-6 });
            expectClose(dx!, gradient, { atol: 2e-7, rtol: 3e-6, shape });
            const evaluated = run(x, t, [rows, cols], { grain, gradient: false });
            expectSame(evaluated.losses, losses);
            expectSame(evaluated.y, y);
          }
        }
      }
    });

    test("the gradient in place of the logits, or of the targets", () => {
      const [x, t] = [uniform(21, 1, -6, 6), uniform(21, 2, 0, 1)];
      const { dx } = run(x, t, [3, 7]);
      for (const place of ["x", "t"] as const) {
        const b = bench();
        const both = b.variable(place === "x" ? x : t);
        const tensors = { losses: b.output(3), y: b.output(21), x: b.input(x), t: b.input(t), dx: both };
        b.run(kernel, { ...tensors, [place]: both, rows: 3, cols: 7, scale: 1 / 3, grain: 1 }, 3);
        expect(b.read(both)).toEqual(dx);
      }
    });

    test("NaN stays in its row", () => {
      const [x, t] = [uniform(15, 1), targets(3, 5)];
      x[7] = Number.NaN;
      const { losses, y, dx } = run(x, t, [3, 5]);
      expect([...losses].map(Number.isNaN)).toEqual([false, true, false]);
      for (const values of [y, dx!]) {
        expect(values[7]).toBeNaN();
        expect([...values].some((v, i) => Number.isNaN(v) && (i < 5 || i >= 10))).toBe(false);
      }
    });
  });

  test("gradients fainter than 2^-63 are stored as 0", () => {
    // Of a class that is out of the question: e^-60 and e^-80; and of an answer that is as good as right.
    const { dx } = fused(bench(), "softmaxCrossentropy", [0, -40, -60, -80], [1, 0, 0, 0], [1, 4]);
    expectClose(dx!, [0, Math.exp(-40), 0, 0], { atol: 0, rtol: 1e-6 });
    const sure = fused(bench(), "sigmoidCrossentropy", [-40, -60, -80, 0], [0, 0, 0, 0], [1, 4]);
    expectClose(sure.dx!, [Math.exp(-40) / 4, 0, 0, 0.125], { atol: 0, rtol: 1e-6 });
  });

  test("softmaxCrossentropy: probabilities are those of softmaxForward, bit by bit", () => {
    const [x, t] = [uniform(33, 1, -6, 6), targets(3, 11)];
    const b = bench();
    const y = b.output(33);
    b.run("softmaxForward", { y, x: b.input(x), rows: 3, cols: 11, grain: 3 }, 1);
    const expected = b.read(y);
    expect(fused(bench(), "softmaxCrossentropy", x, t, [3, 11]).y).toEqual(expected);
  });

  test("softmaxCrossentropy, confident and wrong: no overflow, no clipping", () => {
    const x = [200, 0, -200, 1e4, -1e4, 0];
    const t = [0, 0, 1, 0, 1, 0];
    const { losses } = fused(bench(), "softmaxCrossentropy", x, t, [2, 3]);
    expectClose(losses, [400, 2e4], { atol: 0, rtol: 1e-6 });
  });

  test("sigmoidCrossentropy: probabilities are those of activationForward, bit by bit", () => {
    const [x, t] = [uniform(33, 1, -90, 90), targets(3, 11)];
    const b = bench();
    const y = b.output(33);
    b.run("activationForward", { y, x: b.input(x), n: 33, kind: 3, alpha: 0, grain: 33 }, 1);
    const expected = b.read(y);
    expect(fused(bench(), "sigmoidCrossentropy", x, t, [3, 11]).y).toEqual(expected);
  });

  test("sigmoidCrossentropy, confident: wrong ones get the whole gradient, right ones a small loss", () => {
    const x = [20, -20, 100, -100, 1e30, -1e30];
    const wrong = fused(bench(), "sigmoidCrossentropy", x, [0, 1, 0, 1, 0, 1], [6, 1], { scale: 1 });
    expectClose(wrong.losses, x.map(Math.abs), { atol: 0, rtol: 1e-7 });
    expectClose(wrong.dx!, [1, -1, 1, -1, 1, -1], { atol: 1e-8, rtol: 0 });
    const right = fused(bench(), "sigmoidCrossentropy", x, [1, 0, 1, 0, 1, 0], [6, 1], { scale: 1 });
    const small = Math.log1p(Math.exp(-20));
    expectClose(right.losses, [small, small, 0, 0, 0, 0], { atol: 1e-37, rtol: 1e-6 });
    expectClose(right.dx!, [0, 0, 0, 0, 0, 0], { atol: 3e-9, rtol: 0 });
  });

  test("meanLoss", () => {
    for (const rows of LENGTHS) {
      const b = bench();
      const losses = uniform(rows, rows, 0, 5);
      const out = b.output(1);
      b.run("meanLoss", { out, losses: b.input(losses), rows }, 1);
      const expected = losses.reduce((s, v) => s + v, 0) / rows;
      expect(b.read(out)[0]).toBe(Math.fround(expected));
    }
  });
});

describeBuilds("oneHot and countCorrect", (bench) => {
  test.each([1, 2, 3, 4, 5, 10, 256])("oneHot, %i columns", (cols) => {
    for (const rows of [1, 2, 7]) {
      const b = bench();
      const labels = Array.from({ length: rows }, (_, r) => (r === 0 ? 255 : (r * 3) % cols));
      const t = b.output(rows * cols);
      b.run("oneHot", { t, labels: b.bytes(labels), rows, cols }, 1);
      const expected = new Float32Array(rows * cols);
      for (const [r, label] of labels.entries()) if (label < cols) expected[r * cols + label] = 1;
      expect(b.read(t)).toEqual(expected);
    }
  });

  function count(y: ArrayLike<number>, t: ArrayLike<number>, [rows, cols]: Shape): number {
    const b = bench();
    const out = b.output(1);
    b.run("countCorrect", { out, y: b.input(y), t: b.input(t), rows, cols }, 1);
    return b.readInts(out)[0]!;
  }

  test.each([2, 3, 4, 5, 10])("argmax of %i columns", (cols) => {
    const rows = 50;
    const [y, t] = [uniform(rows * cols, 1), targets(rows, cols)];
    const best = (a: Float32Array, r: number) => {
      const row = [...a.subarray(r * cols, (r + 1) * cols)];
      return row.indexOf(Math.max(...row));
    };
    const expected = Array.from({ length: rows }, (_, r) => best(y, r) === best(t, r)).filter(Boolean).length;
    expect(count(y, t, [rows, cols])).toBe(expected);
    expect(count(t, t, [rows, cols])).toBe(rows);
  });

  test("of equal values the first counts; a row with NaN is wrong", () => {
    expect(count([1, 1, 0], [0, 1, 0], [1, 3])).toBe(0);
    expect(count([1, 1, 0], [1, 0, 0], [1, 3])).toBe(1);
    for (const at of [0, 1, 2]) {
      const y = [0.2, 0.1, 0.1].map((v, j) => (j === at ? Number.NaN : v));
      expect(count(y, [1, 0, 0], [1, 3])).toBe(0);
    }
  });

  test("one column: the threshold 0.5 belongs to 0", () => {
    const nan = Number.NaN;
    expect(count([0.5, 0.51, 0.49, 0, 1, nan, nan], [0, 1, 1, 0, 1, 0, 1], [7, 1])).toBe(4);
  });
});
