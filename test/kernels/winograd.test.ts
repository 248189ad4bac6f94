import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, windowOf } from "../support/reference/conv.ts";
import {
  biasOf,
  type ConvProblem,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
  PANEL,
} from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";

/** Outputs in a row of a tile, and the error that a tile's transforms add to a sum of C channels, next to the outputs' size. */
const TILE_SIZES = [2, 4, 5] as const;
type TileSize = (typeof TILE_SIZES)[number];
const ERROR = { 2: 1, 4: 4, 5: 9 };

const planeBytes = (n: number, C: number) => 4 * n * C + 64;

/** What the contract in assembly/winograd.ts states. */
function scratchOf(m: TileSize, n: number, C: number): number {
  const points = (m + 2) ** 2;
  return points * (4 * n * (C + PANEL) + 128) + points * (4 * C + 32);
}

interface ForwardOptions {
  bias?: Float32Array;
  relu?: boolean;
  /** Rows of tiles and images at once. */
  block?: number;
  images?: number;
  /** The filter is that of the layer whose input gradient this is. */
  rotate?: boolean;
}

function forward(
  b: KernelBench,
  m: TileSize,
  problem: ConvProblem,
  { bias, relu = false, block = 1, images = 1, rotate = false }: ForwardOptions = {},
): Float32Array {
  const { g, OC, w, x } = problem;
  const panels = tasksOf(OC, PANEL);
  const u = b.variable(new Float32Array(panels * (m + 2) ** 2 * (16 * g.C + 16)));
  const filter = { u, w: b.input(w), C: g.C, OC, rotate: Number(rotate), m };
  b.run("winogradFilter", filter, panels, 64 * (9 + 3 * (m + 2)));
  const y = b.output(outputSize(g, OC));
  const { batch, H, W, C, OH, OW, top, left } = g;
  const sizes = { batch, H, W, C, OH, OW, OC, top, left };
  const args = { ...sizes, y, x: b.input(x), u, bias: biasOf(b, bias), relu: Number(relu), m, images, block };
  const tiles = Math.min(block, tasksOf(OH, m)) * tasksOf(OW, m) * images;
  b.run("winogradForward", args, tasksOf(batch, images), scratchOf(m, tiles, C));
  return b.read(y);
}

/** The filter's gradient, `images` images at a time. */
function filterGradient(b: KernelBench, m: TileSize, problem: ConvProblem, dy: Float32Array, images: number) {
  const { g, OC, x } = problem;
  const { batch, H, W, C, OH, OW, top, left } = g;
  const [rows, columns, points] = [tasksOf(OH, m), tasksOf(OW, m), (m + 2) ** 2];
  const du = b.variable(new Float32Array(points * C * OC));
  const [image, gradient] = [b.input(x), b.input(dy)];
  for (let first = 0; first < batch; first += images) {
    const count = Math.min(images, batch - first);
    const n = count * rows * columns;
    const [v, d] = [C, OC].map((channels) =>
      b.variable(new Float32Array((points * planeBytes(n, channels)) / 4)),
    );
    const grid = { first, batch: count, top, left, rows, columns, m };
    const run = (args: Parameters<typeof b.run<"winogradTiles">>[1], channels: number) =>
      b.run("winogradTiles", args, count, points * (4 * channels + 32));
    run({ ...grid, v: v!, x: image, H, W, C, gradient: 0 }, C);
    run({ ...grid, v: d!, x: gradient, H: OH, W: OW, C: OC, gradient: 1 }, OC);
    const strides = { cNext: 4 * C * OC, aNext: planeBytes(n, C), bNext: planeBytes(n, OC) };
    const product = {
      c: du,
      a: v!,
      b: d!,
      bias: 0,
      M: C,
      N: OC,
      K: n,
      transA: 1,
      transB: 0,
      beta: 1,
      relu: 0,
    };
    const tasks = points * tasksOf(C, 2) * tasksOf(OC, PANEL);
    b.run("gemm", { ...product, ...strides, rows: 2, cols: PANEL }, tasks, 4 * 256 * (PANEL + 3));
  }
  const dw = b.output(9 * C * OC);
  b.run("winogradTaps", { dw, du, C, OC, m }, C, 48 * (m + 2));
  return b.read(dw);
}

function problemOf(options: Parameters<typeof windowOf>[0], OC: number): ConvProblem {
  const g = windowOf({ ...options, KH: 3 });
  return { g, OC, x: uniform(inputSize(g), 1), w: uniform(9 * g.C * OC, 2) };
}

/** The transforms add roundings to those of the sum; x and w are of size 1. */
const closeness = (m: TileSize, C: number) => ({ atol: ERROR[m] * 1.2e-6 * Math.sqrt(9 * C), rtol: 4e-6 });

describeBuilds("winograd", (bench) => {
  describe.each(TILE_SIZES)("tiles of %i outputs in a row", (m) => {
    test("every image size from 3 to 12 and every number of channels", () => {
      for (let size = 3; size <= 12; size++) {
        for (const padding of ["valid", "same"] as const) {
          const problem = problemOf({ batch: 3, H: size, W: 15 - size, C: size - 2, padding }, 2 * size - 3);
          const { g, OC, x, w } = problem;
          const bias = uniform(OC, 3);
          const sums = conv2d(x, w, g, OC).map((v, i) => v + bias[i % OC]!);
          const near = { ...closeness(m, g.C), shape: outputShape(g, OC) };
          for (const [block, images] of [
            [1, 1],
            [2, 2],
            [6, 3],
          ] as const) {
            expectClose(forward(bench(), m, problem, { bias, block, images }), sums, near);
            const open = sums.map((v) => Math.max(v, 0));
            expectClose(forward(bench(), m, problem, { bias, block, images, relu: true }), open, near);
          }
        }
      }
    });

    test.each([
      [16, 16],
      [17, 32],
      [32, 33],
      [1, 48],
    ])("%i -> %i channels", (C, OC) => {
      const problem = problemOf({ batch: 2, H: 9, W: 10, C }, OC);
      const expected = conv2d(problem.x, problem.w, problem.g, OC);
      expectClose(forward(bench(), m, problem), expected, {
        ...closeness(m, C),
        shape: outputShape(problem.g, OC),
      });
    });

    test("NaN and infinity in an image stay in its own outputs", () => {
      const problem = problemOf({ batch: 2, H: 7, W: 7, C: 3 }, 4);
      const x = Float32Array.from(problem.x);
      x[10] = Number.NaN;
      const y = forward(bench(), m, { ...problem, x }, { images: 2 });
      const second = y.length / 2;
      expect(y.subarray(0, second).some(Number.isNaN)).toBe(true);
      expectSame(y.subarray(second), forward(bench(), m, problem, { images: 2 }).subarray(second));
    });

    test.each([
      [3, 5],
      [16, 17],
      [4, 16],
    ])("the input gradient, with the filter turned around: %i -> %i channels", (C, OC) => {
      for (const [H, W, padding] of [
        [6, 7, "valid"],
        [5, 8, "same"],
      ] as const) {
        const g = windowOf({ batch: 2, H, W, C, KH: 3, padding });
        const [x, w, dy] = [uniform(inputSize(g), 1), uniform(9 * C * OC, 2), uniform(outputSize(g, OC), 3)];
        const { dx } = conv2dGradients(x, w, dy, g, OC);
        const border = { top: 2 - g.top, left: 2 - g.left };
        const turned = { ...g, H: g.OH, W: g.OW, C: OC, OH: H, OW: W, ...border };
        const actual = forward(bench(), m, { g: turned, OC: C, x: dy, w }, { rotate: true, block: 2 });
        expectClose(actual, dx, { ...closeness(m, OC), shape: inputShape(g) });
      }
    });

    test.each([
      [1, 3],
      [4, 17],
      [19, 8],
    ])("the filter's gradient: %i -> %i channels", (C, OC) => {
      for (const [H, W, padding] of [
        [6, 7, "valid"],
        [5, 11, "same"],
      ] as const) {
        const problem = problemOf({ batch: 3, H, W, C, padding }, OC);
        const { g, x, w } = problem;
        const dy = uniform(outputSize(g, OC), 3);
        const { dw } = conv2dGradients(x, w, dy, g, OC);
        const near = {
          atol: ERROR[m] * 1.2e-6 * Math.sqrt(3 * g.OH * g.OW),
          rtol: 4e-6,
          shape: [3, 3, C, OC],
        };
        for (const images of [1, 2, 3])
          expectClose(filterGradient(bench(), m, problem, dy, images), dw, near);
      }
    });

    test("the result does not depend on the rows and images at once", () => {
      const problem = problemOf({ batch: 3, H: 13, W: 9, C: 5 }, 19);
      const whole = forward(bench(), m, problem, { block: 6, images: 3 });
      for (const block of [1, 2, 3]) expectSame(forward(bench(), m, problem, { block, images: 2 }), whole);
    });
  });

  // What tells whether a tile size may be used: errors next to direct summation's, as assembly/winograd-lines.ts states.
  test("errors against sums in double precision are as stated", () => {
    const problem = problemOf({ batch: 4, H: 12, W: 12, C: 32 }, 16);
    const exact = conv2d(problem.x, problem.w, problem.g, 16);
    const size = Math.sqrt(exact.reduce((sum, v) => sum + v * v, 0) / exact.length);
    for (const m of TILE_SIZES) {
      const y = forward(bench(), m, problem);
      const error = Math.sqrt(y.reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0) / y.length) / size;
      expect(error, `m = ${m}`).toBeLessThan(ERROR[m] * 3e-7);
      expect(error, `m = ${m}`).toBeGreaterThan(1e-8);
    }
  });
});
