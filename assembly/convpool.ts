import { ConvPoolArgs, columnsUnder, limitBytes, rowsUnder } from "./convpool-args";
import { SHORT_RUN } from "./conv2d";
import { crowded, decideFour, decidePair, decideWindow, doubts, lead, panelLimits, patchLimits } from "./convpool-doubts";
import {
  Pair, WIDE, both, high, isPair, lanes, loadSplat, low, madd, splat, vadd, vbytes, vload, vpmax, vpmin, vrelu, vstore, vstorePart, vsub,
} from "./simd";
import { PANEL, orZeros, tile } from "./tile";
import { inputTiles, outputTiles, panelBytes, planeBytes, tileProducts } from "./winograd";
import { SETTLED, ZERO, anyNonzero, flagBytes, flagPitch, mapBytes, mapTiles, windowKind } from "./winograd-zeros";

// Convolution + bias + relu + max pooling as one op. Forward, the convolution's output lives only in scratch, one
// panel of channels at a time, and what the pool drops is never computed. Backward: convpool-backward.ts.

/**
 * One task is `images` images. Scratch: directScratch of the outputs under `block` pooled rows, or windowScratch of the tiles
 * under them.
 */
export function convPoolForward(s: ConvPoolArgs, task: i32, scratch: usize): void {
  if (s.m) winogradWindows(s, task, scratch);
  else if (shortWindows(s)) {
    if (ASC_FEATURE_SIMD) windowsForward<v128>(s, task, scratch);
    else windowsForward<f32>(s, task, scratch);
  } else panelWindows(s, task, scratch);
}

// @ts-ignore: decorator
@inline
function usedColumns(s: ConvPoolArgs): i32 {
  return columnsUnder(s.OW, s.PW, s.poolStrideW, s.poolLeft, s.poolW);
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
  const gather = s.KW * s.C < SHORT_RUN;
  const run = gather ? K : s.KW * s.C;
  const segments = gather ? 1 : s.KH;
  const jump = gather ? 0 : rowBytes - (<usize>run << 2);
  const patchStep = gather ? <usize>K << 2 : (<usize>s.strideW * <usize>s.C) << 2;
  const blockRows = rowsUnder(s.OH, s.block, s.poolStrideH, s.poolH);
  const outputs = scratch + limitBytes(s.OC), patches = outputs + ((<usize>blockRows * <usize>columns) << 6);
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
      let c = outputs;
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
      pool(s, task, p, pooled, o, outputs, first, last, columns, columns, scratch, 0);
    }
  }
}

/**
 * Forward of `images` images by Winograd's products, `block` pooled rows at a time. Scratch: limits, the panel,
 * map, tiles, products, see windowScratch.
 */
function winogradWindows(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const m = s.m, t = m + 2, C = s.C;
  const n0 = task * s.images, images = min(s.images, s.batch - n0);
  const imageBytes = <usize>(s.H * s.W * C) << 2;
  const columns = usedColumns(s), across = (columns + m - 1) / m;
  const panel = scratch + limitBytes(s.OC);
  for (let p = 0; p < s.PH; p += s.block) {
    const pooled = min(s.block, s.PH - p);
    const first = firstRow(s, p), last = lastRow(s, p, pooled);
    const rows = (last - first + m - 1) / m, each = rows * across;
    const map = panel + (<usize>(each * m * m) << 6);
    const allFlags = map + (<usize>(images * each) << 2), flagsEach = <usize>flagBytes(m, rows, across);
    let tiles = 0;
    for (let k = 0; k < images; k++) {
      tiles = mapTiles(
        m, map + (<usize>(k * each) << 2), allFlags + <usize>k * flagsEach, s.x + <usize>(n0 + k) * imageBytes, s.H, s.W, C,
        first, 0, rows, across, last - first, columns, tiles,
      );
    }
    const vPlane = planeBytes(tiles, C), pPlane = planeBytes(tiles, PANEL);
    const v = map + mapBytes(m, images, rows, across);
    const products = v + <usize>(t * t) * vPlane, between = products + <usize>(t * t) * pPlane;
    for (let k = 0; k < images; k++) {
      inputTiles(
        m, v, vPlane, map + (<usize>(k * each) << 2), s.x + <usize>(n0 + k) * imageBytes, s.H, s.W, C, first, 0, rows, across,
        between,
      );
    }
    for (let o = 0; o < s.OC; o += PANEL) {
      const bias = s.bias ? s.bias + (<usize>o << 2) : 0;
      tileProducts(m, products, v, s.w + <usize>(o / PANEL) * panelBytes(m, C), tiles, C, bias);
      for (let k = 0; k < images; k++) {
        // The panel has room for whole tiles; those at its edge are computed whole.
        outputTiles(
          m, panel, products, pPlane, map + (<usize>(k * each) << 2), allFlags + <usize>k * flagsEach, rows, across,
          <usize>(across * m) << 6, PANEL << 2, rows * m, across * m, PANEL, 0, bias, between,
        );
        pool(s, n0 + k, p, pooled, o, panel, first, last, columns, across * m, scratch, allFlags + <usize>k * flagsEach);
      }
    }
  }
}

/**
 * Pools a panel of channels o .. o + 15, whose rows are first .. last - 1 and `width` pixels apart, into rows p .. of an
 * image of y. limits: room for 16. flags: of the outputs' patches, see mapTiles; 0 for none.
 */
function pool(
  s: ConvPoolArgs, image: i32, p: i32, pooled: i32, o: i32, panel: usize, first: i32, last: i32, columns: i32, width: i32,
  limits: usize, flags: usize,
): void {
  const bias = s.bias ? s.bias + (<usize>o << 2) : 0;
  if (ASC_FEATURE_SIMD) {
    if (s.argmax) panelLimits<v128>(limits, panel, last - first, columns, width, bias);
    if (WIDE) poolPanel<Pair>(panel, s, image, p, pooled, o, first, last, columns, width, limits, flags);
    else poolPanel<v128>(panel, s, image, p, pooled, o, first, last, columns, width, limits, flags);
  } else {
    if (s.argmax) panelLimits<f32>(limits, panel, last - first, columns, width, bias);
    poolPanel<f32>(panel, s, image, p, pooled, o, first, last, columns, width, limits, flags);
  }
}

/** Patches too short for panels to pay, as a first layer's, under 2x2 windows that tile the image. */
// @ts-ignore: decorator
@inline
function shortWindows(s: ConvPoolArgs): bool {
  return s.KH * s.KW * s.C <= 48 && s.poolH == 2 && s.poolW == 2 && s.poolStrideH == 2
    && s.poolStrideW == 2 && s.poolTop == 0 && s.poolLeft == 0 && 2 * s.PH <= s.OH && 2 * s.PW <= s.OW;
}

/** Forward of one image, window by window: four outputs of two vectors of channels in registers, pooled there. */
function windowsForward<V>(s: ConvPoolArgs, task: i32, limits: usize): void {
  const OC = s.OC, K = s.KH * s.KW * s.C;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const step = (<usize>s.strideW * <usize>s.C) << 2, rowStep = <usize>s.strideH * rowBytes;
  const at = (<usize>task * <usize>(s.PH * s.PW) * <usize>OC) << 2;
  let y = s.y + at, argmax = s.argmax ? s.argmax + at : 0;
  let line = s.x + <usize>task * <usize>s.H * rowBytes;
  const run = s.KW * s.C, jump = rowBytes - (<usize>run << 2);
  if (argmax) patchLimits<V>(limits, s, line);
  for (let i = 0; i < s.PH; i++) {
    let x = line;
    for (let j = 0; j < s.PW; j++) {
      if (zeroWindow(s, x, rowBytes)) biasWindow<V>(y, argmax, s);
      else {
        let o = 0;
        if (WIDE) {
          for (; o + PANEL / 2 < OC; o += PANEL) {
            const bytes = <usize>o << 2, panel = s.w + <usize>K * bytes;
            windowTile<Pair>(
              s, task, i, j, o, y + bytes, argmax ? argmax + bytes : 0, x, step, rowStep, jump, panel, run, limits + bytes,
            );
          }
        }
        for (; o < OC; o += 2 * lanes<V>()) {
          const panel = s.w + (((<usize>K * <usize>(o & ~15)) + <usize>(o & 15)) << 2);
          const bytes = <usize>o << 2;
          windowTile<V>(
            s, task, i, j, o, y + bytes, argmax ? argmax + bytes : 0, x, step, rowStep, jump, panel, run, limits + bytes,
          );
        }
      }
      x += 2 * step;
      y += <usize>OC << 2;
      if (argmax) argmax += <usize>OC << 2;
    }
    line += 2 * rowStep;
  }
}

/** Whether all that a 2x2 window's outputs see is zero, from x on. */
// @ts-ignore: decorator
@inline
function zeroWindow(s: ConvPoolArgs, x: usize, rowBytes: usize): bool {
  for (let r = s.KH + s.strideH; r > 0; r--, x += rowBytes) if (anyNonzero(x, (s.KW + s.strideW) * s.C)) return false;
  return true;
}

/** A 2x2 window whose outputs are all the bias. */
function biasWindow<V>(y: usize, argmax: usize, s: ConvPoolArgs): void {
  for (let o = 0; o < s.OC; o += lanes<V>()) {
    const bytes = <usize>o << 2, v = s.bias ? vload<V>(s.bias + bytes) : splat<V>(0);
    winner<V>(y + bytes, argmax ? argmax + bytes : 0, v, v, v, v, s.relu, s.OC - o, splat<V>(0));
  }
}

/** The window at (row, column) of an image, 2x2, whose patches begin at x: up to 2 * lanes<V>() channels from o on. */
// @ts-ignore: decorator
@inline
function windowTile<V>(
  s: ConvPoolArgs, image: i32, row: i32, column: i32, o: i32, y: usize, argmax: usize, x: usize, step: usize, rowStep: usize,
  jump: usize, w: usize, run: i32, limits: usize,
): void {
  const bias = orZeros(s.bias ? s.bias + (<usize>o << 2) : 0), n = s.OC - o;
  let KH = s.KH;
  let a0 = vload<V>(bias), a1 = vload<V>(bias, vbytes<V>());
  let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
  let xb = x + step, xc = x + rowStep, xd = xb + rowStep;
  do {
    let k = run;
    do {
      const w0 = vload<V>(w), w1 = vload<V>(w, vbytes<V>());
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
  const limit0 = vload<V>(limits), limit1 = vload<V>(limits, vbytes<V>());
  const doubts0 = winner<V>(y, argmax, a0, b0, c0, d0, s.relu, n, limit0);
  if (doubts0) decideWindowTile<V>(s, image, o, argmax, doubts0, row, column, a0, b0, c0, d0, limits);
  if (n <= lanes<V>()) return;
  const argmax1 = argmax ? argmax + vbytes<V>() : 0;
  const doubts1 = winner<V>(y + vbytes<V>(), argmax1, a1, b1, c1, d1, s.relu, n - lanes<V>(), limit1);
  if (doubts1) decideWindowTile<V>(s, image, o + lanes<V>(), argmax1, doubts1, row, column, a1, b1, c1, d1, limits + vbytes<V>());
}

/** See decideFour. Pairs go by way of memory, behind the limits: to take them apart at once would cost the loop over the patches. */
// @ts-ignore: decorator
@inline
function decideWindowTile<V>(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, near: i32, row: i32, column: i32, a: V, b: V, c: V, d: V, limits: usize,
): void {
  if (isPair<V>()) {
    const outputs = limits - (<usize>o << 2) + limitBytes(s.OC);
    vstore<V>(outputs, a);
    vstore<V>(outputs + vbytes<V>(), b);
    vstore<V>(outputs + 2 * vbytes<V>(), c);
    vstore<V>(outputs + 3 * vbytes<V>(), d);
    decidePair(s, image, o, argmax, near, 2 * row, 2 * column, outputs, limits);
  } else decideFour<V>(s, image, o, argmax, near, 2 * row, 2 * column, a, b, c, d, vload<V>(limits));
}

/**
 * Stores the greatest of a window's four outputs, and its place. Returns a bit for each lane whose place is in doubt.
 */
// @ts-ignore: decorator
@inline
function winner<V>(
  y: usize, argmax: usize, a: V, b: V, c: V, d: V, relu: i32, n: i32, limit: V,
): i32 {
  const sum = vadd<V>(vadd<V>(a, b), vadd<V>(c, d)), zero = splat<V>(0);
  const ab = vpmax<V>(a, b), abc = vpmax<V>(ab, c), top = vpmax<V>(abc, d);
  let best = orNaN<V>(top, sum);
  if (relu) best = vrelu<V>(best);
  vstorePart<V>(y, best, n);
  if (!argmax) return 0;
  let at = laterPlace<V>(b, a, 1, bits<V>(0));
  at = laterPlace<V>(c, ab, 2, at);
  at = laterPlace<V>(d, abc, 3, at);
  if (relu) at = closedPlace<V>(best, at);
  vstorePart<V>(argmax, at, n);
  if (lanes<V>() == 1 && !crowded(a as f32, b as f32, c as f32, d as f32, top as f32, relu, limit as f32)) return 0;
  let next = vpmax<V>(vpmax<V>(vpmin<V>(a, b), vpmin<V>(ab, c)), vpmin<V>(abc, d));
  if (relu) next = vpmax<V>(next, vpmin<V>(top, zero));
  return doubts<V>(vsub<V>(best, next), limit);
}

/** where(a > b, k, at) lane by lane, for k above all that `at` can be. */
// @ts-ignore: decorator
@inline
function laterPlace<V>(a: V, b: V, k: i32, at: V): V {
  if (isPair<V>()) {
    return both(laterPlace<v128>(low(a), low(b), k, low(at)), laterPlace<v128>(high(a), high(b), k, high(at)));
  }
  if (isVector<V>()) return i32x4.max_s(at, v128.and(f32x4.gt(a, b), i32x4.splat(k)));
  const old = reinterpret<i32>(at as f32);
  return bits<V>(old ^ ((old ^ k) & -i32((a as f32) > (b as f32))));
}

/** -1 where relu is closed, that is where its output is 0; else at. */
// @ts-ignore: decorator
@inline
function closedPlace<V>(y: V, at: V): V {
  if (isPair<V>()) return both(closedPlace<v128>(low(y), low(at)), closedPlace<v128>(high(y), high(at)));
  if (isVector<V>()) return v128.or(at, f32x4.eq(y, f32x4.splat(0)));
  return select<V>(bits<V>(-1), at, (y as f32) == 0);
}

/** out[columns, K]: the patches of one output row, whose first input row is `line`. */
function gatherRow(out: usize, line: usize, columns: i32, s: ConvPoolArgs, rowBytes: usize): void {
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
  panel: usize, s: ConvPoolArgs, image: i32, p: i32, pooled: i32, o: i32, first: i32, last: i32, columns: i32, width: i32,
  limits: usize, flags: usize,
): void {
  const pitch = s.m ? flagPitch(s.m, width / s.m) : 0;
  const pixelBytes = <usize>s.OC << 2, widthBytes = <usize>width << 6;
  const two = s.poolH == 2 && s.poolW == 2, cols = min(s.OC - o, PANEL);
  const offset = (<usize>((image * s.PH + p) * s.PW) * <usize>s.OC + <usize>o) << 2;
  let y = s.y + offset, argmax = s.argmax ? s.argmax + offset : 0;
  for (let i = p; i < p + pooled; i++) {
    const top = i * s.poolStrideH - s.poolTop;
    const r0 = max(top, first), r1 = min(top + s.poolH, last);
    for (let j = 0; j < s.PW; j++) {
      const leftmost = j * s.poolStrideW - s.poolLeft;
      const q0 = max(leftmost, 0), q1 = min(leftmost + s.poolW, columns);
      const corner = panel + ((<usize>(r0 - first) * <usize>width + <usize>q0) << 6);
      const place = (r0 - top) * s.poolW + q0 - leftmost;
      const whole = two && r1 - r0 == 2 && q1 - q0 == 2;
      const patches = flags ? flags + <usize>((r0 - first) * pitch + q0) : 0;
      const kind = flags ? windowKind(patches, pitch, r1 - r0, q1 - q0) : SETTLED;
      let look = 0;
      for (let c = 0; c < cols; c += lanes<V>()) {
        const bytes = <usize>c << 2, to = argmax ? argmax + bytes : 0, at = corner + bytes;
        if (whole) {
          const below = at + widthBytes;
          const a = vload<V>(at), b = vload<V>(at, PANEL << 2), d = vload<V>(below), e = vload<V>(below, PANEL << 2);
          look |= winner<V>(y + bytes, to, a, b, d, e, s.relu, cols - c, vload<V>(limits + bytes)) << c;
        } else {
          poolCell<V>(y + bytes, to, at, r1 - r0, q1 - q0, widthBytes, place, s.poolW, s.relu, cols - c);
          if (argmax) look |= doubts<V>(lead<V>(at, r1 - r0, q1 - q0, widthBytes, s.relu), vload<V>(limits + bytes)) << c;
        }
      }
      if (look && kind != ZERO) {
        if (isPair<V>()) {
          decideWindow<v128>(
            s, image, o, argmax, look, corner, widthBytes, kind, patches, pitch, limits, r0, q0, r1 - r0, q1 - q0, place,
          );
        } else {
          decideWindow<V>(
            s, image, o, argmax, look, corner, widthBytes, kind, patches, pitch, limits, r0, q0, r1 - r0, q1 - q0, place,
          );
        }
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
    best = vrelu<V>(best);
    at = closedPlace<V>(best, at);
  }
  vstorePart<V>(y, best, n);
  if (argmax) vstorePart<V>(argmax, at, n);
}

/** best, or NaN where the sum of the window is: cheaper than a maximum that keeps every NaN (V8 takes 7 instructions). */
// @ts-ignore: decorator
@inline
function orNaN<V>(best: V, sum: V): V {
  if (isPair<V>()) return both(orNaN<v128>(low(best), low(sum)), orNaN<v128>(high(best), high(sum)));
  if (isVector<V>()) return v128.or(best, f32x4.ne(sum, sum));
  return select<V>(sum, best, (sum as f32) != (sum as f32));
}

/** An i32's bits in every lane. */
// @ts-ignore: decorator
@inline
function bits<V>(x: i32): V {
  if (isPair<V>()) return both(i32x4.splat(x), i32x4.splat(x));
  if (isVector<V>()) return i32x4.splat(x);
  return reinterpret<f32>(x) as V;
}
