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
