import { pointwiseScratch } from "../../src/engine/abi.ts";
import { type KernelBench, type Tensor, tasksOf } from "./bench.ts";
import type { Window } from "./reference/conv.ts";

// Runs of the convolution and pooling kernels on unpadded f32 data, with all the packing and padding they need.

/** Columns of a packed panel; biases are read in as many. */
export const PANEL = 16;

/** A convolution of x[batch, H, W, C] with w[KH, KW, C, OC]; g.H and g.W are the unpadded sizes. */
export interface ConvProblem {
  readonly g: Window;
  readonly OC: number;
  readonly x: ArrayLike<number>;
  readonly w: ArrayLike<number>;
}

export const inputSize = (g: Window) => g.batch * g.H * g.W * g.C;
export const inputShape = (g: Window) => [g.batch, g.H, g.W, g.C];
export const outputShape = (g: Window, channels = g.C) => [g.batch, g.OH, g.OW, channels];
export const outputSize = (g: Window, channels = g.C) => g.batch * g.OH * g.OW * channels;

/** Border cells: what the windows reach beyond the image, at least 0. */
function borders(g: Window) {
  const reachH = (g.OH - 1) * g.strideH + (g.KH - 1) * g.dilationH + 1;
  const reachW = (g.OW - 1) * g.strideW + (g.KW - 1) * g.dilationW + 1;
  return {
    top: g.top,
    left: g.left,
    bottom: Math.max(0, reachH - g.top - g.H),
    right: Math.max(0, reachW - g.left - g.W),
  };
}

/** The fields that all convolution kernels share; H and W are the padded sizes. */
export function convArgs({ g, OC }: ConvProblem) {
  const { top, left, bottom, right } = borders(g);
  const { batch, C, OH, OW, KH, KW, strideH, strideW, dilationH, dilationW } = g;
  const [H, W] = [g.H + top + bottom, g.W + left + right];
  const filter = { KH, KW, strideH, strideW, dilationH, dilationW };
  return {
    batch,
    H,
    W,
    C,
    OH,
    OW,
    OC,
    ...filter,
    top,
    left,
    cropH: g.H,
    cropW: g.W,
    relu: 0,
    rows: 8,
    cols: 0,
  };
}

/** x inside its border of zeros. */
export function pad(bench: KernelBench, { g, x }: ConvProblem): Tensor {
  const border = borders(g);
  const size = (g.H + border.top + border.bottom) * (g.W + border.left + border.right) * g.C;
  const out = bench.output(g.batch * size);
  bench.run("pad2d", { out, x: bench.input(x), H: g.H, W: g.W, C: g.C, ...border }, g.batch);
  return out;
}

/** The filter in panels of 16 columns. */
export function pack(
  bench: KernelBench,
  { g, OC, w }: ConvProblem,
  kernel: "packFilter" | "packFilterTransposed",
) {
  const [positions, C] = [g.KH * g.KW, g.C];
  const transposed = kernel === "packFilterTransposed";
  const panels = transposed ? positions * tasksOf(C, PANEL) : tasksOf(OC, PANEL);
  const out = bench.output(panels * (transposed ? OC : positions * C) * PANEL);
  bench.run(kernel, { out, w: bench.input(w), K: positions * C, OC, C }, panels);
  return out;
}

/** A bias, readable in whole panels, or the null pointer. */
export function biasOf(b: KernelBench, bias: ArrayLike<number> | undefined): Tensor | 0 {
  if (!bias) return 0;
  const padded = new Float32Array(tasksOf(bias.length, PANEL) * PANEL).fill(Number.NaN);
  padded.set(Array.from(bias));
  return b.input(padded);
}

export function convForward(
  b: KernelBench,
  problem: ConvProblem,
  { bias, relu = false }: { bias?: ArrayLike<number>; relu?: boolean } = {},
): Float32Array {
  const { g, OC } = problem;
  const y = b.output(outputSize(g, OC));
  const inputs = { x: pad(b, problem), w: pack(b, problem, "packFilter") };
  const args = { ...convArgs(problem), ...inputs, y, bias: biasOf(b, bias), relu: Number(relu) };
  b.run("conv2dForward", args, g.batch, 4 * g.OW * g.KH * g.KW * g.C);
  return b.read(y);
}

export function convBackwardFilter(
  b: KernelBench,
  problem: ConvProblem,
  dy: ArrayLike<number>,
  rows = 8,
): Float32Array {
  const K = problem.g.KH * problem.g.KW * problem.g.C;
  const dw = b.output(K * problem.OC);
  const args = { ...convArgs(problem), y: b.input(dy), x: pad(b, problem), w: dw, bias: 0, rows };
  b.run("conv2dBackwardFilter", args, tasksOf(K, rows));
  return b.read(dw);
}

/** By every way there is; they must agree to rounding, which the callers' comparisons with a reference show. */
export function convBackwardInput(
  b: KernelBench,
  problem: ConvProblem,
  dy: ArrayLike<number>,
  patches = false,
): Float32Array {
  const { g, OC, w } = problem;
  const args = convArgs(problem);
  const dx = b.output(inputSize(g));
  const K = g.KH * g.KW * g.C;
  const panels = tasksOf(K, PANEL);
  const crop = args.H !== g.H || args.W !== g.W;
  const padded = crop ? 4 * args.H * args.W * g.C : 0;
  if (!patches) {
    const packed = pack(b, problem, "packFilterTransposed");
    b.run(
      "conv2dBackwardInput",
      { ...args, rows: 0, y: b.input(dy), x: dx, w: packed, bias: 0 },
      g.batch,
      padded,
    );
    return b.read(dx);
  }
  const packed = b.output(panels * OC * PANEL);
  b.run("packFilterTransposed", { out: packed, w: b.input(w), K, OC, C: K }, panels);
  const scratch = padded + 4 * g.OW * PANEL * panels;
  b.run(
    "conv2dBackwardInput",
    { ...args, rows: 1, y: b.input(dy), x: dx, w: packed, bias: 0 },
    g.batch,
    scratch,
  );
  return b.read(dx);
}

/** How the outputs and columns of a pointwise convolution are shared out; columns in multiples of a panel. */
interface Blocks {
  readonly rows?: number;
  readonly cols?: number;
}

/** What they are told beside the sizes, and the tasks for N columns. */
function pointwise(
  problem: ConvProblem,
  N: number,
  { rows = 128, cols = PANEL * tasksOf(N, PANEL) }: Blocks,
) {
  const parts = tasksOf(outputSize(problem.g, 1), rows);
  return { args: { ...convArgs(problem), bias: 0, rows, cols }, parts, tasks: parts * tasksOf(N, cols) };
}

export function pointwiseForward(
  b: KernelBench,
  problem: ConvProblem,
  { bias, relu = false, ...split }: { bias?: ArrayLike<number>; relu?: boolean } & Blocks = {},
): Float32Array {
  const { g, OC, x } = problem;
  const { args, tasks } = pointwise(problem, OC, split);
  const y = b.output(outputSize(g, OC));
  const inputs = { x: b.input(x), w: pack(b, problem, "packFilter"), bias: biasOf(b, bias) };
  b.run("conv2dForward", { ...args, ...inputs, y, relu: Number(relu) }, tasks);
  return b.read(y);
}

export function pointwiseBackwardInput(
  b: KernelBench,
  problem: ConvProblem,
  dy: ArrayLike<number>,
  split: Blocks = {},
): Float32Array {
  const { g } = problem;
  const { args, tasks } = pointwise(problem, g.C, split);
  const dx = b.output(inputSize(g));
  const w = pack(b, problem, "packFilterTransposed");
  b.run("conv2dBackwardInput", { ...args, x: dx, y: b.input(dy), w }, tasks);
  return b.read(dx);
}

/** The part of each block of outputs. */
export function pointwiseBackwardFilter(
  b: KernelBench,
  problem: ConvProblem,
  dy: ArrayLike<number>,
  split: Blocks = {},
): Float32Array[] {
  const { g, OC, x } = problem;
  const { args, parts, tasks } = pointwise(problem, OC, split);
  const n = g.C * OC;
  const w = b.output(parts * n);
  const scratch = pointwiseScratch(args.cols);
  b.run("conv2dBackwardFilter", { ...args, x: b.input(x), y: b.input(dy), w }, tasks, scratch);
  const all = b.read(w);
  return Array.from({ length: parts }, (_, i) => all.subarray(i * n, (i + 1) * n));
}

function poolArgs({ batch, H, W, C, OH, OW, KH, KW, strideH, strideW, top, left }: Window) {
  return { batch, H, W, C, OH, OW, KH, KW, strideH, strideW, top, left };
}

export function maxPoolForward(
  b: KernelBench,
  x: ArrayLike<number>,
  g: Window,
  { training = true, grain = 1 } = {},
): { y: Float32Array; argmax: Int32Array } {
  const y = b.output(outputSize(g));
  const argmax = training ? b.output(outputSize(g)) : 0;
  const args = { ...poolArgs(g), grain, y, x: b.input(x), argmax };
  b.run("maxPool2dForward", args, tasksOf(g.batch, grain));
  return { y: b.read(y), argmax: typeof argmax === "number" ? new Int32Array() : b.readInts(argmax) };
}

export function averagePoolForward(
  b: KernelBench,
  x: ArrayLike<number>,
  g: Window,
  { grain = 1 } = {},
): Float32Array {
  const y = b.output(outputSize(g));
  const args = { ...poolArgs(g), grain, y, x: b.input(x), argmax: 0 };
  b.run("averagePool2dForward", args, tasksOf(g.batch, grain));
  return b.read(y);
}

/** Without argmax: of average pooling. */
export function poolBackward(
  b: KernelBench,
  dy: ArrayLike<number>,
  g: Window,
  { argmax, grain = 1 }: { argmax?: Int32Array; grain?: number } = {},
): Float32Array {
  const dx = b.output(inputSize(g));
  const at = argmax ? b.input(new Float32Array(argmax.slice().buffer)) : 0;
  const args = { ...poolArgs(g), grain, y: b.input(dy), x: dx, argmax: at };
  b.run(argmax ? "maxPool2dBackward" : "averagePool2dBackward", args, tasksOf(g.batch, grain));
  return b.read(dx);
}
