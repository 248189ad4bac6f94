import { expect } from "vitest";
import { type KernelBench, tasksOf } from "./bench.ts";
import type { Window } from "./reference/conv.ts";
import { biasOf, type ConvProblem, convArgs, inputSize, outputSize, pack, pad } from "./spatial-bench.ts";
import { mapBytes, type TileSize, winogradFilter } from "./winograd-bench.ts";

// Runs of fused convolution, bias, relu and max pooling. Scratch is what the contracts in assembly/convpool.ts and convpool-backward.ts state.

/** Output channels of one task of the filter gradient. */
const CHANNELS = 8;

export interface FusedProblem extends ConvProblem {
  /** The pool's windows over the convolution's output. */
  readonly pool: Window;
  readonly bias: Float32Array | undefined;
  readonly relu: boolean;
  /** Outputs in a row of Winograd's tiles, or 0 for direct products. */
  readonly m: 0 | TileSize;
}

export function fusedArgs({ g, OC, pool, relu, m, ...problem }: FusedProblem, block: number, group = 1) {
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
    filter: 0,
  };
}

const patchBytes = ({ KH, KW, C }: Window) => 4 * KH * 4 * Math.ceil((KW * C) / 4);

function winogradScratch({ g }: FusedProblem, m: TileSize, rows: number, images: number): number {
  const [down, across, points] = [tasksOf(rows, m), tasksOf(g.OW, m), (m + 2) ** 2];
  const tiles = points * (4 * images * down * across * (g.C + 16) + 128) + points * (4 * g.C + 32);
  return 64 * m * m * down * across + mapBytes(m, images, down, across) + tiles;
}

function directScratch({ g }: FusedProblem, rows: number): number {
  return 64 * rows * g.OW + (g.KW * g.C < 16 ? 4 * rows * g.OW * g.KH * g.KW * g.C : 0);
}

export function fusedForward(
  b: KernelBench,
  problem: FusedProblem,
  { block = 2, training = true, images = 1 } = {},
) {
  const { g, OC, pool, bias, m } = problem;
  const y = b.output(outputSize(pool));
  const argmax = training ? b.output(outputSize(pool)) : 0;
  const x = pad(b, problem);
  const w = m ? winogradFilter(b, m, problem) : pack(b, problem, "packFilter");
  const rows = Math.min(g.OH, (block - 1) * pool.strideH + pool.KH);
  const filter = b.input(problem.w);
  const args = { ...fusedArgs(problem, block), images, y, argmax, x, w, filter, bias: biasOf(b, bias) };
  const limits = 64 * tasksOf(OC, 16);
  const scratch = limits + (m ? winogradScratch(problem, m, rows, images) : directScratch(problem, rows));
  b.run("convPoolForward", args, tasksOf(g.batch, images), scratch);
  expect(OC).toBe(pool.C);
  return { y: b.read(y), argmax: typeof argmax === "number" ? new Int32Array() : b.readInts(argmax) };
}

export function fusedBackwardFilter(
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

export function fusedBackwardInput(
  b: KernelBench,
  problem: FusedProblem,
  dy: Float32Array,
  argmax: Int32Array,
) {
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
