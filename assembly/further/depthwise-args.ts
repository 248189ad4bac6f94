/**
 * Depthwise convolution: each of C input channels has `multiplier` filters of its own.
 *   y[n, i, j, c*M + m] = bias[c*M + m] + sum over r, q of x[n, i*strideH - top + r*dilationH, j*strideW - left + q*dilationW, c]
 *                         w[r, q, c, m], of the cells inside of the image
 * x[batch, H, W, C], w[KH, KW, C, M], y[batch, OH, OW, C*M]. Sums run over r, then q, in every build.
 */
@unmanaged
export class DepthwiseArgs {
  y: usize; // y, or dy in the backward kernels
  x: usize; // x, or dx
  w: usize; // w; backwardFilter: dw of each group of images, f32[groups, KH, KW, C*M]
  bias: usize; // [C*M], or 0; backward kernels: unused
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  KH: i32;
  KW: i32;
  strideH: i32;
  strideW: i32;
  dilationH: i32;
  dilationW: i32;
  top: i32;
  left: i32;
  multiplier: i32;
  relu: i32; // forward: 1 for max(0, .) on the way out, 2 for min(max(0, .), 6)
  grain: i32; // forward: output rows in one task; backwardFilter: images in one group
  channels: i32; // forward: channels in one task, C*M or a multiple of PLANE_CHANNELS
}
