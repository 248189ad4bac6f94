import { DepthwiseArgs } from "./depthwise-args";
import {
  FAINT, lanes, madd, splat, vload, vpmin, vrelu, vstore, vstorePart, vzeroWhereLessEqual,
} from "../simd";

// Depthwise convolution with filters 3 or 5 cells wide, in steps of 1 or 2 cells. A pixel's channels lie side by side, so a walk
// along a row would meet those of all others in between, each cell at an address of its own. Here a vector of channels has its own
// plane: rows of a band of the image are copied there, with the zeros around them, so that the cells of an output lie at constant
// distances and no output is at an edge. Sums run over r, then q, as in depthwise.ts.

/** Channels that are taken at once: a cache line of each cell. */
// @host
// @ts-ignore: decorator
@inline
export const PLANE_CHANNELS: i32 = 16;
/** Bytes of a band, about, where an image has more rows: some of an L2 cache. */
// @host
// @ts-ignore: decorator
@inline
export const BAND_BYTES: i32 = 49152;

/** Whether these kernels do a convolution. */
// @host
// @ts-ignore: decorator
@inline
export function inPlanes(KW: i32, strideW: i32, dilation: i32, multiplier: i32, left: i32): bool {
  return dilation == 1 && multiplier == 1 && strideW <= 2 && left >= 0 && (KW == 3 || KW == 5);
}

/** Outputs that are computed at once: as many as registers hold, with a row of the filter and the cells; 3 where that leaves none over. */
// @host
// @ts-ignore: decorator
@inline
export function manyInPlanes(OW: i32, KW: i32, strideW: i32): i32 {
  return KW == 5 ? (strideW == 1 ? 3 : 2) : strideW == 2 || OW == 3 || OW == 6 ? 3 : 4;
}

/** Cells in a row of a plane: what the outputs read, those that are computed beside the last, too. */
// @host
// @ts-ignore: decorator
@inline
export function planeWidth(OW: i32, KW: i32, strideW: i32): i32 {
  return (wholeOutputs(OW, manyInPlanes(OW, KW, strideW)) - 1) * strideW + KW;
}

// @host
// @ts-ignore: decorator
@inline
export function wholeOutputs(OW: i32, many: i32): i32 {
  return (OW + many - 1) / many * many;
}

/** Output rows of a band of planes so wide. */
// @host
// @ts-ignore: decorator
@inline
export function bandOutputs(width: i32, KH: i32, strideH: i32): i32 {
  return max(0, BAND_BYTES / (4 * PLANE_CHANNELS * width) - KH) / strideH + 1;
}

/** Rows in a band, of a task of so many output rows. */
// @host
// @ts-ignore: decorator
@inline
export function bandRows(width: i32, KH: i32, strideH: i32, rows: i32): i32 {
  return (min(bandOutputs(width, KH, strideH), rows) - 1) * strideH + KH;
}

/** Scratch of depthwiseForward, where inPlanes(): a band, and the filters of its channels; `rows`: output rows in a task. */
// @host
// @ts-ignore: decorator
@inline
export function planesScratch(OW: i32, KH: i32, KW: i32, strideH: i32, strideW: i32, rows: i32): usize {
  return 4 * <usize>PLANE_CHANNELS * <usize>(bandCells(planeWidth(OW, KW, strideW), KH, strideH, rows) + KH * KW);
}

// @host
// @ts-ignore: decorator
@inline
export function bandCells(width: i32, KH: i32, strideH: i32, rows: i32): i32 {
  return bandRows(width, KH, strideH, rows) * width;
}

/** What is stored of v: with relu 1 max(v, 0), with 2 min(max(v, 0), 6). */
// @ts-ignore: decorator
@inline
export function bounded<V>(v: V, relu: i32): V {
  if (relu) v = vrelu<V>(v);
  return relu > 1 ? vpmin<V>(v, splat<V>(6)) : v;
}

/** y + the products of the cells from k on with a row of the filter. */
// @ts-ignore: decorator
@inline
function taps<V>(KW: i32, k: usize, x: usize, f0: V, f1: V, f2: V, f3: V, f4: V, y: V): V {
  y = madd<V>(vload<V>(x, k * sizeof<V>()), f0, y);
  y = madd<V>(vload<V>(x, (k + 1) * sizeof<V>()), f1, y);
  y = madd<V>(vload<V>(x, (k + 2) * sizeof<V>()), f2, y);
  if (KW == 5) {
    y = madd<V>(vload<V>(x, (k + 3) * sizeof<V>()), f3, y);
    y = madd<V>(vload<V>(x, (k + 4) * sizeof<V>()), f4, y);
  }
  return y;
}

/**
 * Output rows i .. end - 1 of a vector of channels, the first n of which are stored. `plane` has the image's rows from `first`
 * on, `line` bytes each, `filter` the filter as [KH, KW] vectors. KW, S, many: constants.
 */
// @ts-ignore: decorator
@inline
function rowsOf<V>(
  KW: i32, S: usize, many: i32, s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize,
  filter: usize, bias: usize,
): void {
  const b = bias ? vload<V>(bias) : splat<V>(0);
  // Nothing is less than NaN.
  const floor = splat<V>(s.relu ? FAINT : f32.NaN), most = splat<V>(s.relu > 1 ? 6 : Infinity);
  const pixel = <usize>s.C << 2;
  for (; i < end; i++) {
    const at = i * s.strideH - s.top;
    const r0 = max(0, -at), rows = min(s.KH, s.H - at) - r0;
    let from = plane + <usize>max(0, at + r0 - first) * line;
    const f = filter + <usize>(r0 * KW) * sizeof<V>();
    for (let count = s.OW; count > 0; count -= many) {
      let y0 = b, y1 = b, y2 = b, y3 = b;
      let x = from, w = f;
      for (let r = rows; r > 0; r--) {
        const f0 = vload<V>(w), f1 = vload<V>(w, sizeof<V>()), f2 = vload<V>(w, 2 * sizeof<V>());
        const f3 = KW == 5 ? vload<V>(w, 3 * sizeof<V>()) : f2, f4 = KW == 5 ? vload<V>(w, 4 * sizeof<V>()) : f2;
        y0 = taps<V>(KW, 0, x, f0, f1, f2, f3, f4, y0);
        y1 = taps<V>(KW, S, x, f0, f1, f2, f3, f4, y1);
        if (many > 2) y2 = taps<V>(KW, 2 * S, x, f0, f1, f2, f3, f4, y2);
        if (many > 3) y3 = taps<V>(KW, 3 * S, x, f0, f1, f2, f3, f4, y3);
        x += line;
        w += <usize>KW * sizeof<V>();
      }
      y0 = vpmin<V>(vzeroWhereLessEqual<V>(y0, floor, y0), most);
      y1 = vpmin<V>(vzeroWhereLessEqual<V>(y1, floor, y1), most);
      if (many > 2) y2 = vpmin<V>(vzeroWhereLessEqual<V>(y2, floor, y2), most);
      if (many > 3) y3 = vpmin<V>(vzeroWhereLessEqual<V>(y3, floor, y3), most);
      if (n >= lanes<V>() && count >= many) {
        vstore<V>(y, y0);
        y += pixel;
        vstore<V>(y, y1);
        y += pixel;
        if (many > 2) {
          vstore<V>(y, y2);
          y += pixel;
        }
        if (many > 3) {
          vstore<V>(y, y3);
          y += pixel;
        }
      } else {
        vstorePart<V>(y, y0, n);
        if (count > 1) vstorePart<V>(y + pixel, y1, n);
        if (many > 2 && count > 2) vstorePart<V>(y + 2 * pixel, y2, n);
        if (many > 3 && count > 3) vstorePart<V>(y + 3 * pixel, y3, n);
        y += <usize>min(count, many) * pixel;
      }
      from += <usize>many * S * sizeof<V>();
    }
  }
}

// A function for each form, as V8 gives a function's loops all of its registers.
function threeByFour<V>(
  s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize, filter: usize, bias: usize,
): void {
  rowsOf<V>(3, 1, 4, s, y, n, i, end, plane, first, line, filter, bias);
}

function threeByThree<V>(
  s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize, filter: usize, bias: usize,
): void {
  rowsOf<V>(3, 1, 3, s, y, n, i, end, plane, first, line, filter, bias);
}

function threeInSteps<V>(
  s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize, filter: usize, bias: usize,
): void {
  rowsOf<V>(3, 2, 3, s, y, n, i, end, plane, first, line, filter, bias);
}

function five<V>(
  s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize, filter: usize, bias: usize,
): void {
  rowsOf<V>(5, 1, 3, s, y, n, i, end, plane, first, line, filter, bias);
}

function fiveInSteps<V>(
  s: DepthwiseArgs, y: usize, n: i32, i: i32, end: i32, plane: usize, first: i32, line: usize, filter: usize, bias: usize,
): void {
  rowsOf<V>(5, 2, 2, s, y, n, i, end, plane, first, line, filter, bias);
}

/** Rows of the image, from `x` on, to `planes` planes [rows][width] of vectors, `size` bytes apart, `left` cells into each row. */
function takeBand<V>(
  out: usize, x: usize, C: i32, imageW: i32, W: i32, rows: i32, planes: i32, line: usize, size: usize,
): void {
  const pixel = <usize>C << 2, rest = <usize>(imageW - W) * pixel;
  for (; rows > 0; rows--) {
    let to = out;
    if (isVector<V>() && planes == 4) {
      const out1 = size, out2 = 2 * size, out3 = out1 + out2;
      for (let j = W; j > 0; j--) {
        vstore<V>(to, vload<V>(x));
        vstore<V>(to + out1, vload<V>(x, sizeof<V>()));
        vstore<V>(to + out2, vload<V>(x, 2 * sizeof<V>()));
        vstore<V>(to + out3, vload<V>(x, 3 * sizeof<V>()));
        x += pixel;
        to += sizeof<V>();
      }
    } else {
      for (let j = W; j > 0; j--) {
        let from = x, p = to;
        for (let k = planes; k > 0; k--, p += size, from += sizeof<V>()) vstore<V>(p, vload<V>(from));
        x += pixel;
        to += sizeof<V>();
      }
    }
    out += line;
    x += rest;
  }
}

// @ts-ignore: decorator
@inline
function planesOf<V>(s: DepthwiseArgs, image: usize, out: usize, i0: i32, i1: i32, c0: i32, c1: i32, scratch: usize): void {
  const C = s.C, KH = s.KH, KW = s.KW, S = s.strideH, OW = s.OW, left = s.left;
  const width = planeWidth(OW, KW, s.strideW), most = bandRows(width, KH, S, s.grain), many = manyInPlanes(OW, KW, s.strideW);
  const line = <usize>width * sizeof<V>(), size = <usize>most * line;
  // Cells that lie right of what is read are of no output.
  const W = min(s.W, width - left);
  const each = (most - KH) / S + 1, taps = KH * KW;
  const pixel = <usize>C << 2;
  const filters = scratch + <usize>(4 * PLANE_CHANNELS) * <usize>(most * width);
  // Cells of the image come between zeros that stay.
  memory.fill(scratch, 0, <usize>(min(c1 - c0, PLANE_CHANNELS) + lanes<V>() - 1) / lanes<V>() * size);
  for (let c = c0; c < c1; c += PLANE_CHANNELS) {
    const channels = min(c1 - c, PLANE_CHANNELS), planes = (channels + lanes<V>() - 1) / lanes<V>();
    const o = <usize>c << 2;
    let to = filters;
    for (let p = 0; p < planes; p++) {
      let w = s.w + o + <usize>p * sizeof<V>();
      for (let k = taps; k > 0; k--, to += sizeof<V>(), w += pixel) vstore<V>(to, vload<V>(w));
    }
    for (let i = i0; i < i1; i += each) {
      const end = min(i + each, i1);
      const first = max(0, i * S - s.top), last = min(s.H, (end - 1) * S - s.top + KH);
      const x = image + <usize>(first * s.W) * pixel + o;
      takeBand<V>(scratch + <usize>left * sizeof<V>(), x, C, s.W, W, last - first, planes, line, size);
      let plane = scratch, filter = filters, y = out + <usize>(i * OW) * pixel + o, bias = s.bias ? s.bias + o : 0;
      for (let n = channels; n > 0; n -= lanes<V>()) {
        if (KW == 3) {
          if (s.strideW == 2) threeInSteps<V>(s, y, n, i, end, plane, first, line, filter, bias);
          else if (many == 4) threeByFour<V>(s, y, n, i, end, plane, first, line, filter, bias);
          else threeByThree<V>(s, y, n, i, end, plane, first, line, filter, bias);
        } else if (s.strideW == 2) fiveInSteps<V>(s, y, n, i, end, plane, first, line, filter, bias);
        else five<V>(s, y, n, i, end, plane, first, line, filter, bias);
        plane += size;
        filter += <usize>taps * sizeof<V>();
        y += sizeof<V>();
        if (bias) bias += sizeof<V>();
      }
    }
  }
}

/** Output rows i0 .. i1 - 1 of channels c0 .. c1 - 1 of one image. */
export function planesForward(
  s: DepthwiseArgs, image: usize, out: usize, i0: i32, i1: i32, c0: i32, c1: i32, scratch: usize,
): void {
  if (ASC_FEATURE_SIMD) planesOf<v128>(s, image, out, i0, i1, c0, c1, scratch);
  else planesOf<f32>(s, image, out, i0, i1, c0, c1, scratch);
}
