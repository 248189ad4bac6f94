import { lanes, loadSplat, madd, splat, vadd, vload, vpmax, vstore, vstorePart } from "./simd";
import { PANEL, tile } from "./tile";
import { inputTiles, outputTiles, panelBytes, planeBytes, tileProducts } from "./winograd";

// Convolution + bias + relu + max pooling as one op. Forward, the convolution's output lives only in scratch, one
// panel of channels at a time, and what the pool drops is never computed. Backward, at most one output of each
// window carries a gradient, and none where relu is closed: instead of multiplying the zeros between them, the
// kernels walk lists of (gradient, address). After 2x2 pooling that leaves at most a quarter of the work.

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
}

/** f32 of one patch row, rounded up to whole vectors of four. */
// @ts-ignore: decorator
@inline
function paddedRun(s: ConvPoolArgs): i32 {
  return (s.KW * s.C + 3) & ~3;
}

/**
 * One task is `images` images. Scratch with direct products: the panel, 64 bytes for each convolution output of `block`
 * pooled rows, and where patch rows are shorter than 16 f32 the gathered patches, 4 * KH * KW * C bytes each; with
 * Winograd's: see winogradWindows.
 */
export function convPoolForward(s: ConvPoolArgs, task: i32, scratch: usize): void {
  if (s.m) winogradWindows(s, task, scratch);
  else if (shortWindows(s)) {
    if (ASC_FEATURE_SIMD) windowsForward<v128>(s, task);
    else windowsForward<f32>(s, task);
  } else panelWindows(s, task, scratch);
}

/** Columns of the convolution that a window reaches: what lies beyond the last one is not computed. */
// @ts-ignore: decorator
@inline
function usedColumns(s: ConvPoolArgs): i32 {
  return min(s.OW, (s.PW - 1) * s.poolStrideW - s.poolLeft + s.poolW);
}

/** The rows of the convolution under the pooled rows p .. p + pooled - 1: first .. last - 1. */
// @ts-ignore: decorator
@inline
function firstRow(s: ConvPoolArgs, p: i32): i32 {
  return max(0, p * s.poolStrideH - s.poolTop);
}

// @ts-ignore: decorator
@inline
function lastRow(s: ConvPoolArgs, p: i32, pooled: i32): i32 {
  return min(s.OH, (p + pooled - 1) * s.poolStrideH - s.poolTop + s.poolH);
}

/** Forward of one image by direct products, a panel of 16 channels and `block` pooled rows at a time. */
function panelWindows(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const OC = s.OC, K = s.KH * s.KW * s.C;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const image = s.x + <usize>task * <usize>s.H * rowBytes;
  const columns = usedColumns(s);
  const gather = s.KW * s.C < 16;
  const run = gather ? K : s.KW * s.C;
  const segments = gather ? 1 : s.KH;
  const jump = gather ? 0 : rowBytes - (<usize>run << 2);
  const patchStep = gather ? <usize>K << 2 : (<usize>s.strideW * <usize>s.C) << 2;
  const blockRows = min(s.OH, (s.block - 1) * s.poolStrideH + s.poolH);
  const patches = scratch + ((<usize>blockRows * <usize>columns) << 6);
  for (let p = 0; p < s.PH; p += s.block) {
    const pooled = min(s.block, s.PH - p);
    const first = firstRow(s, p), last = lastRow(s, p, pooled);
    if (gather) {
      let to = patches, line = image + <usize>first * <usize>s.strideH * rowBytes;
      for (let i = first; i < last; i++) {
        gatherRow(to, line, columns, s, rowBytes);
        to += <usize>columns * patchStep;
        line += <usize>s.strideH * rowBytes;
      }
    }
    for (let o = 0; o < OC; o += PANEL) {
      const bias = s.bias ? s.bias + (<usize>o << 2) : 0;
      const panel = s.w + ((<usize>K * <usize>o) << 2);
      let c = scratch;
      for (let i = first; i < last; i++) {
        let patch = gather
          ? patches + <usize>((i - first) * columns) * patchStep
          : image + <usize>i * <usize>s.strideH * rowBytes;
        for (let j = 0; j < columns; j += 2) {
          const pair = j + 1 < columns;
          tile(
            c, pair ? c + (PANEL << 2) : 0, PANEL, 0, bias,
            patch, patch + patchStep, 4, jump, panel, PANEL << 2, 0, run, segments,
          );
          c += pair ? PANEL << 3 : PANEL << 2;
          patch += patchStep << 1;
        }
      }
      pool(s, task, p, pooled, o, scratch, first, last, columns, columns);
    }
  }
}

/**
 * Forward of `images` images by Winograd's products, `block` pooled rows at a time. With rows x columns tiles of a
 * block, n = images * rows * columns and t = m + 2, scratch: 64 * m * m * rows * columns bytes for the panel,
 * t * t * (4 n (C + 16) + 128) for tiles and products, and t * t * (4 C + 32).
 */
function winogradWindows(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const m = s.m, t = m + 2, C = s.C;
  const n0 = task * s.images, images = min(s.images, s.batch - n0);
  const imageBytes = <usize>(s.H * s.W * C) << 2;
  const columns = usedColumns(s), across = (columns + m - 1) / m;
  for (let p = 0; p < s.PH; p += s.block) {
    const pooled = min(s.block, s.PH - p);
    const first = firstRow(s, p), last = lastRow(s, p, pooled);
    const rows = (last - first + m - 1) / m, each = rows * across, tiles = images * each;
    const vPlane = planeBytes(tiles, C), pPlane = planeBytes(tiles, PANEL);
    const v = scratch + (<usize>(each * m * m) << 6);
    const products = v + <usize>(t * t) * vPlane, between = products + <usize>(t * t) * pPlane;
    for (let k = 0; k < images; k++) {
      inputTiles(
        m, v + ((<usize>(k * each) * <usize>C) << 2), vPlane, s.x + <usize>(n0 + k) * imageBytes, s.H, s.W, C, first, 0, rows,
        across, between,
      );
    }
    for (let o = 0; o < s.OC; o += PANEL) {
      const bias = s.bias ? s.bias + (<usize>o << 2) : 0;
      tileProducts(m, products, v, s.w + <usize>(o / PANEL) * panelBytes(m, C), tiles, C, bias);
      for (let k = 0; k < images; k++) {
        // The panel has room for whole tiles.
        outputTiles(
          m, scratch, products + (<usize>(k * each) << 6), pPlane, rows, across, <usize>(across * m) << 6, PANEL << 2,
          rows * m, across * m, PANEL, 0, between,
        );
        pool(s, n0 + k, p, pooled, o, scratch, first, last, columns, across * m);
      }
    }
  }
}

/** Pools a panel of channels o .. o + 15, whose rows are first .. last - 1 and `width` pixels apart, into rows p .. of an image of y. */
function pool(
  s: ConvPoolArgs, image: i32, p: i32, pooled: i32, o: i32, panel: usize, first: i32, last: i32, columns: i32, width: i32,
): void {
  const at = (<usize>((image * s.PH + p) * s.PW) * <usize>s.OC + <usize>o) << 2;
  const argmax = s.argmax ? s.argmax + at : 0;
  const cols = min(s.OC - o, PANEL);
  if (ASC_FEATURE_SIMD) poolPanel<v128>(s.y + at, argmax, panel, s, p, pooled, first, last, columns, width, cols);
  else poolPanel<f32>(s.y + at, argmax, panel, s, p, pooled, first, last, columns, width, cols);
}

/** Patches too short for panels to pay, as a first layer's, under 2x2 windows that tile the image. */
// @ts-ignore: decorator
@inline
function shortWindows(s: ConvPoolArgs): bool {
  return s.KH * s.KW * s.C <= 48 && s.poolH == 2 && s.poolW == 2 && s.poolStrideH == 2
    && s.poolStrideW == 2 && s.poolTop == 0 && s.poolLeft == 0 && 2 * s.PH <= s.OH && 2 * s.PW <= s.OW;
}

/** Forward of one image, window by window: four outputs of two vectors of channels in registers, pooled there. */
function windowsForward<V>(s: ConvPoolArgs, task: i32): void {
  const OC = s.OC, K = s.KH * s.KW * s.C;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const step = (<usize>s.strideW * <usize>s.C) << 2, rowStep = <usize>s.strideH * rowBytes;
  const at = (<usize>task * <usize>(s.PH * s.PW) * <usize>OC) << 2;
  let y = s.y + at, argmax = s.argmax ? s.argmax + at : 0;
  let line = s.x + <usize>task * <usize>s.H * rowBytes;
  const run = s.KW * s.C, jump = rowBytes - (<usize>run << 2);
  for (let i = 0; i < s.PH; i++) {
    let x = line;
    for (let j = 0; j < s.PW; j++) {
      for (let o = 0; o < OC; o += 2 * lanes<V>()) {
        const panel = s.w + (((<usize>K * <usize>(o & ~15)) + <usize>(o & 15)) << 2);
        const bytes = <usize>o << 2;
        windowTile<V>(
          y + bytes, argmax ? argmax + bytes : 0, x, step, rowStep, jump, panel, run, s.KH, s.bias ? s.bias + bytes : 0,
          s.relu, OC - o,
        );
      }
      x += 2 * step;
      y += <usize>OC << 2;
      if (argmax) argmax += <usize>OC << 2;
    }
    line += 2 * rowStep;
  }
}

/** One 2x2 window, up to 2 * lanes<V>() channels of it. */
// @ts-ignore: decorator
@inline
function windowTile<V>(
  y: usize, argmax: usize, x: usize, step: usize, rowStep: usize, jump: usize, w: usize, run: i32, KH: i32, bias: usize,
  relu: i32, n: i32,
): void {
  let a0 = splat<V>(0), a1 = a0;
  if (bias) {
    a0 = vload<V>(bias);
    a1 = vload<V>(bias, sizeof<V>());
  }
  let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
  let xb = x + step, xc = x + rowStep, xd = xb + rowStep;
  do {
    let k = run;
    do {
      const w0 = vload<V>(w), w1 = vload<V>(w, sizeof<V>());
      const pa = loadSplat<V>(x), pb = loadSplat<V>(xb), pc = loadSplat<V>(xc), pd = loadSplat<V>(xd);
      a0 = madd<V>(pa, w0, a0);
      a1 = madd<V>(pa, w1, a1);
      b0 = madd<V>(pb, w0, b0);
      b1 = madd<V>(pb, w1, b1);
      c0 = madd<V>(pc, w0, c0);
      c1 = madd<V>(pc, w1, c1);
      d0 = madd<V>(pd, w0, d0);
      d1 = madd<V>(pd, w1, d1);
      x += 4;
      xb += 4;
      xc += 4;
      xd += 4;
      w += PANEL << 2;
    } while (--k);
    x += jump;
    xb += jump;
    xc += jump;
    xd += jump;
  } while (--KH);
  winner<V>(y, argmax, a0, b0, c0, d0, relu, n);
  if (n > lanes<V>()) {
    winner<V>(y + sizeof<V>(), argmax ? argmax + sizeof<V>() : 0, a1, b1, c1, d1, relu, n - lanes<V>());
  }
}

/** The greatest of a window's four outputs, and its place. */
// @ts-ignore: decorator
@inline
function winner<V>(y: usize, argmax: usize, a: V, b: V, c: V, d: V, relu: i32, n: i32): void {
  if (!argmax) {
    const top = orNaN<V>(vpmax<V>(vpmax<V>(vpmax<V>(a, b), c), d), vadd<V>(vadd<V>(a, b), vadd<V>(c, d)));
    vstorePart<V>(y, relu ? vpmax<V>(top, splat<V>(0)) : top, n);
    return;
  }
  let at = laterPlace<V>(b, a, 1, bits<V>(0));
  let best = vpmax<V>(a, b);
  at = laterPlace<V>(c, best, 2, at);
  best = vpmax<V>(best, c);
  at = laterPlace<V>(d, best, 3, at);
  best = vpmax<V>(best, d);
  best = orNaN<V>(best, vadd<V>(vadd<V>(a, b), vadd<V>(c, d)));
  if (relu) {
    best = vpmax<V>(best, splat<V>(0));
    at = closedPlace<V>(best, at);
  }
  vstorePart<V>(y, best, n);
  vstorePart<V>(argmax, at, n);
}

/** where(a > b, k, at) lane by lane, for k above all that `at` can be. */
// @ts-ignore: decorator
@inline
function laterPlace<V>(a: V, b: V, k: i32, at: V): V {
  if (isVector<V>()) return i32x4.max_s(at, v128.and(f32x4.gt(a, b), i32x4.splat(k)));
  return select<V>(bits<V>(k), at, (a as f32) > (b as f32));
}

/** -1 where relu is closed, that is where its output is 0; else at. */
// @ts-ignore: decorator
@inline
function closedPlace<V>(y: V, at: V): V {
  if (isVector<V>()) return v128.or(at, f32x4.eq(y, f32x4.splat(0)));
  return select<V>(bits<V>(-1), at, (y as f32) == 0);
}

/** out[columns, K]: the patches of one output row, whose first input row is `line`. */
export function gatherRow(out: usize, line: usize, columns: i32, s: ConvPoolArgs, rowBytes: usize): void {
  const run = s.KW * s.C;
  const step = (<usize>s.strideW * <usize>s.C) << 2;
  for (let j = 0; j < columns; j++) {
    let p = line;
    for (let r = 0; r < s.KH; r++) {
      if (run == 3) {
        store<u64>(out, load<u64>(p));
        store<f32>(out, load<f32>(p, 8), 8);
        out += 12;
      } else {
        for (let q = 0; q < run; q++, out += 4) store<f32>(out, load<f32>(p + (<usize>q << 2)));
      }
      p += rowBytes;
    }
    line += step;
  }
}

/** See pool. */
// @ts-ignore: decorator
@inline
function poolPanel<V>(
  y: usize, argmax: usize, panel: usize, s: ConvPoolArgs, p: i32, pooled: i32, first: i32, last: i32, columns: i32,
  width: i32, cols: i32,
): void {
  const pixelBytes = <usize>s.OC << 2, widthBytes = <usize>width << 6;
  const two = s.poolH == 2 && s.poolW == 2;
  for (let i = p; i < p + pooled; i++) {
    const top = i * s.poolStrideH - s.poolTop;
    const r0 = max(top, first), r1 = min(top + s.poolH, last);
    for (let j = 0; j < s.PW; j++) {
      const leftmost = j * s.poolStrideW - s.poolLeft;
      const q0 = max(leftmost, 0), q1 = min(leftmost + s.poolW, columns);
      const corner = panel + ((<usize>(r0 - first) * <usize>width + <usize>q0) << 6);
      const place = (r0 - top) * s.poolW + q0 - leftmost;
      const whole = two && r1 - r0 == 2 && q1 - q0 == 2;
      for (let c = 0; c < cols; c += lanes<V>()) {
        const o = <usize>c << 2, to = argmax ? argmax + o : 0, at = corner + o;
        if (whole) {
          winner<V>(
            y + o, to, vload<V>(at), vload<V>(at, PANEL << 2), vload<V>(at + widthBytes), vload<V>(at + widthBytes, PANEL << 2),
            s.relu, cols - c,
          );
        } else poolCell<V>(y + o, to, at, r1 - r0, q1 - q0, widthBytes, place, s.poolW, s.relu, cols - c);
      }
      y += pixelBytes;
      if (argmax) argmax += pixelBytes;
    }
  }
}

/** One window, lanes<V>() channels: the greatest of rows x cells, and its place. */
// @ts-ignore: decorator
@inline
function poolCell<V>(
  y: usize, argmax: usize, corner: usize, rows: i32, cells: i32, rowBytes: usize, place: i32, poolW: i32, relu: i32, n: i32,
): void {
  let best = vload<V>(corner), at = bits<V>(place), sum = splat<V>(0);
  for (let r = 0; r < rows; r++) {
    let p = corner;
    for (let q = 0; q < cells; q++, p += PANEL << 2) {
      const v = vload<V>(p);
      at = laterPlace<V>(v, best, place + q, at);
      best = vpmax<V>(best, v);
      sum = vadd<V>(sum, v);
    }
    corner += rowBytes;
    place += poolW;
  }
  best = orNaN<V>(best, sum);
  if (relu) {
    best = vpmax<V>(best, splat<V>(0));
    at = closedPlace<V>(best, at);
  }
  vstorePart<V>(y, best, n);
  if (argmax) vstorePart<V>(argmax, at, n);
}

/** best, or NaN where the sum of the window is: cheaper than a maximum that keeps every NaN (V8 takes 7 instructions). */
// @ts-ignore: decorator
@inline
function orNaN<V>(best: V, sum: V): V {
  if (isVector<V>()) return v128.or(best, f32x4.ne(sum, sum));
  return select<V>(sum, best, (sum as f32) != (sum as f32));
}

/** An i32's bits in every lane. */
// @ts-ignore: decorator
@inline
function bits<V>(x: i32): V {
  if (isVector<V>()) return i32x4.splat(x);
  return reinterpret<f32>(x) as V;
}

// Lists: entries of 8 bytes, (f32 gradient, u32 address).

/** out[v] += sum over the list of gradient * memory[address + offset + v], for `run` f32; reads whole vectors. */
// @ts-ignore: decorator
@inline
function combineRun<V>(out: usize, list: usize, n: i32, offset: usize, run: i32): void {
  let c = run;
  for (; c >= 6 * lanes<V>(); c -= 6 * lanes<V>()) {
    combine6<V>(out, list, n, offset);
    out += 6 * sizeof<V>();
    offset += 6 * sizeof<V>();
  }
  for (; c >= 3 * lanes<V>(); c -= 3 * lanes<V>()) {
    combine3<V>(out, sizeof<V>(), list, n, offset, sizeof<V>());
    out += 3 * sizeof<V>();
    offset += 3 * sizeof<V>();
  }
  for (; c > 0; c -= lanes<V>()) {
    combine1<V>(out, list, n, offset);
    out += sizeof<V>();
    offset += sizeof<V>();
  }
}

/** Six vectors at once: accumulators, their loads and one product just fit the registers. */
// @ts-ignore: decorator
@inline
function combine6<V>(out: usize, list: usize, n: i32, offset: usize): void {
  let a = splat<V>(0), b = a, c = a, d = a, e = a, f = a;
  do {
    const p = <usize>load<u32>(list, 4) + offset;
    const g = loadSplat<V>(list);
    a = madd<V>(g, vload<V>(p), a);
    b = madd<V>(g, vload<V>(p, sizeof<V>()), b);
    c = madd<V>(g, vload<V>(p, 2 * sizeof<V>()), c);
    d = madd<V>(g, vload<V>(p, 3 * sizeof<V>()), d);
    e = madd<V>(g, vload<V>(p, 4 * sizeof<V>()), e);
    f = madd<V>(g, vload<V>(p, 5 * sizeof<V>()), f);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
  vstore<V>(out + sizeof<V>(), vadd<V>(vload<V>(out, sizeof<V>()), b));
  vstore<V>(out + 2 * sizeof<V>(), vadd<V>(vload<V>(out, 2 * sizeof<V>()), c));
  vstore<V>(out + 3 * sizeof<V>(), vadd<V>(vload<V>(out, 3 * sizeof<V>()), d));
  vstore<V>(out + 4 * sizeof<V>(), vadd<V>(vload<V>(out, 4 * sizeof<V>()), e));
  vstore<V>(out + 5 * sizeof<V>(), vadd<V>(vload<V>(out, 5 * sizeof<V>()), f));
}

/** Three vectors `step` bytes apart in memory, `outStep` apart in out. */
// @ts-ignore: decorator
@inline
function combine3<V>(out: usize, outStep: usize, list: usize, n: i32, offset: usize, step: usize): void {
  let a = splat<V>(0), b = a, c = a;
  const offset1 = offset + step, offset2 = offset1 + step;
  do {
    const p = <usize>load<u32>(list, 4);
    const g = loadSplat<V>(list);
    a = madd<V>(g, vload<V>(p + offset), a);
    b = madd<V>(g, vload<V>(p + offset1), b);
    c = madd<V>(g, vload<V>(p + offset2), c);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
  out += outStep;
  vstore<V>(out, vadd<V>(vload<V>(out), b));
  out += outStep;
  vstore<V>(out, vadd<V>(vload<V>(out), c));
}

// @ts-ignore: decorator
@inline
function combine1<V>(out: usize, list: usize, n: i32, offset: usize): void {
  let a = splat<V>(0);
  do {
    a = madd<V>(loadSplat<V>(list), vload<V>(<usize>load<u32>(list, 4) + offset), a);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
}

/** out[KH, paddedRun] += the list's patches, whose rows lie `rowBytes` apart. */
function combinePatch(out: usize, outRow: usize, list: usize, n: i32, run: i32, KH: i32, rowBytes: usize): void {
  if (ASC_FEATURE_SIMD) {
    let r = 0;
    if (run <= 4) {
      // One vector a row: three rows at once, or else every sum waits for the one before it.
      for (; r + 3 <= KH; r += 3) combine3<v128>(out + <usize>r * outRow, outRow, list, n, <usize>r * rowBytes, rowBytes);
    }
    for (; r < KH; r++) combineRun<v128>(out + <usize>r * outRow, list, n, <usize>r * rowBytes, run);
  } else {
    for (let r = 0; r < KH; r++) combineRun<f32>(out + <usize>r * outRow, list, n, <usize>r * rowBytes, run);
  }
}

/** Output channels in one task of backwardFilter. */
const CHANNELS: i32 = 8;

/**
 * dw[KH, KW, C, OC] and db[OC] from dy and argmax; overwrites. One task is 8 output channels over the whole batch
 * in order; tasks = ceil(OC / 8).
 * Scratch: 8 lists of group * PH * PW entries of 8 bytes, 8 patches of KH * paddedRun f32, poolH * poolW + 5 i32.
 */
export function convPoolBackwardFilter(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const o0 = task * CHANNELS, channels = min(CHANNELS, s.OC - o0);
  const run = s.KW * s.C, outRow = <usize>paddedRun(s) << 2;
  const patchBytes = <usize>s.KH * outRow;
  const cells = s.PH * s.PW;
  const listBytes = <usize>(s.group * cells) << 3;
  const lists = scratch, sums = scratch + CHANNELS * listBytes;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  // Bytes from a window's corner to each place in it; place -1 stands before the first.
  const ends = sums + CHANNELS * patchBytes;
  const places = ends + 20;
  store<i32>(places - 4, 0);
  for (let r = 0; r < s.poolH; r++) {
    for (let q = 0; q < s.poolW; q++) {
      store<i32>(
        places + (<usize>(r * s.poolW + q) << 2), r * s.strideH * <i32>rowBytes + ((q * s.strideW * s.C) << 2),
      );
    }
  }
  memory.fill(sums, 0, CHANNELS * patchBytes);
  if (s.bias) memory.fill(s.bias + (<usize>o0 << 2), 0, <usize>channels << 2);
  for (let n = 0; n < s.batch; n += s.group) {
    const images = min(s.group, s.batch - n);
    for (let c = 0; c < channels; c += lists4(s.OC) ? 4 : 1) {
      const list = lists + <usize>c * listBytes;
      if (ASC_FEATURE_SIMD && lists4(s.OC)) listFour(list, listBytes, ends, s, n, images, o0 + c, rowBytes);
      else listWindows(list, ends, s, n, images, o0 + c, rowBytes, places);
      const last = min(channels, c + (lists4(s.OC) ? 4 : 1));
      for (let k = c; k < last; k++) {
        const start = lists + <usize>k * listBytes;
        const count = <i32>((<usize>load<u32>(ends + (<usize>(k - c) << 2)) - start) >>> 3);
        if (count == 0) continue;
        combinePatch(sums + <usize>k * patchBytes, outRow, start, count, run, s.KH, rowBytes);
        if (s.bias) addGradients(s.bias + (<usize>(o0 + k) << 2), start, count);
      }
    }
  }
  // The sums lie channel by channel: to dw they go across.
  const pixelBytes = <usize>s.OC << 2;
  let dw = s.w + (<usize>o0 << 2);
  for (let r = 0; r < s.KH; r++) {
    for (let k = 0; k < run; k++) {
      const p = sums + <usize>r * outRow + (<usize>k << 2);
      for (let c = 0; c < channels; c++) store<f32>(dw + (<usize>c << 2), load<f32>(p + <usize>c * patchBytes));
      dw += pixelBytes;
    }
  }
}

/** Whether channels can be read four at a time. */
// @ts-ignore: decorator
@inline
function lists4(OC: i32): bool {
  return ASC_FEATURE_SIMD && (OC & 3) == 0;
}

/** Lists (gradient, patch address) of channel o in `images` images from n on; the list's end goes to *end. */
function listWindows(
  list: usize, end: usize, s: ConvPoolArgs, n: i32, images: i32, o: i32, rowBytes: usize, places: usize,
): void {
  const rowStep = <i32>rowBytes * s.strideH, columnStep = (s.strideW * s.C) << 2;
  const pixelBytes = <usize>s.OC << 2;
  const offset = ((<usize>n * <usize>(s.PH * s.PW)) * <usize>s.OC + <usize>o) << 2;
  const cornerStep = s.poolStrideW * columnStep;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let m = n; m < n + images; m++) {
    const image = s.x + <usize>m * <usize>s.H * rowBytes;
    for (let i = 0; i < s.PH; i++) {
      let corner = <i32>image + (i * s.poolStrideH - s.poolTop) * rowStep - s.poolLeft * columnStep;
      for (let j = s.PW; j > 0; j--) {
        const place = load<i32>(at);
        const g = load<f32>(dy);
        store<f32>(list, g);
        store<i32>(list, corner + load<i32>(places + (<usize>place << 2)), 4);
        // No branch: an entry that carries nothing is overwritten by the next one.
        list += <usize>(i32(place >= 0) & i32(g != 0)) << 3;
        corner += cornerStep;
        dy += pixelBytes;
        at += pixelBytes;
      }
    }
  }
  store<u32>(end, <u32>list);
}

/** listWindows for the four channels from o on, into lists listBytes apart; their ends go to ends[4]. */
function listFour(
  list: usize, listBytes: usize, ends: usize, s: ConvPoolArgs, n: i32, images: i32, o: i32, rowBytes: usize,
): void {
  const rowStep = <i32>rowBytes * s.strideH, columnStep = (s.strideW * s.C) << 2;
  const pixelBytes = <usize>s.OC << 2;
  const offset = ((<usize>n * <usize>(s.PH * s.PW)) * <usize>s.OC + <usize>o) << 2;
  const cornerStep = s.poolStrideW * columnStep;
  // place = row * poolW + column, so its bytes are place * columnStep + row * (rowStep - poolW * columnStep), with
  // row = place / poolW by a multiplication that is exact for the few places of a window.
  const reciprocal = 65536 / s.poolW + 1, rowRest = rowStep - s.poolW * columnStep;
  let list0 = list, list1 = list0 + listBytes, list2 = list1 + listBytes, list3 = list2 + listBytes;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let m = n; m < n + images; m++) {
    const image = s.x + <usize>m * <usize>s.H * rowBytes;
    for (let i = 0; i < s.PH; i++) {
      let corner = <i32>image + (i * s.poolStrideH - s.poolTop) * rowStep - s.poolLeft * columnStep;
      for (let j = s.PW; j > 0; j--) {
        const place = v128.load(at), g = v128.load(dy);
        const row = i32x4.shr_u(i32x4.mul(place, i32x4.splat(reciprocal)), 16);
        const address = i32x4.add(
          i32x4.splat(corner),
          i32x4.add(i32x4.mul(place, i32x4.splat(columnStep)), i32x4.mul(row, i32x4.splat(rowRest))),
        );
        const carries = i32x4.bitmask(v128.andnot(f32x4.ne(g, f32x4.splat(0)), place));
        const front = v128.shuffle<i32>(g, address, 0, 4, 1, 5), back = v128.shuffle<i32>(g, address, 2, 6, 3, 7);
        v128.store64_lane(list0, front, 0);
        v128.store64_lane(list1, front, 1);
        v128.store64_lane(list2, back, 0);
        v128.store64_lane(list3, back, 1);
        list0 += <usize>((carries << 3) & 8);
        list1 += <usize>((carries << 2) & 8);
        list2 += <usize>((carries << 1) & 8);
        list3 += <usize>(carries & 8);
        corner += cornerStep;
        dy += pixelBytes;
        at += pixelBytes;
      }
    }
  }
  store<u32>(ends, <u32>list0);
  store<u32>(ends, <u32>list1, 4);
  store<u32>(ends, <u32>list2, 8);
  store<u32>(ends, <u32>list3, 12);
}

/** out += sum of the list's gradients. */
function addGradients(out: usize, list: usize, n: i32): void {
  let a: f32 = 0, b: f32 = 0;
  for (; n >= 2; n -= 2, list += 16) {
    a += load<f32>(list);
    b += load<f32>(list, 8);
  }
  if (n) a += load<f32>(list);
  store<f32>(out, load<f32>(out) + (a + b));
}

/** out[OC, KH, paddedRun] from w[KH, KW, C, OC], padding zero: what backwardInput reads. One task is one channel. */
export function packFilterRows(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const run = s.KW * s.C, padded = paddedRun(s);
  let out = s.y + ((<usize>task * <usize>s.KH * <usize>padded) << 2);
  let w = s.w + (<usize>task << 2);
  for (let r = 0; r < s.KH; r++) {
    for (let k = 0; k < padded; k++) {
      store<f32>(out, k < run ? load<f32>(w) : 0);
      out += 4;
      if (k < run) w += <usize>s.OC << 2;
    }
  }
}

/**
 * dx from dy, argmax and packed w; overwrites. One task is one image. A window's channels are sorted by the place of
 * their winner, so that those of one patch are summed in registers.
 * Scratch: 8 bytes, poolH * poolW lists of OC entries of 8 bytes, poolH * poolW + 1 ends of 4 bytes and 16 bytes, then H * W * C + 16 f32 where dx is
 * cropped or a patch row is no multiple of 4.
 */
export function convPoolBackwardInput(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const OC = s.OC, run = s.KW * s.C;
  const places = s.poolH * s.poolW;
  const listBytes = <usize>OC << 3;
  // One list more, before the first, takes what carries nothing: place -1.
  const lists = scratch + 8;
  const ends = lists + <usize>places * listBytes + 4;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const crop = s.cropH != s.H || s.cropW != s.W;
  // Rows are added in whole vectors: the last of a run may reach beyond, where other tasks write, so not in place.
  const apart = crop || (run & 3) != 0;
  const out = s.x + ((<usize>task * <usize>s.cropH * <usize>s.cropW * <usize>s.C) << 2);
  const dx = apart ? (ends + (<usize>places << 2) + 15) & ~15 : out;
  memory.fill(dx, 0, <usize>s.H * rowBytes);
  const packedRow = <usize>paddedRun(s) << 2;
  const filterBytes = <usize>s.KH * packedRow;
  const rowStep = <usize>s.strideH * rowBytes, columnStep = (<usize>s.strideW * <usize>s.C) << 2;
  const offset = (<usize>task * <usize>(s.PH * s.PW) * <usize>OC) << 2;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let i = 0; i < s.PH; i++) {
    for (let j = 0; j < s.PW; j++) {
      store<u32>(ends - 4, <u32>scratch);
      for (let k = 0; k < places; k++) store<u32>(ends + (<usize>k << 2), <u32>(lists + <usize>k * listBytes));
      let filter = s.w;
      for (let o = 0; o < OC; o++) {
        const g = load<f32>(dy);
        const place = select<i32>(load<i32>(at), -1, g != 0);
        const end = ends + (<usize>place << 2);
        const list = <usize>load<u32>(end);
        store<f32>(list, g);
        store<u32>(list, <u32>filter, 4);
        store<u32>(end, <u32>(list + (<usize>(place >= 0) << 3)));
        filter += filterBytes;
        dy += 4;
        at += 4;
      }
      for (let k = 0; k < places; k++) {
        const list = lists + <usize>k * listBytes;
        const n = <i32>((<usize>load<u32>(ends + (<usize>k << 2)) - list) >>> 3);
        if (n == 0) continue;
        const r = i * s.poolStrideH - s.poolTop + k / s.poolW, q = j * s.poolStrideW - s.poolLeft + k % s.poolW;
        let to = dx + <usize>r * rowStep + <usize>q * columnStep;
        for (let h = 0; h < s.KH; h++) {
          if (ASC_FEATURE_SIMD) combineRun<v128>(to, list, n, <usize>h * packedRow, run);
          else combineRun<f32>(to, list, n, <usize>h * packedRow, run);
          to += rowBytes;
        }
      }
    }
  }
  if (!apart) return;
  const lineBytes = (<usize>s.cropW * <usize>s.C) << 2;
  for (let i = 0; i < s.cropH; i++) {
    memory.copy(
      out + <usize>i * lineBytes, dx + <usize>(i + s.top) * rowBytes + ((<usize>s.left * <usize>s.C) << 2), lineBytes,
    );
  }
}
