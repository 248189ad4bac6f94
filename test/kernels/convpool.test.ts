import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import {
  type FusedProblem,
  fusedBackwardFilter,
  fusedBackwardInput,
  fusedForward,
} from "../support/fused-bench.ts";
import { conv2d, conv2dGradients, maxPool2d, windowOf } from "../support/reference/conv.ts";
import { inputShape, inputSize, outputShape, outputSize } from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";

/** The same from plain references: values, places of the winners, and gradients for dy. */
function reference({ g, OC, x, w, pool, bias, relu }: FusedProblem, dy: Float32Array) {
  const conv = conv2d(x, w, g, OC).map((v, i) => v + (bias?.[i % OC] ?? 0));
  const { y, winner } = maxPool2d(conv, pool);
  const open = y.map((v) => (relu && !(v > 0) ? 0 : 1));
  const dconv = new Float64Array(conv.length);
  const argmax = winner.map((cell, i) => {
    if (!open[i]) return -1;
    dconv[cell]! += dy[i]!;
    const [row, column] = [Math.floor(cell / (OC * pool.W)) % pool.H, Math.floor(cell / OC) % pool.W];
    const [j, k] = [Math.floor(i / (OC * pool.OW)) % pool.OH, Math.floor(i / OC) % pool.OW];
    return (row - j * pool.strideH + pool.top) * pool.KW + column - k * pool.strideW + pool.left;
  });
  const db = new Float64Array(OC);
  for (const [i, v] of dconv.entries()) db[i % OC]! += v;
  return { y: y.map((v, i) => v * open[i]!), argmax, db, ...conv2dGradients(x, w, dconv, g, OC) };
}

function check(b: () => KernelBench, problem: FusedProblem) {
  const { g, OC, pool } = problem;
  const dy = uniform(outputSize(pool), 7).map((v, i) => (i % 5 === 0 ? 0 : v)); // lists skip zeros
  const expected = reference(problem, dy);
  // Larger tiles round more: see winograd.test.ts.
  const closeness = problem.m
    ? { atol: { 2: 1, 4: 4, 5: 9 }[problem.m] * 1.2e-6 * Math.sqrt(9 * g.C), rtol: 4e-6 }
    : { atol: 4e-6 + 3e-8 * g.KH * g.KW * g.C, rtol: 2e-6 };
  for (const block of [1, 2, pool.OH]) {
    const { y, argmax } = fusedForward(b(), problem, { block });
    expectClose(y, expected.y, { ...closeness, shape: outputShape(pool) });
    expectSame(argmax, expected.argmax);
    expectSame(fusedForward(b(), problem, { block, training: false }).y, y);
    if (problem.m) expectSame(fusedForward(b(), problem, { block, images: 2 }).y, y);
  }
  for (const group of [1, 2, g.batch]) {
    const { dw, db } = fusedBackwardFilter(b(), problem, dy, expected.argmax, group);
    const sums = { atol: 1e-6 + 1e-7 * g.batch * pool.OH * pool.OW, rtol: 2e-6 };
    expectClose(dw, expected.dw, { ...sums, shape: [g.KH, g.KW, g.C, OC] });
    if (problem.bias) expectClose(db!, expected.db, sums);
  }
  const dx = fusedBackwardInput(b(), problem, dy, expected.argmax);
  expectClose(dx, expected.dx, { atol: 1e-6 + 1e-7 * OC, rtol: 2e-6, shape: inputShape(g) });
}

function problemOf(
  conv: Parameters<typeof windowOf>[0],
  OC: number,
  pool: Parameters<typeof windowOf>[0],
  options: Partial<Pick<FusedProblem, "relu" | "m">> & { bias?: boolean } = {},
): FusedProblem {
  const g = windowOf(conv);
  const { relu = true, m = 0, bias = true } = options;
  return {
    g,
    OC,
    x: uniform(inputSize(g), 1),
    w: uniform(g.KH * g.KW * g.C * OC, 2),
    bias: bias ? uniform(OC, 3) : undefined,
    pool: windowOf({ ...pool, batch: g.batch, H: g.OH, W: g.OW, C: OC }),
    relu,
    m,
  };
}

const POOLS: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["2x2 pool", { KH: 2, strideH: 2 }],
  ["2x2 pool same", { KH: 2, strideH: 2, padding: "same" }],
  ["3x3 pool, stride 2", { KH: 3, strideH: 2 }],
  ["3x3 pool same, stride 2", { KH: 3, strideH: 2, padding: "same" }],
  ["2x3 pool, stride 3 by 2", { KH: 2, KW: 3, strideH: 3, strideW: 2 }],
];
const CONVOLUTIONS: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["3x3", { H: 9, W: 8, KH: 3 }],
  ["3x3 same", { H: 7, W: 7, KH: 3, padding: "same" }],
  ["1x1", { H: 6, W: 7, KH: 1 }],
  ["5x2 same, stride 1 by 2", { H: 7, W: 13, KH: 5, KW: 2, strideH: 1, strideW: 2, padding: "same" }],
];
const CHANNELS_IN_OUT = [
  [1, 4],
  [1, 32],
  [2, 7],
  [3, 8],
  [5, 17],
  [16, 9],
  [8, 20],
  [7, 12],
] as const;

/** Every third pair of channel counts, another third for each case. */
const dealt = (i: number) => CHANNELS_IN_OUT.filter((_, k) => (k + i) % 3 === 0);

describeBuilds("convPool", (bench) => {
  describe.each(CONVOLUTIONS.map(([name, conv], i) => [name, conv, i] as const))("%s", (_, conv, i) => {
    test.each(POOLS.map(([name, pool], k) => [name, pool, k] as const))("%s", (_, pool, k) => {
      for (const [C, OC] of dealt(i + k)) check(bench, problemOf({ batch: 3, ...conv, C }, OC, pool));
      check(bench, problemOf({ batch: 2, ...conv, C: 3 }, 5, pool, { relu: false }));
      check(bench, problemOf({ batch: 1, ...conv, C: 4 }, 6, pool, { bias: false }));
    });
  });

  describe.each([2, 4, 5] as const)("with Winograd's tiles of %i outputs in a row", (m) => {
    test.each(POOLS.map(([name, pool], k) => [name, pool, k] as const))("%s", (_, pool, k) => {
      const images = [
        { batch: 2, H: 9, W: 8 },
        { batch: 3, H: 6, W: 7, padding: "same" as const },
      ];
      for (const [i, image] of images.entries()) {
        for (const [C, OC] of [...dealt(i + k), [17, 33] as const])
          check(bench, problemOf({ ...image, KH: 3, C }, OC, pool, { m }));
      }
    });
  });

  test("patch rows of every length from 1 to 30", () => {
    for (let C = 1; C <= 30; C++) {
      const conv = { batch: 1, H: 5, W: 4, KH: 2, KW: 1, C };
      check(bench, problemOf(conv, (C % 9) + 1, { KH: 2, strideH: 2 }));
    }
  });

  test("relu closed everywhere: all gradients are zero", () => {
    const problem = problemOf({ batch: 2, H: 6, W: 6, C: 3, KH: 3 }, 8, { KH: 2, strideH: 2 });
    const closed = { ...problem, bias: new Float32Array(8).fill(-1000) };
    const { y, argmax } = fusedForward(bench(), closed);
    expect(y).toEqual(new Float32Array(y.length));
    expect(argmax).toEqual(new Int32Array(y.length).fill(-1));
    const { dw, db } = fusedBackwardFilter(bench(), closed, uniform(y.length, 1), argmax, 1);
    expect([...dw, ...db!].every((v) => v === 0)).toBe(true);
    expect(fusedBackwardInput(bench(), closed, uniform(y.length, 1), argmax).every((v) => v === 0)).toBe(
      true,
    );
  });

  test("NaN in the image reaches the windows over it, and no others", () => {
    for (const [C, OC, m] of [
      [1, 5, 0],
      [4, 16, 0],
      [4, 16, 2],
    ] as const) {
      const problem = problemOf({ batch: 2, H: 8, W: 8, C, KH: 3 }, OC, { KH: 2, strideH: 2 }, { m });
      const x = Float32Array.from(problem.x);
      x[0] = Number.NaN; // pixel (0, 0) of image 0: convolution output (0, 0), window (0, 0)
      const { y } = fusedForward(bench(), { ...problem, x });
      expect([...y].map(Number.isNaN)).toEqual(Array.from(y, (_, i) => i < OC));
    }
  });

  test.each([
    [1, 5, 0],
    [3, 8, 0],
    [4, 16, 0],
    [4, 16, 2],
    [9, 17, 5],
  ] as const)(
    "stripes and plain images, %i to %i channels, tiles of %i: the first of equal outputs wins",
    (C, OC, m) => {
      const problem = problemOf({ batch: 3, H: 8, W: 8, C, KH: 3 }, OC, { KH: 2, strideH: 2 }, { m });
      const colour = uniform(8 * C, 4);
      const x = Float32Array.from(problem.x, (_, i) => {
        const [c, column, row] = [i % C, Math.floor(i / C) % 8, Math.floor(i / (8 * C)) % 8];
        return colour[c + C * [row, column, 0][Math.floor(i / (64 * C))]!]!;
      });
      check(bench, { ...problem, x });
    },
  );

  test.each([
    [1, 5, 0],
    [4, 16, 0],
    [4, 16, 2],
    [4, 16, 4],
    [4, 16, 5],
  ] as const)("outputs and gradients below 2^-63 are 0, %i to %i channels, tiles of %i", (C, OC, m) => {
    const FAINT = 2 ** -63;
    const pools = [
      { KH: 2, strideH: 2 },
      { KH: 3, strideH: 2 },
    ];
    for (const pool of pools) {
      const problem = problemOf({ batch: 2, H: 8, W: 9, C, KH: 3 }, OC, pool, { m });
      const faint = {
        ...problem,
        bias: undefined,
        w: Float32Array.from(problem.w, (v) => (v * FAINT) / (40 * C)),
      };
      const { y, argmax } = fusedForward(bench(), faint);
      expect(y).toEqual(new Float32Array(y.length));
      expect(fusedForward(bench(), faint, { training: false }).y).toEqual(y);
      expect(fusedForward(bench(), { ...faint, relu: false }).y.some((v) => v !== 0)).toBe(true);
      for (const [size, carried] of [
        [FAINT / 2, false],
        [FAINT, true],
        [Number.NaN, true],
      ] as const) {
        const dy = new Float32Array(y.length).fill(size);
        const open = argmax.map(() => 0);
        const { dw, db } = fusedBackwardFilter(bench(), problem, dy, open, 1);
        const dx = fusedBackwardInput(bench(), problem, dy, open);
        expect(dw.some((v) => v !== 0)).toBe(carried);
        expect(db!.every((v) => v !== 0)).toBe(carried);
        expect(dx.some((v) => v !== 0)).toBe(carried);
      }
    }
  });
});
