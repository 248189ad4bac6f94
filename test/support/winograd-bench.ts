import { tapScratch } from "../../src/engine/abi.ts";
import { type KernelBench, type Tensor, tasksOf } from "./bench.ts";
import { biasOf, type ConvProblem, outputSize, PANEL } from "./spatial-bench.ts";

// Runs of Winograd's kernels. Scratch is what the contracts in assembly/winograd*.ts state.

/** Outputs in a row of a tile. */
export const TILE_SIZES = [2, 4, 5] as const;
export type TileSize = (typeof TILE_SIZES)[number];

const planeBytes = (n: number, C: number) => 4 * n * C + 64;

/** Bytes of the map of so many rows and columns of tiles. */
export function mapBytes(m: TileSize, images: number, rows: number, columns: number): number {
  const flags = (rows * m + 2) * (columns * m + 6);
  return 64 * tasksOf(images * (4 * rows * columns + flags) + 8, 64);
}

/** The transformed filter. `rotate`: of the layer whose input gradient the convolution is. */
export function winogradFilter(
  b: KernelBench,
  m: TileSize,
  { g, OC, w }: ConvProblem,
  rotate = false,
): Tensor {
  const panels = tasksOf(OC, PANEL);
  const u = b.variable(new Float32Array(panels * (m + 2) ** 2 * (16 * g.C + 16)));
  const args = { u, w: b.input(w), C: g.C, OC, rotate: Number(rotate), m };
  b.run("winogradFilter", args, panels, 64 * (9 + 3 * (m + 2)));
  return u;
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

export function winogradForward(
  b: KernelBench,
  m: TileSize,
  problem: ConvProblem,
  { bias, relu = false, block = 1, images = 1, rotate = false }: ForwardOptions = {},
): Float32Array {
  const { g, OC, x } = problem;
  const u = winogradFilter(b, m, problem, rotate);
  const y = b.output(outputSize(g, OC));
  const { batch, H, W, C, OH, OW, top, left } = g;
  const sizes = { batch, H, W, C, OH, OW, OC, top, left };
  const args = { ...sizes, y, x: b.input(x), u, bias: biasOf(b, bias), relu: Number(relu), m, images, block };
  const [rows, columns, points] = [Math.min(block, tasksOf(OH, m)), tasksOf(OW, m), (m + 2) ** 2];
  const tiles = points * (4 * images * rows * columns * (C + PANEL) + 128) + points * (4 * C + 32);
  b.run("winogradForward", args, tasksOf(batch, images), mapBytes(m, images, rows, columns) + tiles);
  return b.read(y);
}

/** The filter's gradient, `images` images at a time. */
export function winogradFilterGradient(
  b: KernelBench,
  m: TileSize,
  problem: ConvProblem,
  dy: Float32Array,
  images: number,
) {
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
  const args = { dw, du, x: image, dy: gradient, batch, H, W, C, OH, OW, OC, top, left, m };
  b.run("winogradTaps", args, C, tapScratch(m));
  return b.read(dw);
}
