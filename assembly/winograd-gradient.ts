import { Pair, WIDE, vbytes, splat, vabs, vflush, vload, vmul, vpmax, vstore } from "./simd";
import { copyTile, inputTile, inside, planeBytes } from "./winograd";
import { gradientLine, tapLine } from "./winograd-lines";
import { anyNonzero } from "./winograd-zeros";

// The filter's gradient: dw = G^T [sum over tiles of (B^T d B) . (A dY A^T)] G. The transformed tiles of all images are
// written out, their products are t * t matrix products (a gemm over all points at once), and winogradTaps ends them.
//
// Direct summation gives exactly 0 where at every position x or dy is 0; here a rounding error is left, which Adam would
// turn into a step of full size. So a tap that is no more than such an error mostly is counts as 0, and of one that may be an
// error the positions are gone through. How great errors are next to the greatest of du's points for the two channels was
// measured where no products meet, over 200 to 33,000 positions, in order of m = 2, 4, 5: with sparse x and dy mostly below
// 1e-7, 2e-8 and 6e-9, at most 7e-7, 7e-8 and 1.1e-8. Taps that have products are some 1e-1, 1e-3 and 1e-4 of that point.

/** v[t * t][batch * tiles][C]: the transformed tiles of x (gradient 0), or of dy[batch, H, W, C] (gradient 1). One task is one image. */
@unmanaged
export class WinogradTilesArgs {
  v: usize;
  x: usize;
  first: i32; // image of x to begin with
  batch: i32; // images
  H: i32;
  W: i32;
  C: i32;
  top: i32; // of x alone
  left: i32;
  rows: i32; // tiles of an image
  columns: i32;
  m: i32; // 2, 4 or 5
  gradient: i32;
}

/** Scratch: t * t * (4 C + 32) bytes. */
export function winogradTiles(s: WinogradTilesArgs, task: i32, scratch: usize): void {
  const m = s.m, H = s.H, W = s.W, C = s.C, tiles = s.rows * s.columns;
  const plane = planeBytes(tiles * s.batch, C);
  const x = s.x + ((<usize>(s.first + task) * <usize>(H * W * C)) << 2);
  const top = s.gradient ? 0 : s.top, left = s.gradient ? 0 : s.left, size = s.gradient ? m : m + 2;
  let v = s.v + ((<usize>(task * tiles) * <usize>C) << 2);
  for (let i = 0; i < s.rows; i++) {
    for (let j = 0; j < s.columns; j++, v += <usize>C << 2) {
      const r = i * m - top, q = j * m - left;
      if (zeroTile(x, H, W, C, r, q, size)) clearTile(m, v, plane, C);
      else if (s.gradient) gradientTile(m, v, plane, x, H, W, C, r, q, scratch);
      else inputTile(m, v, plane, x, H, W, C, r, q, scratch);
    }
  }
}

/** Whether the part of x[H, W, C] from (row, column) on is zero. */
function zeroTile(x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, size: i32): bool {
  const q0 = max(column, 0), q1 = min(column + size, W);
  for (let r = max(row, 0); r < min(row + size, H); r++) {
    if (anyNonzero(x + (<usize>((r * W + q0) * C) << 2), (q1 - q0) * C)) return false;
  }
  return true;
}

/** A transformed tile of zeros. */
function clearTile(m: i32, v: usize, plane: usize, C: i32): void {
  for (let k = (m + 2) * (m + 2); k > 0; k--, v += plane) memory.fill(v, 0, <usize>C << 2);
}

/** The transformed m x m tile of the gradient image dy[H, W, C] with its corner at (r, q). */
function gradientTile(
  m: i32, v: usize, plane: usize, dy: usize, H: i32, W: i32, C: i32, r: i32, q: i32, scratch: usize,
): void {
  const pixelBytes = <usize>C << 2;
  let d = dy + <usize>(r * W + q) * pixelBytes, rowBytes = <usize>W * pixelBytes;
  if (!inside(r, q, m, H, W)) {
    d = scratch + (<usize>((m + 2) * (m + 2)) << 5);
    copyTile(d, dy, H, W, C, r, q, m);
    rowBytes = <usize>m * pixelBytes;
  }
  let c = 0;
  if (WIDE) {
    for (; c + 8 <= C; c += 8) gradientLines<Pair>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
  }
  if (ASC_FEATURE_SIMD) {
    for (; c + 4 <= C; c += 4) gradientLines<v128>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
  }
  for (; c < C; c++) gradientLines<f32>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
}

/** A dY A^T of lanes<V>() channels. */
function gradientLines<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  if (m == 5) gradientLinesOf<V>(5, v, plane, d, rowBytes, pixelBytes, between);
  else if (m == 4) gradientLinesOf<V>(4, v, plane, d, rowBytes, pixelBytes, between);
  else gradientLinesOf<V>(2, v, plane, d, rowBytes, pixelBytes, between);
}

// @ts-ignore: decorator
@inline
function gradientLinesOf<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  const line = <usize>m * vbytes<V>();
  const planes = <usize>(m + 2) * plane;
  for (let to = between; to < between + line; to += vbytes<V>(), d += pixelBytes) gradientLine<V>(m, to, line, d, rowBytes);
  for (let i = 0; i < m + 2; i++, between += line, v += planes) gradientLine<V>(m, v, plane, between, vbytes<V>());
}

/** dw[3, 3, C, OC] = G^T du[t * t][C][OC] G, of x[batch, H, W, C] with `top` and `left` zeros around and dy[batch, OH, OW, OC]. */
@unmanaged
export class WinogradTapsArgs {
  dw: usize;
  du: usize;
  x: usize;
  dy: usize;
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  OC: i32;
  top: i32;
  left: i32;
  m: i32; // 2, 4 or 5
}

/** What of the greatest point a tap counts as 0 below. */
// @ts-ignore: decorator
@inline
function errorShare(m: i32): f32 {
  return m == 5 ? 6e-9 : m == 4 ? 2e-8 : 1e-7;
}

/** What of it a tap is in doubt below. */
// @ts-ignore: decorator
@inline
function doubtShare(m: i32): f32 {
  return m == 5 ? 1e-7 : m == 4 ? 4e-7 : 4e-6;
}

/** Scratch of winogradTaps: 3 t vectors. */
// @host
// @ts-ignore: decorator
@inline
export function tapScratch(m: i32): i32 {
  return 48 * (m + 2);
}

/** One task is one input channel. Scratch: tapScratch(m) bytes. */
export function winogradTaps(s: WinogradTapsArgs, task: i32, scratch: usize): void {
  const at = <usize>(task * s.OC) << 2;
  let o = 0;
  if (ASC_FEATURE_SIMD) for (; o + 4 <= s.OC; o += 4) someTaps<v128>(s, task, o, at + (<usize>o << 2), scratch);
  for (; o < s.OC; o++) someTaps<f32>(s, task, o, at + (<usize>o << 2), scratch);
}

/** Taps of channel c and lanes<V>() filters from o on, which lie `at` bytes from the beginning of dw and of du. */
// @ts-ignore: decorator
@inline
function someTaps<V>(s: WinogradTapsArgs, c: i32, o: i32, at: usize, scratch: usize): void {
  const plane = <usize>(s.C * s.OC) << 2;
  let dw = s.dw + at;
  const greatest = taps<V>(s.m, dw, s.du + at, plane, scratch);
  const error = vmul<V>(splat<V>(errorShare(s.m)), greatest), doubt = vmul<V>(splat<V>(doubtShare(s.m)), greatest);
  for (let tap = 0; tap < 9; tap++, dw += plane) {
    const v = vload<V>(dw);
    let near = lessBits<V>(vabs<V>(v), doubt);
    if (!near) continue;
    vstore<V>(dw, vflush<V>(v, error));
    for (near &= ~lessBits<V>(vabs<V>(v), error); near; near &= near - 1) {
      const k = <i32>ctz(near);
      if (!anyProduct(s, c, o + k, tap)) store<f32>(dw + (<usize>k << 2), 0);
    }
  }
}

/** A bit for each lane in which a is less than b. */
// @ts-ignore: decorator
@inline
function lessBits<V>(a: V, b: V): i32 {
  if (isVector<V>()) return i32x4.bitmask(f32x4.lt(a, b));
  return i32((a as f32) < (b as f32));
}

/** From one position that is looked at to the next: all of them come in the end, and the first ones lie far apart. */
const POSITION_STEP = 37;

/** Whether at some position both dy of filter o and x of channel c, a tap away, are not 0. */
function anyProduct(s: WinogradTapsArgs, c: i32, o: i32, tap: i32): bool {
  const positions = s.batch * s.OH * s.OW, h = tap / 3 - s.top, w = tap % 3 - s.left;
  for (let start = 0; start < POSITION_STEP; start++) {
    for (let p = start; p < positions; p += POSITION_STEP) {
      if (load<f32>(s.dy + (<usize>(p * s.OC + o) << 2)) == 0) continue;
      const row = p / s.OW, r = row % s.OH + h, q = p - row * s.OW + w;
      if (r < 0 || r >= s.H || q < 0 || q >= s.W) continue;
      if (load<f32>(s.x + (<usize>(((row / s.OH * s.H + r) * s.W + q) * s.C + c) << 2)) != 0) return true;
    }
  }
  return false;
}

/** Ends the nine taps of lanes<V>() filters. Returns the greatest of their points. */
function taps<V>(m: i32, dw: usize, du: usize, plane: usize, between: usize): V {
  if (m == 5) return tapsOf<V>(5, dw, du, plane, between);
  if (m == 4) return tapsOf<V>(4, dw, du, plane, between);
  return tapsOf<V>(2, dw, du, plane, between);
}

// @ts-ignore: decorator
@inline
function tapsOf<V>(m: i32, dw: usize, du: usize, plane: usize, between: usize): V {
  const t = m + 2, line = <usize>t * vbytes<V>();
  let greatest = splat<V>(0);
  for (let j = 0; j < t; j++, du += plane) {
    // Planes lie a multiple of 4 KiB apart, in few places of the cache: what a line reads is looked at while it is there.
    for (let i = 0; i < t; i++) greatest = vpmax<V>(greatest, vabs<V>(vload<V>(du + <usize>(i * t) * plane)));
    tapLine<V>(m, between + <usize>j * vbytes<V>(), line, du, <usize>t * plane);
  }
  for (let i = 0; i < 3; i++) tapLine<V>(m, dw + <usize>(3 * i) * plane, plane, between + <usize>i * line, vbytes<V>());
  return greatest;
}
