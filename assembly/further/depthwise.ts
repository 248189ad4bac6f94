import { lanes, madd, splat, vload, vstorePart } from "../simd";
import { DepthwiseArgs } from "./depthwise-args";
import { bounded, inPlanes, planesForward } from "./depthwise-planes";

/** The taps r0 .. r1 - 1 of `taps` that lie inside of `size` cells, the first of them at `at`. */
// @ts-ignore: decorator
@inline
function firstTap(at: i32, dilation: i32): i32 {
  return at < 0 ? (dilation - 1 - at) / dilation : 0;
}

// @ts-ignore: decorator
@inline
function lastTap(at: i32, dilation: i32, taps: i32, size: i32): i32 {
  return at >= size ? 0 : min(taps, (size - 1 - at) / dilation + 1);
}

/** Output columns j0 .. j1 - 1 for which all taps q .. q + taps - 1 lie inside of the image. */
// @ts-ignore: decorator
@inline
function firstColumn(s: DepthwiseArgs, q: i32): i32 {
  const at = s.left - q * s.dilationW;
  return at > 0 ? (at + s.strideW - 1) / s.strideW : 0;
}

// @ts-ignore: decorator
@inline
function lastColumn(s: DepthwiseArgs, q: i32, taps: i32): i32 {
  const room = s.W - 1 + s.left - (q + taps - 1) * s.dilationW;
  return room < 0 ? 0 : min(s.OW, room / s.strideW + 1);
}

/**
 * `count` (1..4) neighbouring outputs of one vector of channels, the first n of it stored. x: the first output's first tap;
 * step bytes from output to output, tap from tap to tap, row from row to row; likewise wTap and wRow.
 */
// @ts-ignore: decorator
@inline
function strip<V>(
  y: usize, yStep: usize, count: i32, n: i32, x: usize, step: usize, tap: usize, row: usize,
  w: usize, wTap: usize, wRow: usize, rows: i32, taps: i32, bias: usize, relu: i32,
): void {
  const b = bias ? vload<V>(bias) : splat<V>(0);
  let y0 = b, y1 = b, y2 = b, y3 = b;
  // Outputs that do not exist read the cells of the first.
  const x1 = count > 1 ? step : 0, x2 = count > 2 ? 2 * step : 0, x3 = count > 3 ? 3 * step : 0;
  for (; rows > 0; rows--) {
    let p = x, f = w;
    for (let q = taps; q > 0; q--) {
      const v = vload<V>(f);
      y0 = madd<V>(vload<V>(p), v, y0);
      y1 = madd<V>(vload<V>(p + x1), v, y1);
      y2 = madd<V>(vload<V>(p + x2), v, y2);
      y3 = madd<V>(vload<V>(p + x3), v, y3);
      p += tap;
      f += wTap;
    }
    x += row;
    w += wRow;
  }
  vstorePart<V>(y, bounded<V>(y0, relu), n);
  if (count > 1) vstorePart<V>(y + yStep, bounded<V>(y1, relu), n);
  if (count > 2) vstorePart<V>(y + 2 * yStep, bounded<V>(y2, relu), n);
  if (count > 3) vstorePart<V>(y + 3 * yStep, bounded<V>(y3, relu), n);
}

/** Output rows i0 .. i1 - 1 of channels c0 .. c1 - 1 of one image. V of one lane where there is a multiplier: neighbouring outputs then share a cell. */
// @ts-ignore: decorator
@inline
function forwardRows<V>(s: DepthwiseArgs, image: usize, out: usize, i0: i32, i1: i32, c0: i32, c1: i32): void {
  const C = s.C, M = s.multiplier, OC = C * M, KW = s.KW;
  const pixel = <usize>C << 2, line = <usize>s.W * pixel, outPixel = <usize>OC << 2;
  const step = <usize>s.strideW * pixel, tap = <usize>s.dilationW * pixel, row = <usize>s.dilationH * line;
  const wRow = <usize>KW * outPixel;
  const whole0 = min(firstColumn(s, 0), s.OW), whole1 = max(whole0, lastColumn(s, 0, KW));
  for (let i = i0; i < i1; i++) {
    const at = i * s.strideH - s.top;
    const r0 = firstTap(at, s.dilationH), rows = lastTap(at, s.dilationH, s.KH, s.H) - r0;
    const first = image + <usize>(at + r0 * s.dilationH) * line;
    const filter = s.w + <usize>r0 * wRow;
    const y = out + <usize>(i * s.OW) * outPixel;
    for (let c = c0; c < c1; c += lanes<V>()) {
      const n = c1 - c;
      const w = filter + (<usize>c << 2), bias = s.bias ? s.bias + (<usize>c << 2) : 0;
      const x = first + (<usize>(M == 1 ? c : c / M) << 2);
      let to = y + (<usize>c << 2);
      let j = 0;
      while (j < s.OW) {
        if (j >= whole0 && j < whole1) {
          const p = x + <usize>(j * s.strideW - s.left) * pixel;
          const count = min(4, whole1 - j);
          strip<V>(to, outPixel, count, n, p, step, tap, row, w, outPixel, wRow, rows, KW, bias, s.relu);
          j += count;
          to += <usize>count * outPixel;
        } else {
          const side = j * s.strideW - s.left;
          const q0 = firstTap(side, s.dilationW), taps = lastTap(side, s.dilationW, KW, s.W) - q0;
          strip<V>(
            to, outPixel, 1, n, x + <usize>(side + q0 * s.dilationW) * pixel, 0, tap, row,
            w + <usize>q0 * outPixel, outPixel, wRow, rows, taps, bias, s.relu,
          );
          j++;
          to += outPixel;
        }
      }
    }
  }
}

/**
 * y; overwrites. One task is `grain` output rows of `channels` channels of an image:
 * tasks = batch * ceil(OH / grain) * ceil(C*M / channels), channels innermost. Scratch: planesScratch(), where inPlanes().
 */
export function depthwiseForward(s: DepthwiseArgs, task: i32, scratch: usize): void {
  const OC = s.C * s.multiplier;
  const across = (OC + s.channels - 1) / s.channels, down = (s.OH + s.grain - 1) / s.grain;
  const c0 = task % across * s.channels, c1 = min(c0 + s.channels, OC), part = task / across;
  const n = part / down, i0 = part % down * s.grain, i1 = min(i0 + s.grain, s.OH);
  const image = s.x + ((<usize>n * <usize>(s.H * s.W) * <usize>s.C) << 2);
  const out = s.y + ((<usize>n * <usize>(s.OH * s.OW) * <usize>OC) << 2);
  if (inPlanes(s.KW, s.strideW, max(s.dilationH, s.dilationW), s.multiplier, s.left)) {
    planesForward(s, image, out, i0, i1, c0, c1, scratch);
  } else if (ASC_FEATURE_SIMD && s.multiplier == 1) forwardRows<v128>(s, image, out, i0, i1, c0, c1);
  else forwardRows<f32>(s, image, out, i0, i1, c0, c1);
}

// @ts-ignore: decorator
@inline
function scatter<V>(s: DepthwiseArgs, dx: usize, dy: usize): void {
  const C = s.C, M = s.multiplier, OC = C * M;
  const pixel = <usize>C << 2, line = <usize>s.W * pixel, outPixel = <usize>OC << 2;
  for (let i = 0; i < s.OH; i++) {
    const at = i * s.strideH - s.top;
    const r0 = firstTap(at, s.dilationH), r1 = lastTap(at, s.dilationH, s.KH, s.H);
    for (let j = 0; j < s.OW; j++) {
      const side = j * s.strideW - s.left;
      const q0 = firstTap(side, s.dilationW), q1 = lastTap(side, s.dilationW, s.KW, s.W);
      for (let r = r0; r < r1; r++) {
        for (let q = q0; q < q1; q++) {
          const to = dx + <usize>(at + r * s.dilationH) * line + <usize>(side + q * s.dilationW) * pixel;
          const w = s.w + <usize>(r * s.KW + q) * outPixel;
          for (let c = 0; c < OC; c += lanes<V>()) {
            const o = <usize>c << 2, p = to + (M == 1 ? o : <usize>(c / M) << 2);
            vstorePart<V>(p, madd<V>(vload<V>(dy + o), vload<V>(w + o), vload<V>(p)), OC - c);
          }
        }
      }
      dy += outPixel;
    }
  }
}

/**
 * dx of any strides; overwrites. One task is one image. Where neither strides nor a multiplier are greater than 1, depthwiseForward
 * gives it sooner: of dy, with the taps in reverse.
 */
export function depthwiseBackwardInput(s: DepthwiseArgs, task: i32, scratch: usize): void {
  const imageBytes = (<usize>(s.H * s.W) * <usize>s.C) << 2;
  const dx = s.x + <usize>task * imageBytes;
  const dy = s.y + ((<usize>task * <usize>(s.OH * s.OW) * <usize>(s.C * s.multiplier)) << 2);
  memory.fill(dx, 0, imageBytes);
  if (ASC_FEATURE_SIMD && s.multiplier == 1) scatter<v128>(s, dx, dy);
  else scatter<f32>(s, dx, dy);
}

/** Channels in one task of backwardFilter: a cache line of them. */
// @host
export const DEPTHWISE_CHANNELS: i32 = 16;

/** Adds sum over j of x[j] dy[j] to the vectors at dw, for 3 taps side by side. */
// @ts-ignore: decorator
@inline
function threeTaps<V>(
  dw: usize, wTap: usize, n: i32, x: usize, step: usize, tap: usize, dy: usize, dyStep: usize, count: i32,
): void {
  const wTap2 = 2 * wTap, tap2 = 2 * tap;
  let a0 = vload<V>(dw), a1 = vload<V>(dw + wTap), a2 = vload<V>(dw + wTap2);
  for (; count > 0; count--) {
    const g = vload<V>(dy);
    a0 = madd<V>(vload<V>(x), g, a0);
    a1 = madd<V>(vload<V>(x + tap), g, a1);
    a2 = madd<V>(vload<V>(x + tap2), g, a2);
    x += step;
    dy += dyStep;
  }
  vstorePart<V>(dw, a0, n);
  vstorePart<V>(dw + wTap, a1, n);
  vstorePart<V>(dw + wTap2, a2, n);
}

// @ts-ignore: decorator
@inline
function oneTap<V>(dw: usize, n: i32, x: usize, step: usize, dy: usize, dyStep: usize, count: i32): void {
  let a = vload<V>(dw);
  for (; count > 0; count--) {
    a = madd<V>(vload<V>(x), vload<V>(dy), a);
    x += step;
    dy += dyStep;
  }
  vstorePart<V>(dw, a, n);
}

// @ts-ignore: decorator
@inline
function addFilterGradient<V>(s: DepthwiseArgs, dw: usize, image: usize, dy: usize, c0: i32, c1: i32): void {
  const C = s.C, M = s.multiplier, OC = C * M, KW = s.KW;
  const pixel = <usize>C << 2, line = <usize>s.W * pixel, outPixel = <usize>OC << 2;
  const step = <usize>s.strideW * pixel, tap = <usize>s.dilationW * pixel;
  for (let i = 0; i < s.OH; i++) {
    const at = i * s.strideH - s.top;
    const r1 = lastTap(at, s.dilationH, s.KH, s.H);
    const gradients = dy + <usize>(i * s.OW) * outPixel;
    for (let r = firstTap(at, s.dilationH); r < r1; r++) {
      const row = image + <usize>(at + r * s.dilationH) * line;
      for (let q = 0; q < KW; ) {
        const three = q + 3 <= KW;
        // Of three taps the columns that all of them have; what some have beside those follows one by one.
        const j0 = min(firstColumn(s, q), s.OW), j1 = max(j0, lastColumn(s, q, three ? 3 : 1));
        for (let c = c0; c < c1; c += lanes<V>()) {
          const n = c1 - c;
          const o = <usize>c << 2;
          const g = gradients + o, x = row + (M == 1 ? o : <usize>(c / M) << 2);
          const to = dw + <usize>(r * KW + q) * outPixel + o;
          const from = x + <usize>(j0 * s.strideW - s.left + q * s.dilationW) * pixel;
          if (!three) {
            oneTap<V>(to, n, from, step, g + <usize>j0 * outPixel, outPixel, j1 - j0);
            continue;
          }
          threeTaps<V>(to, outPixel, n, from, step, tap, g + <usize>j0 * outPixel, outPixel, j1 - j0);
          for (let k = 0; k < 3; k++) {
            const a0 = min(firstColumn(s, q + k), s.OW), a1 = max(a0, lastColumn(s, q + k, 1));
            const own = x + <usize>(a0 * s.strideW - s.left + (q + k) * s.dilationW) * pixel;
            const before = j1 > j0 ? j0 : a1, after = j1 > j0 ? j1 : a1;
            oneTap<V>(to + <usize>k * outPixel, n, own, step, g + <usize>a0 * outPixel, outPixel, before - a0);
            oneTap<V>(
              to + <usize>k * outPixel, n, own + <usize>(after - a0) * step, step, g + <usize>after * outPixel, outPixel,
              a1 - after,
            );
          }
        }
        q += three ? 3 : 1;
      }
    }
  }
}

/**
 * dw of each group of `grain` images; overwrites. One task is DEPTHWISE_CHANNELS channels of one group, over its images in order, so
 * that sums do not depend on the number of threads: tasks = ceil(batch / grain) * ceil(C*M / DEPTHWISE_CHANNELS).
 */
export function depthwiseBackwardFilter(s: DepthwiseArgs, task: i32, scratch: usize): void {
  const OC = s.C * s.multiplier;
  const blocks = (OC + DEPTHWISE_CHANNELS - 1) / DEPTHWISE_CHANNELS;
  const group = task / blocks, c0 = task % blocks * DEPTHWISE_CHANNELS, c1 = min(c0 + DEPTHWISE_CHANNELS, OC);
  const taps = s.KH * s.KW;
  const dw = s.w + (<usize>(group * taps) * <usize>OC << 2);
  for (let k = 0; k < taps; k++) memory.fill(dw + (<usize>(k * OC + c0) << 2), 0, <usize>(c1 - c0) << 2);
  const n1 = min((group + 1) * s.grain, s.batch);
  for (let n = group * s.grain; n < n1; n++) {
    const image = s.x + ((<usize>n * <usize>(s.H * s.W) * <usize>s.C) << 2);
    const dy = s.y + ((<usize>n * <usize>(s.OH * s.OW) * <usize>OC) << 2);
    if (ASC_FEATURE_SIMD && s.multiplier == 1) addFilterGradient<v128>(s, dw, image, dy, c0, c1);
    else addFilterGradient<f32>(s, dw, image, dy, c0, c1);
  }
}

/** Taps of a filter in reverse: out[taps - 1 - k, C] = w[k, C]. One task. */
@unmanaged
export class ReverseTapsArgs {
  out: usize;
  w: usize;
  taps: i32;
  C: i32;
}

export function reverseTaps(s: ReverseTapsArgs, task: i32, scratch: usize): void {
  const bytes = <usize>s.C << 2;
  for (let k = 0; k < s.taps; k++) memory.copy(s.out + <usize>(s.taps - 1 - k) * bytes, s.w + <usize>k * bytes, bytes);
}
