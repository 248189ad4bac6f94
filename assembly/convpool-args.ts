import { SHORT_RUN } from "./conv2d";
import { LANES } from "./simd";
import { PANEL_ROW, wholePanels } from "./tile";
import { blockScratch } from "./winograd";

/** Columns of the convolution that a window reaches: what lies beyond the last one is not computed. */
// @host
// @ts-ignore: decorator
@inline
export function columnsUnder(OW: i32, PW: i32, poolStrideW: i32, poolLeft: i32, poolW: i32): i32 {
  return min(OW, (PW - 1) * poolStrideW - poolLeft + poolW);
}

/** Rows of the convolution under `block` rows of the pool, at most. */
// @host
// @ts-ignore: decorator
@inline
export function rowsUnder(OH: i32, block: i32, poolStrideH: i32, poolH: i32): i32 {
  return min(OH, (block - 1) * poolStrideH + poolH);
}

/** Bytes of limits at the start of scratch, see convpool-doubts.ts: a number for each channel. */
// @host
// @ts-ignore: decorator
@inline
export function limitBytes(OC: i32): usize {
  return 4 * <usize>wholePanels(OC);
}

/** Scratch of convPoolForward with direct products: a panel of so many outputs, and their patches, where rows of those are short. */
// @host
// @ts-ignore: decorator
@inline
export function directScratch(OC: i32, outputs: i32, run: i32, K: i32): usize {
  return limitBytes(OC) + PANEL_ROW * <usize>outputs + (run < SHORT_RUN ? 4 * <usize>outputs * <usize>K : 0);
}

/** The same with Winograd's: the panel of one image's rows x columns tiles, and what their products take. */
// @host
// @ts-ignore: decorator
@inline
export function windowScratch(m: i32, images: i32, rows: i32, columns: i32, C: i32, OC: i32): usize {
  return limitBytes(OC) + PANEL_ROW * <usize>(m * m * rows * columns) + blockScratch(m, images, rows, columns, C);
}

/** f32 of one patch row of `run`, rounded up to whole vectors. */
// @host
// @ts-ignore: decorator
@inline
export function paddedRun(run: i32): u32 {
  return (<u32>run + LANES - 1) / LANES * LANES;
}

/** Bytes of one patch of padded rows, and of one channel's filter that packFilterRows packs. */
// @host
// @ts-ignore: decorator
@inline
export function patchBytes(KH: i32, run: i32): usize {
  return 4 * <usize>KH * <usize>paddedRun(run);
}

/** Bytes of lists of n entries: (f32 gradient, u32 address). */
// @host
// @ts-ignore: decorator
@inline
export function listBytes(n: i32): usize {
  return 8 * <usize>n;
}

/**
 * x[batch, H, W, C] padded, w[KH, KW, C, OC] -> conv[OH, OW, OC] -> y[batch, PH, PW, OC], see Conv2dArgs and Pool2dArgs.
 * argmax[batch, PH, PW, OC] i32: the winner's place in its window, row * poolW + column; -1 where relu is closed.
 */
@unmanaged
export class ConvPoolArgs {
  y: usize; // y, or dy in the backward kernels
  argmax: usize; // or 0 in inference
  x: usize; // x, or dx in backwardInput
  w: usize; // forward: packed by packFilter, or by winogradFilter; backwardInput: packed by packFilterRows; backwardFilter: dw
  bias: usize; // [OC rounded up to 16 readable] or 0; backwardFilter: db or 0
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  OC: i32;
  KH: i32;
  KW: i32;
  strideH: i32;
  strideW: i32;
  relu: i32;
  PH: i32;
  PW: i32;
  poolH: i32;
  poolW: i32;
  poolStrideH: i32;
  poolStrideW: i32;
  poolTop: i32;
  poolLeft: i32;
  block: i32; // forward: pooled rows computed at once
  m: i32; // forward: outputs in a row of Winograd's tiles (3x3, stride 1), see winograd.ts; 0 for direct products
  images: i32; // forward: images in one task; 1 for direct products
  group: i32; // backwardFilter: images whose lists are joined
  top: i32; // backwardInput: padding to crop from dx, whose own size is cropH x cropW
  left: i32;
  cropH: i32;
  cropW: i32;
  filter: usize; // forward: w itself
}
