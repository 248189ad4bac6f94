import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import { softmax } from "../support/reference/matrix.ts";
import { centralDifferences, dot, LENGTHS, uniform } from "../support/values.ts";

type Shape = readonly [rows: number, cols: number];

function forward(b: KernelBench, x: ArrayLike<number>, [rows, cols]: Shape, grain = rows): Float32Array {
  const y = b.output(rows * cols);
  b.run("softmaxForward", { y, x: b.input(x), rows, cols, grain }, tasksOf(rows, grain));
  return b.read(y);
}

function backward(
  b: KernelBench,
  dy: ArrayLike<number>,
  y: ArrayLike<number>,
  [rows, cols]: Shape,
  grain = rows,
): Float32Array {
  const dx = b.output(rows * cols);
  const args = { dx, dy: b.input(dy), y: b.input(y), rows, cols, grain };
  b.run("softmaxBackward", args, tasksOf(rows, grain));
  return b.read(dx);
}

describeBuilds("softmax", (bench) => {
  describe.each([1, 2, 3, 5])("%i rows", (rows) => {
    test("values, for every number of columns and every grain", () => {
      for (const cols of LENGTHS) {
        const x = uniform(rows * cols, cols, -8, 8);
        const expected = softmax(x, rows, cols);
        for (const grain of [1, 2, rows])
          expectClose(forward(bench(), x, [rows, cols], grain), expected, {
            atol: 1e-12,
            rtol: 1e-6,
            shape: [rows, cols],
          });
      }
    });

    test("gradient by central differences", () => {
      for (const cols of LENGTHS) {
        const x = uniform(rows * cols, cols, -2, 2);
        const dy = uniform(rows * cols, cols + 1);
        const y = softmax(x, rows, cols);
        const expected = centralDifferences((v) => dot(softmax(v, rows, cols), dy), x);
        for (const grain of [1, 2, rows])
          expectClose(backward(bench(), dy, y, [rows, cols], grain), expected, {
            atol: 2e-7,
            rtol: 1e-6,
            shape: [rows, cols],
          });
      }
    });
  });

  test("large logits do not overflow", () => {
    const x = [1000, 999, -1000, 88, 3e38, 3e38, -3e38, 0];
    expectClose(forward(bench(), x, [2, 4]), softmax(x.map(Math.fround), 2, 4), { atol: 1e-12, rtol: 1e-6 });
  });

  test("NaN stays in its row", () => {
    const x = uniform(3 * 5, 1);
    x[7] = Number.NaN;
    const y = forward(bench(), x, [3, 5]);
    expect([...y].map(Number.isNaN)).toEqual(Array.from({ length: 15 }, (_, i) => i >= 5 && i < 10));
  });

  test("in place", () => {
    const [x, dy] = [uniform(3 * 11, 1), uniform(3 * 11, 2)];
    const y = forward(bench(), x, [3, 11]);
    const dx = backward(bench(), dy, y, [3, 11]);
    const b = bench();
    const [yx, gradient] = [b.variable(x), b.variable(dy)];
    b.run("softmaxForward", { y: yx, x: yx, rows: 3, cols: 11, grain: 2 }, 2);
    expect(b.read(yx)).toEqual(y);
    b.run("softmaxBackward", { dx: gradient, dy: gradient, y: yx, rows: 3, cols: 11, grain: 2 }, 2);
    expect(b.read(gradient)).toEqual(dx);
  });
});
