import { describe, expect, test } from "vitest";
import { describeBuilds } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, windowOf } from "../support/reference/conv.ts";
import {
  type ConvProblem,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
} from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";
import {
  TILE_SIZES,
  type TileSize,
  winogradFilterGradient,
  winogradForward,
} from "../support/winograd-bench.ts";

/** The error that a tile's transforms add to a sum of C channels, next to the outputs' size. */
const ERROR = { 2: 1, 4: 4, 5: 9 };

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
            expectClose(winogradForward(bench(), m, problem, { bias, block, images }), sums, near);
            const open = sums.map((v) => Math.max(v, 0));
            expectClose(
              winogradForward(bench(), m, problem, { bias, block, images, relu: true }),
              open,
              near,
            );
          }
        }
      }
    });

    test("relu stores what is below 2^-63 as 0", () => {
      const problem = problemOf({ batch: 2, H: 9, W: 9, C: 4 }, 6);
      const faint = { ...problem, w: Float32Array.from(problem.w, (v) => v * 2 ** -70) };
      expect(winogradForward(bench(), m, faint, { relu: true }).every((v) => v === 0)).toBe(true);
      expect(winogradForward(bench(), m, faint, {}).some((v) => v !== 0)).toBe(true);
    });

    test.each([
      [16, 16],
      [17, 32],
      [32, 33],
      [1, 48],
    ])("%i -> %i channels", (C, OC) => {
      const problem = problemOf({ batch: 2, H: 9, W: 10, C }, OC);
      const expected = conv2d(problem.x, problem.w, problem.g, OC);
      expectClose(winogradForward(bench(), m, problem), expected, {
        ...closeness(m, C),
        shape: outputShape(problem.g, OC),
      });
    });

    test("NaN and infinity in an image stay in its own outputs", () => {
      const problem = problemOf({ batch: 2, H: 7, W: 7, C: 3 }, 4);
      const x = Float32Array.from(problem.x);
      x[10] = Number.NaN;
      const y = winogradForward(bench(), m, { ...problem, x }, { images: 2 });
      const second = y.length / 2;
      expect(y.subarray(0, second).some(Number.isNaN)).toBe(true);
      expectSame(y.subarray(second), winogradForward(bench(), m, problem, { images: 2 }).subarray(second));
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
        const actual = winogradForward(
          bench(),
          m,
          { g: turned, OC: C, x: dy, w },
          { rotate: true, block: 2 },
        );
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
          expectClose(winogradFilterGradient(bench(), m, problem, dy, images), dw, near);
      }
    });

    test("the result does not depend on the rows and images at once", () => {
      const problem = problemOf({ batch: 3, H: 13, W: 9, C: 5 }, 19);
      const whole = winogradForward(bench(), m, problem, { block: 6, images: 3 });
      for (const block of [1, 2, 3])
        expectSame(winogradForward(bench(), m, problem, { block, images: 2 }), whole);
    });
  });

  // What tells whether a tile size may be used: errors next to direct summation's, as assembly/winograd-lines.ts states.
  test("errors against sums in double precision are as stated", () => {
    const problem = problemOf({ batch: 4, H: 12, W: 12, C: 32 }, 16);
    const exact = conv2d(problem.x, problem.w, problem.g, 16);
    const size = Math.sqrt(exact.reduce((sum, v) => sum + v * v, 0) / exact.length);
    for (const m of TILE_SIZES) {
      const y = winogradForward(bench(), m, problem);
      const error = Math.sqrt(y.reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0) / y.length) / size;
      expect(error, `m = ${m}`).toBeLessThan(ERROR[m] * 3e-7);
      expect(error, `m = ${m}`).toBeGreaterThan(1e-8);
    }
  });
});
