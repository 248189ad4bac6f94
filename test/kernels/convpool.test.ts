import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, type Tensor, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, maxPool2d, type Window, windowOf } from "../support/reference/conv.ts";
import {
  biasOf,
  type ConvProblem,
  convArgs,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
  PANEL,
  pack,
  pad,
} from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";

// Fused convolution, bias, relu and max pooling. Scratch is what the contracts in assembly/convpool.ts state.

/** Output channels of one task of the filter gradient. */
const CHANNELS = 8;

interface FusedProblem extends ConvProblem {
  /** The pool's windows over the convolution's output. */
  readonly pool: Window;
  readonly bias: Float32Array | undefined;
  readonly relu: boolean;
  /** Outputs in a row of Winograd's tiles, or 0 for direct products. */
  readonly m: 0 | 2 | 4 | 5;
}

function fusedArgs({ g, OC, pool, relu, m, ...problem }: FusedProblem, block: number, group = 1) {
  const { rows: _, dilationH: __, dilationW: ___, ...conv } = convArgs({ g, OC, ...problem });
  return {
    ...conv,
    relu: Number(relu),
    PH: pool.OH,
    PW: pool.OW,
    poolH: pool.KH,
    poolW: pool.KW,
    poolStrideH: pool.strideH,
    poolStrideW: pool.strideW,
    poolTop: pool.top,
    poolLeft: pool.left,
    block,
    group,
    m,
    images: 1,
  };
}

const patchBytes = ({ KH, KW, C }: Window) => 4 * KH * 4 * Math.ceil((KW * C) / 4);

function winogradFilter(b: KernelBench, { g, OC, w, m }: FusedProblem): Tensor {
  const panels = tasksOf(OC, PANEL);
  const u = b.variable(new Float32Array(panels * (m + 2) ** 2 * (16 * g.C + 16)));
  const args = { u, w: b.input(w), C: g.C, OC, rotate: 0, m };
  b.run("winogradFilter", args, panels, 64 * (9 + 3 * (m + 2)));
  return u;
}

function forward(b: KernelBench, problem: FusedProblem, { block = 2, training = true, images = 1 } = {}) {
  const { g, OC, pool, bias, m } = problem;
  const y = b.output(outputSize(pool));
  const argmax = training ? b.output(outputSize(pool)) : 0;
  const x = pad(b, problem);
  const w = m ? winogradFilter(b, problem) : pack(b, problem, "packFilter");
  const rows = Math.min(g.OH, (block - 1) * pool.strideH + pool.KH);
  const [each, points] = m ? [tasksOf(rows, m) * tasksOf(g.OW, m), (m + 2) ** 2] : [0, 0];
  const tiles = points * (4 * images * each * (g.C + 16) + 128) + points * (4 * g.C + 32);
  const gathered = g.KW * g.C < 16 ? 4 * rows * g.OW * g.KH * g.KW * g.C : 0;
  const scratch = m ? 64 * m * m * each + tiles : 64 * rows * g.OW + gathered;
  const args = { ...fusedArgs(problem, block), images, y, argmax, x, w, bias: biasOf(b, bias) };
  b.run("convPoolForward", args, tasksOf(g.batch, images), scratch);
  expect(OC).toBe(pool.C);
  return { y: b.read(y), argmax: typeof argmax === "number" ? new Int32Array() : b.readInts(argmax) };
}

function backwardFilter(
  b: KernelBench,
  problem: FusedProblem,
  dy: Float32Array,
  argmax: Int32Array,
  group: number,
) {
  const { g, OC, pool, bias } = problem;
  const dw = b.output(g.KH * g.KW * g.C * OC);
  const db = bias ? b.output(OC) : 0;
  const at = b.input(new Float32Array(argmax.slice().buffer));
  const args = fusedArgs(problem, 1, group);
  const lists = CHANNELS * (8 * group * pool.OH * pool.OW + patchBytes(g));
  const scratch = lists + 4 * (pool.KH * pool.KW + 5);
  const tensors = { y: b.input(dy), argmax: at, x: pad(b, problem), w: dw, bias: db };
  b.run("convPoolBackwardFilter", { ...args, ...tensors }, tasksOf(OC, CHANNELS), scratch);
  return { dw: b.read(dw), db: typeof db === "number" ? undefined : b.read(db) };
}

function backwardInput(b: KernelBench, problem: FusedProblem, dy: Float32Array, argmax: Int32Array) {
  const { g, OC, pool, w } = problem;
  const args = fusedArgs(problem, 1);
  const packed = b.output((OC * patchBytes(g)) / 4);
  const unused = { x: 0, argmax: 0, bias: 0 };
  b.run("packFilterRows", { ...args, ...unused, y: packed, w: b.input(w) }, OC);
  const dx = b.output(inputSize(g));
  const at = b.input(new Float32Array(argmax.slice().buffer));
  const apart = args.H !== g.H || args.W !== g.W || (g.KW * g.C) % 4 !== 0;
  const places = pool.KH * pool.KW;
  const scratch =
    8 + places * 8 * OC + 4 * (places + 1) + 16 + (apart ? 4 * (args.H * args.W * g.C + 16) : 0);
  const tensors = { y: b.input(dy), argmax: at, x: dx, w: packed, bias: 0 };
  b.run("convPoolBackwardInput", { ...args, ...tensors }, g.batch, 4 * Math.ceil(scratch / 4));
  return b.read(dx);
}

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
    const { y, argmax } = forward(b(), problem, { block });
    expectClose(y, expected.y, { ...closeness, shape: outputShape(pool) });
    expectSame(argmax, expected.argmax);
    expectSame(forward(b(), problem, { block, training: false }).y, y);
    if (problem.m) expectSame(forward(b(), problem, { block, images: 2 }).y, y);
  }
  for (const group of [1, 2, g.batch]) {
    const { dw, db } = backwardFilter(b(), problem, dy, expected.argmax, group);
    const sums = { atol: 1e-6 + 1e-7 * g.batch * pool.OH * pool.OW, rtol: 2e-6 };
    expectClose(dw, expected.dw, { ...sums, shape: [g.KH, g.KW, g.C, OC] });
    if (problem.bias) expectClose(db!, expected.db, sums);
  }
  const dx = backwardInput(b(), problem, dy, expected.argmax);
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
    const { y, argmax } = forward(bench(), closed);
    expect(y).toEqual(new Float32Array(y.length));
    expect(argmax).toEqual(new Int32Array(y.length).fill(-1));
    const { dw, db } = backwardFilter(bench(), closed, uniform(y.length, 1), argmax, 1);
    expect([...dw, ...db!].every((v) => v === 0)).toBe(true);
    expect(backwardInput(bench(), closed, uniform(y.length, 1), argmax).every((v) => v === 0)).toBe(true);
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
      const { y } = forward(bench(), { ...problem, x });
      expect([...y].map(Number.isNaN)).toEqual(Array.from(y, (_, i) => i < OC));
    }
  });
});
