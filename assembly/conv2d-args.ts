/**
 * Shapes of a 2-D convolution on an input that is already padded, so that no kernel checks a border.
 * x[batch, H, W, C], w[KH, KW, C, OC], y[batch, OH, OW, OC]:
 *   y[n, i, j, o] = b[o] + sum over r, s, c of x[n, i*strideH + r*dilationH, j*strideW + s*dilationW, c] w[r, s, c, o]
 * H, W are the padded sizes. K = KH * KW * C is the depth of the products.
 */
@unmanaged
export class Conv2dArgs {
  y: usize; // y, or dy in the backward kernels
  x: usize; // x, or dx
  w: usize; // packed by packFilter (forward), packFilterTransposed (backwardInput); dw in backwardFilter
  bias: usize; // [OC rounded up to 16 readable], or 0
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
  dilationH: i32;
  dilationW: i32;
  relu: i32; // forward: 1 for max(0, .) on the way out, 2 for min(max(0, .), 6) in builds with all kernels
  top: i32; // backwardInput: padding to crop from dx, whose own size is cropH x cropW
  left: i32;
  cropH: i32;
  cropW: i32;
  rows: i32; // backwardFilter: rows of dw[K, OC] in one task; backwardInput: 1 for whole patches; with cols: outputs in one task
  cols: i32; // 0, or for filters of one cell without padding columns in one task, a multiple of 16: see pointwise.ts
}
