import {
  blockScratch,
  filterScratch,
  LANES,
  PANEL,
  panelBytes,
  panelsOf,
  planeBytes,
  pointsOf,
  tapScratch,
  tileScratch,
  wholePanels,
} from "../../engine/abi.ts";
import type { Conv2dAttributes } from "../graph.ts";
import type { Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { product } from "./dense.ts";

// When and how 3x3 convolutions take Winograd's products: assembly/winograd.ts.

/** Outputs in a row of a tile. */
const TILE_SIZES = [2, 4, 5] as const;
/** Tiles that are multiplied at once, at least: a row of the filter is then read once for as many. */
const TILES = 8;
/** Bytes of transformed tiles and products that stay in the L2 cache, beside the filter's. */
const TILE_BYTES = 256 * 1024;
/** Bytes of transformed tiles of all images for which memory is set aside. */
const GRADIENT_BYTES = 24 * 2 ** 20;

/**
 * Cost of one line of a transform, a vector of channels, in multiply-adds of vectors: measured on Zen 5. With these, of
 * twelve shapes from 8 to 128 channels and 3x3 to 28x28 outputs the choice was the fastest or within 15 % of it.
 */
const LINE_COST = {
  2: { input: 8, output: 8 },
  4: { input: 18, output: 14 },
  5: { input: 26, output: 19 },
} as const;
/** A multiply-add of a direct convolution, in those of the tiles' products. */
const DIRECT_COST = 1.1;

export type TileSize = (typeof TILE_SIZES)[number];

/** Multiply-adds of vectors that the outputs of one image take with tiles of m x m. */
function tileCost(m: TileSize, rows: number, columns: number, C: number, OC: number): number {
  const t = m + 2;
  const { input, output } = LINE_COST[m];
  const products = (pointsOf(m) * C * wholePanels(OC)) / LANES;
  const transforms = 2 * t * input * Math.ceil(C / LANES) + (t + m) * output * Math.ceil(OC / LANES);
  return Math.ceil(rows / m) * Math.ceil(columns / m) * (products + transforms);
}

/**
 * The tile size with which Winograd's products of a 3x3 stride-1 convolution beat direct ones, or undefined. Larger
 * tiles multiply less, but transform more and reach further beyond the image; few channels don't pay for transforms.
 */
export function winogradTile(
  conv: Conv2dAttributes,
  [rows, columns]: readonly [number, number],
  C: number,
  OC: number,
): TileSize | undefined {
  const plain = [...conv.kernel, ...conv.strides, ...conv.dilation].join() === "3,3,1,1,1,1";
  if (!plain || C < 8 || OC < 8) return undefined;
  const direct = (DIRECT_COST * rows * columns * 9 * C * wholePanels(OC)) / LANES;
  let best: { m: TileSize; cost: number } | undefined;
  for (const m of TILE_SIZES) {
    const cost = tileCost(m, rows, columns, C, OC);
    if (cost < (best?.cost ?? direct)) best = { m, cost };
  }
  return best?.m;
}

/** How many images a task takes, and how many rows of each at once. */
export function winogradBlocks(m: number, C: number, batch: number, rows: number, columns: number) {
  const each = pointsOf(m) * 4 * (C + PANEL) * columns;
  const block = Math.min(rows, Math.max(1, Math.floor(TILE_BYTES / each)));
  const wanted = Math.ceil(TILES / (block * columns));
  const images =
    block < rows ? 1 : Math.min(batch, wanted, Math.max(1, Math.floor(TILE_BYTES / (each * rows))));
  return { block, images };
}

/** Emits the transform of a filter. `rotate`: of the filter whose convolution is the input gradient. */
export function transformFilter(
  p: Planner,
  { w, C, OC, m, rotate = false }: { w: Tensor | number; C: number; OC: number; m: number; rotate?: boolean },
): Tensor {
  const panels = panelsOf(OC);
  const u = p.tensor(panels * panelBytes(m, C));
  p.call(
    "winogradFilter",
    { u, w, C, OC, rotate: Number(rotate), m },
    { tasks: panels, scratch: filterScratch(m) },
  );
  return u;
}

interface Convolution {
  y: Tensor;
  x: Tensor;
  u: Tensor;
  bias: Tensor | number;
  relu: number;
  H: number;
  W: number;
  C: number;
  OH: number;
  OW: number;
  OC: number;
  top: number;
  left: number;
}

/** Emits y = act(conv(x) + bias); x is not padded. */
export function winogradConvolution(p: Planner, m: TileSize, conv: Convolution, flops: number): void {
  const [rows, columns] = [Math.ceil(conv.OH / m), Math.ceil(conv.OW / m)];
  const { block, images } = winogradBlocks(m, conv.C, p.batch, rows, columns);
  p.call(
    "winogradForward",
    { ...conv, batch: p.batch, m, block, images },
    {
      tasks: Math.ceil(p.batch / images),
      scratch: blockScratch(m, images, block, columns, conv.C),
      flops,
    },
  );
}

interface FilterGradient {
  dw: Tensor | number;
  x: Tensor;
  dy: Tensor;
  H: number;
  W: number;
  C: number;
  OH: number;
  OW: number;
  OC: number;
  top: number;
  left: number;
}

/** Emits dw of a convolution, a few images at a time; x is not padded. */
export function winogradFilterGradient(
  p: Planner,
  m: TileSize,
  { dw, x, dy, H, W, C, OH, OW, OC, top, left }: FilterGradient,
  flops: number,
): void {
  const points = pointsOf(m);
  const [rows, columns] = [Math.ceil(OH / m), Math.ceil(OW / m)];
  const tiles = rows * columns;
  const images = Math.min(p.batch, Math.max(1, Math.floor(GRADIENT_BYTES / (4 * points * tiles * (C + OC)))));
  const [v, d] = [C, OC].map((channels) => p.tensor(points * planeBytes(images * tiles, channels)));
  const du = p.tensor(4 * points * C * OC);
  const grid = { rows, columns, m, top, left };
  for (let first = 0; first < p.batch; first += images) {
    const batch = Math.min(images, p.batch - first);
    p.call(
      "winogradTiles",
      { v: v!, x, first, batch, H, W, C, ...grid, gradient: 0 },
      { tasks: batch, scratch: tileScratch(m, C) },
    );
    p.call(
      "winogradTiles",
      { v: d!, x: dy, first, batch, H: OH, W: OW, C: OC, ...grid, gradient: 1 },
      { tasks: batch, scratch: tileScratch(m, OC) },
    );
    const n = batch * tiles;
    product(p, {
      c: du,
      a: v!,
      b: d!,
      M: C,
      N: OC,
      K: n,
      transA: true,
      beta: first > 0 ? 1 : 0,
      several: {
        count: points,
        cNext: 4 * C * OC,
        aNext: planeBytes(n, C),
        bNext: planeBytes(n, OC),
        flops: (flops * batch) / p.batch,
      },
    });
  }
  p.call(
    "winogradTaps",
    { dw, du, x, dy, batch: p.batch, H, W, C, OH, OW, OC, top, left, m },
    { tasks: C, scratch: tapScratch(m) },
  );
}
