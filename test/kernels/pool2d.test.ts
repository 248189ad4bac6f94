import { describe, expect, test } from "vitest";
import { describeBuilds, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { averagePool2d, maxPool2d, type Window, windowOf } from "../support/reference/conv.ts";
import {
  averagePoolForward,
  inputShape,
  inputSize,
  maxPoolForward,
  outputShape,
  outputSize,
  poolBackward,
} from "../support/spatial-bench.ts";
import { centralDifferences, distinct, dot, uniform } from "../support/values.ts";

const GEOMETRIES: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["2x2", { H: 6, W: 4, KH: 2, strideH: 2 }],
  ["2x2, a row and a column left over", { H: 5, W: 7, KH: 2, strideH: 2 }],
  ["2x2 same, odd image", { H: 5, W: 7, KH: 2, strideH: 2, padding: "same" }],
  ["2x2, stride 1", { H: 4, W: 5, KH: 2, strideH: 1 }],
  ["2x2, stride 3: cells between windows", { H: 8, W: 9, KH: 2, strideH: 3 }],
  ["3x3, stride 2, overlapping", { H: 7, W: 9, KH: 3, strideH: 2 }],
  ["3x3 same, stride 2", { H: 6, W: 8, KH: 3, strideH: 2, padding: "same" }],
  ["3x3 same, stride 1", { H: 5, W: 4, KH: 3, strideH: 1, padding: "same" }],
  ["3x3, stride 3", { H: 7, W: 10, KH: 3, strideH: 3 }],
  ["1x2, stride 1 by 2", { H: 4, W: 5, KH: 1, KW: 2, strideH: 1, strideW: 2 }],
  ["4x1 same, stride 4 by 1", { H: 7, W: 3, KH: 4, KW: 1, strideH: 4, strideW: 1, padding: "same" }],
  [
    "1x4 same, clipped window, stride 4",
    { H: 2, W: 10, KH: 1, KW: 4, strideH: 1, strideW: 4, padding: "same" },
  ],
  ["1x1, stride 2", { H: 5, W: 6, KH: 1, strideH: 2 }],
  ["the whole image", { H: 4, W: 3, KH: 4, KW: 3, strideH: 1 }],
  ["5x5 same, larger than the image", { H: 3, W: 2, KH: 5, strideH: 2, padding: "same" }],
];
const CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17] as const;

/** What argmax must hold for the winners of the reference: byte offset in the image of the cell's channel 0. */
function offsetsOf(winner: Int32Array, { H, W, C }: Window): Int32Array {
  return winner.map((flat) => Math.floor((flat % (H * W * C)) / C) * C * 4);
}

describeBuilds("pool2d", (bench) => {
  describe.each(GEOMETRIES)("%s", (_, options) => {
    test.each(CHANNELS)("maximum, %i channels", (C) => {
      const g = windowOf({ batch: 3, ...options, C });
      const x = distinct(inputSize(g), C);
      const reference = maxPool2d(x, g);
      for (const grain of [1, 2]) {
        const { y, argmax } = maxPoolForward(bench(), x, g, { grain });
        expectClose(y, reference.y, { atol: 0, rtol: 0, shape: outputShape(g) });
        expectSame(argmax, offsetsOf(reference.winner, g));
        expectSame(maxPoolForward(bench(), x, g, { training: false, grain }).y, y);
        const dy = uniform(outputSize(g), 7);
        const expected = new Float64Array(inputSize(g));
        for (const [i, p] of reference.winner.entries()) expected[p]! += dy[i]!;
        const dx = poolBackward(bench(), dy, g, { argmax, grain });
        expectClose(dx, expected, { atol: 1e-6, rtol: 1e-6, shape: inputShape(g) });
      }
    });

    test.each(CHANNELS)("average, %i channels", (C) => {
      const g = windowOf({ batch: 3, ...options, C });
      const x = uniform(inputSize(g), C);
      for (const grain of [1, 2]) {
        const y = averagePoolForward(bench(), x, g, { grain });
        expectClose(y, averagePool2d(x, g), { atol: 5e-7, rtol: 1e-6, shape: outputShape(g) });
      }
    });

    test("gradients by central differences", () => {
      const g = windowOf({ batch: 2, ...options, C: 3 });
      const x = distinct(inputSize(g), 4);
      const dy = uniform(outputSize(g), 5);
      const { argmax } = maxPoolForward(bench(), x, g);
      const ofMaximum = centralDifferences((v) => dot(maxPool2d(v, g).y, dy), x, 1e-3);
      const closeness = { atol: 1e-6, rtol: 1e-6, shape: inputShape(g) };
      expectClose(poolBackward(bench(), dy, g, { argmax }), ofMaximum, closeness);
      const ofAverage = centralDifferences((v) => dot(averagePool2d(v, g), dy), x, 1e-3);
      for (const grain of [1, 2]) {
        const dx = poolBackward(bench(), dy, g, { grain });
        expectClose(dx, ofAverage, closeness);
      }
    });
  });

  test("padding never wins: all values far below 0", () => {
    const g = windowOf({ H: 5, KH: 3, strideH: 2, padding: "same", C: 5 });
    const x = uniform(inputSize(g), 1, -1e30, -1e29);
    expectClose(maxPoolForward(bench(), x, g).y, maxPool2d(x, g).y, { atol: 0, rtol: 0 });
  });

  test("minus infinity is a value like any other", () => {
    const g = windowOf({ H: 2, KH: 2, C: 5 });
    const x = new Float32Array(inputSize(g)).fill(Number.NEGATIVE_INFINITY);
    const { y, argmax } = maxPoolForward(bench(), x, g);
    expect(y).toEqual(new Float32Array(5).fill(Number.NEGATIVE_INFINITY));
    expect(argmax).toEqual(new Int32Array(5));
  });

  test.each([2, 3])("of equal cells the first wins, %i x %i window", (KH) => {
    const g = windowOf({ H: 6, KH, strideH: KH, C: 5 });
    const x = uniform(inputSize(g), 1).map((v) => Math.round(v)); // -1, 0, 1: many ties
    expect(maxPoolForward(bench(), x, g).argmax).toEqual(offsetsOf(maxPool2d(x, g).winner, g));
  });

  test.each([2, 3])("NaN anywhere in a window of %i wins, and nowhere else", (KH) => {
    const g = windowOf({ H: 2 * KH, W: 2 * KH, KH, strideH: KH, C: 5 });
    for (let cell = 0; cell < KH * KH; cell++) {
      const x = uniform(inputSize(g), cell);
      const pixel = Math.floor(cell / KH) * g.W + (cell % KH);
      x[pixel * g.C + 2] = Number.NaN;
      const { y, argmax } = maxPoolForward(bench(), x, g);
      expect(y).toEqual(Float32Array.from(maxPool2d(x, g).y));
      expect(Number.isNaN(y[2])).toBe(true);
      const row = Math.floor(argmax[2]! / (4 * g.C * g.W));
      const column = (argmax[2]! / (4 * g.C)) % g.W;
      expect(row < KH && column < KH).toBe(true);
    }
  });
});

describeBuilds("globalAveragePool2d", (bench) => {
  test.each([1, 2, 3, 4, 5, 15, 16, 17, 20, 33])("%i channels", (C) => {
    for (const positions of [1, 2, 5, 49, 300]) {
      for (const grain of [1, 2, 3]) {
        const b = bench();
        const batch = 3;
        const x = uniform(batch * positions * C, C);
        const dy = uniform(batch * C, 3);
        const y = b.output(batch * C);
        const dx = b.output(x.length);
        const args = { batch, positions, C, grain };
        const tasks = tasksOf(batch, grain);
        b.run("globalAveragePool2dForward", { ...args, y, x: b.input(x) }, tasks);
        b.run("globalAveragePool2dBackward", { ...args, y: b.input(dy), x: dx }, tasks);
        const g = windowOf({ batch, H: positions, W: 1, KH: positions, KW: 1, C });
        expectClose(b.read(y), averagePool2d(x, g), { atol: 3e-7, rtol: 1e-6, shape: [batch, C] });
        const expected = x.map((_, i) => dy[Math.floor(i / (positions * C)) * C + (i % C)]! / positions);
        expectClose(b.read(dx), expected, { atol: 0, rtol: 2e-7, shape: [batch, positions, C] });
      }
    }
  });
});
