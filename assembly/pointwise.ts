import { Conv2dArgs } from "./conv2d-args";
import { lanes, vload, vstorePart } from "./simd";
import { PANEL, PANEL_ROW, TILE_ACCUMULATE, narrowRows, panelRows, reluFlags, wholePanels } from "./tile";

// A convolution with a filter of one cell and nothing around its input is a product of matrices, whose rows are the outputs of
// all images, M = batch * OH * OW, taken where they lie:
//   y[n, i, j, o] = b[o] + sum over c of x[n, i*strideH, j*strideW, c] w[c, o]
// The kernels of conv2d.ts come here where `cols` is given. One task is a block of `rows` outputs by `cols` columns;
// tasks = ceil(M / rows) * ceil(N / cols), blocks of rows outermost, where N is OC, for the input gradient C.

/** Outputs that pointwiseBackwardFilter takes at once, and channels of x: 16 KiB, half of an L1 cache. */
// @host
// @ts-ignore: decorator
@inline
export const POINTWISE_PIXELS: i32 = 64;
// @host
// @ts-ignore: decorator
@inline
export const POINTWISE_CHANNELS: i32 = 64;
/** Numbers of x and dy that it fetches at once, 256 KiB: part of an L2 cache. */
const FETCHED: i32 = 65536;

/** Bytes from the start of x to the input of output m, of all images. */
// @ts-ignore: decorator
@inline
function inputOf(s: Conv2dArgs, m: i32): usize {
  const line = m / s.OW, j = m % s.OW;
  const row = line / s.OH * s.H + line % s.OH * s.strideH;
  return ((<usize>row * <usize>s.W + <usize>(j * s.strideW)) * <usize>s.C) << 2;
}

// @ts-ignore: decorator
@inline
function strided(s: Conv2dArgs): bool {
  return s.strideH * s.strideW > 1;
}

/** How many of `rows` outputs from m on have inputs that lie evenly: all, with strides those of a line. */
// @ts-ignore: decorator
@inline
function evenly(s: Conv2dArgs, m: i32, rows: i32): i32 {
  return strided(s) ? min(rows, s.OW - m % s.OW) : rows;
}

/** c[rows, cols] (+)= a[rows, K] panels + bias: see panelRows(). */
// @ts-ignore: decorator
@inline
function panelsRows(
  c: usize, ldc: usize, rows: i32, cols: i32, flags: i32, bias: usize,
  a: usize, aRow: usize, aStep: usize, panel: usize, K: i32,
): void {
  const next: usize = bias ? <usize>PANEL_ROW : 0;
  for (; cols > 0; cols -= PANEL) {
    if (cols > PANEL / 2) {
      panelRows(c, ldc, rows, min(cols, PANEL), flags, bias, a, aRow, aRow << 1, aStep, panel, K);
    } else {
      narrowRows(c, ldc, rows, cols, flags, bias, a, aRow, aStep, panel, K);
    }
    c += PANEL_ROW;
    bias += next;
    panel += <usize>K * PANEL_ROW;
  }
}

/** y = conv(x, w) + bias. */
export function pointwiseForward(s: Conv2dArgs, task: i32): void {
  const C = s.C, OC = s.OC, across = (OC + s.cols - 1) / s.cols;
  const n = task % across * s.cols, cols = min(s.cols, OC - n);
  const column = <usize>n << 2, pixelBytes = <usize>OC << 2, step = (<usize>s.strideW * <usize>C) << 2;
  const w = s.w + (<usize>C << 2) * <usize>n, bias = s.bias ? s.bias + column : 0;
  const flags = reluFlags(s.relu);
  let m = task / across * s.rows;
  const end = min(m + s.rows, s.batch * s.OH * s.OW);
  while (m < end) {
    const rows = evenly(s, m, end - m);
    const y = s.y + <usize>m * pixelBytes + column;
    panelsRows(y, pixelBytes, rows, cols, flags, bias, s.x + inputOf(s, m), step, 4, w, C);
    m += rows;
  }
}

/** dx = gradient of the input; overwrites. With strides the cells between are 0. */
export function pointwiseBackwardInput(s: Conv2dArgs, task: i32): void {
  const C = s.C, OC = s.OC, across = (C + s.cols - 1) / s.cols;
  const n = task % across * s.cols, cols = min(s.cols, C - n);
  const column = <usize>n << 2, pixelBytes = <usize>OC << 2, step = (<usize>s.strideW * <usize>C) << 2;
  const w = s.w + pixelBytes * <usize>n;
  let m = task / across * s.rows;
  const end = min(m + s.rows, s.batch * s.OH * s.OW);
  while (m < end) {
    const rows = evenly(s, m, end - m);
    const dx = s.x + inputOf(s, m);
    if (strided(s)) clearCells(s, dx + column, m, rows, cols);
    panelsRows(dx + column, step, rows, cols, 0, 0, s.y + <usize>m * pixelBytes, pixelBytes, 4, w, OC);
    m += rows;
  }
}

/** Clears columns of what lies from the inputs of `rows` outputs of a line to those of the next outputs, and of the next line. */
function clearCells(s: Conv2dArgs, dx: usize, m: i32, rows: i32, cols: i32): void {
  const line = m / s.OW % s.OH, j = m % s.OW;
  const height = line + 1 < s.OH ? s.strideH : s.H - line * s.strideH;
  const width = j + rows < s.OW ? rows * s.strideW : s.W - j * s.strideW;
  const run = cols == s.C ? width : 1;
  for (let i = 0; i < height; i++) {
    let p = dx;
    for (let k = 0; k < width; k += run) {
      memory.fill(p, 0, (<usize>run * <usize>cols) << 2);
      p += <usize>s.C << 2;
    }
    dx += (<usize>s.W * <usize>s.C) << 2;
  }
}

/** Scratch of pointwiseBackwardFilter: panels of dy, and a block of x. */
// @host
// @ts-ignore: decorator
@inline
export function pointwiseScratch(cols: i32): usize {
  return 4 * <usize>POINTWISE_PIXELS * <usize>(wholePanels(cols) + POINTWISE_CHANNELS);
}

/**
 * dw[C, OC] = sum over outputs of x^T dy; overwrites. Each block of `rows` outputs has sums of its own, w[blocks, C, OC], that
 * are to be added up: how many blocks follows from sizes alone, so that the sums do not depend on the number of threads.
 * Scratch: pointwiseScratch(cols).
 */
export function pointwiseBackwardFilter(s: Conv2dArgs, task: i32, panels: usize): void {
  const C = s.C, OC = s.OC, across = (OC + s.cols - 1) / s.cols;
  const part = <usize>(task / across);
  const n = task % across * s.cols, cols = min(s.cols, OC - n);
  const column = <usize>n << 2, pixelBytes = <usize>OC << 2, channelBytes = <usize>C << 2;
  const w = s.w + part * <usize>C * pixelBytes + column;
  const block = panels + <usize>(4 * POINTWISE_PIXELS) * <usize>wholePanels(cols);
  // Where rows lie a multiple of 512 bytes apart, few sets of the L1 cache would have to hold them.
  const copied = strided(s) || (C > POINTWISE_CHANNELS && C % 128 == 0);
  const start = <i32>part * s.rows, end = min(start + s.rows, s.batch * s.OH * s.OW);
  const fetches = !strided(s) && C >= PANEL && cols >= PANEL;
  const fetched = max(1, FETCHED / (POINTWISE_PIXELS * (C + OC))) * POINTWISE_PIXELS;
  for (let m = start; m < end; m += POINTWISE_PIXELS) {
    const pixels = min(POINTWISE_PIXELS, end - m);
    const dy = s.y + <usize>m * pixelBytes + column;
    const x = s.x + inputOf(s, m);
    if (fetches && (m - start) % fetched == 0) {
      const count = <usize>min(fetched, end - m);
      store<f32>(panels, fetch(dy, count * pixelBytes - column) + fetch(x, count * channelBytes));
    }
    takePanels(panels, dy, pixelBytes, pixels, cols);
    for (let c = 0; c < C; c += POINTWISE_CHANNELS) {
      const rows = min(POINTWISE_CHANNELS, C - c);
      let a = x + (<usize>c << 2), aStep = channelBytes;
      if (copied) {
        gather(block, s, m, pixels, c, rows);
        a = block;
        aStep = <usize>rows << 2;
      }
      panelsRows(
        w + <usize>c * pixelBytes, pixelBytes, rows, cols, m > start ? TILE_ACCUMULATE : 0, 0,
        a, 4, aStep, panels, pixels,
      );
    }
  }
}

/**
 * Reads a number of each line of `bytes` bytes, so that they are in the cache: one after the other at the speed of the
 * memory, where the products would wait for each. The sum of the numbers, as what is not used is not read.
 */
function fetch(p: usize, bytes: usize): f32 {
  let a: f32 = 0, b: f32 = 0;
  for (const end = p + bytes; p < end; p += 128) {
    a += load<f32>(p);
    b += load<f32>(p, 64);
  }
  return a + b;
}

/** out[panels][pixels, 16] = dy[pixels, cols]. What lies behind a last, narrow panel is read, too, and goes nowhere. */
function takePanels(out: usize, dy: usize, ld: usize, pixels: i32, cols: i32): void {
  for (; cols > 0; cols -= PANEL) {
    let p = dy, n = pixels;
    do {
      if (ASC_FEATURE_SIMD) {
        v128.store(out, v128.load(p));
        v128.store(out, v128.load(p, 16), 16);
        v128.store(out, v128.load(p, 32), 32);
        v128.store(out, v128.load(p, 48), 48);
      } else {
        for (let j: usize = 0; j < <usize>PANEL_ROW; j += 4) store<f32>(out + j, load<f32>(p + j));
      }
      p += ld;
      out += PANEL_ROW;
    } while (--n);
    dy += PANEL_ROW;
  }
}

/** out[pixels, channels] = channels c and following of the inputs of outputs m and following. */
function gather(out: usize, s: Conv2dArgs, m: i32, pixels: i32, c: i32, channels: i32): void {
  const step = (<usize>s.strideW * <usize>s.C) << 2;
  while (pixels > 0) {
    let x = s.x + inputOf(s, m) + (<usize>c << 2);
    const count = evenly(s, m, pixels);
    for (let i = 0; i < count; i++) {
      if (ASC_FEATURE_SIMD) copyRow<v128>(out, x, channels);
      else copyRow<f32>(out, x, channels);
      out += <usize>channels << 2;
      x += step;
    }
    m += count;
    pixels -= count;
  }
}

// @ts-ignore: decorator
@inline
function copyRow<V>(out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= lanes<V>()) {
    vstorePart<V>(out, vload<V>(x), n);
    out += sizeof<V>();
    x += sizeof<V>();
  }
}
