import { copyTile, inputTile, inside, planeBytes } from "./winograd";
import { gradientLine, tapLine } from "./winograd-lines";
import { anyNonzero } from "./winograd-zeros";

// The filter's gradient: dw = G^T [sum over tiles of (B^T d B) . (A dY A^T)] G. The transformed tiles of all images are
// written out, their products are t * t matrix products (a gemm over all points at once), and winogradTaps ends them.
//
// Direct summation gives exactly 0 where at every position x or dy is 0; here a rounding error is left, which Adam would
// turn into a step of full size. Such taps are found in three calls: winogradTaps keeps a list of those for which no two
// non-zeros meet at some positions that it looks at, winogradBits notes where every channel is not zero, if any list has
// an entry, and winogradZeroTaps clears those for which no two non-zeros meet anywhere. Where x and dy are dense, the
// lists are empty after a dozen positions, and the other two calls have nothing to do.

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
  const line = <usize>m * sizeof<V>();
  const planes = <usize>(m + 2) * plane;
  for (let to = between; to < between + line; to += sizeof<V>(), d += pixelBytes) gradientLine<V>(m, to, line, d, rowBytes);
  for (let i = 0; i < m + 2; i++, between += line, v += planes) gradientLine<V>(m, v, plane, between, sizeof<V>());
}

/**
 * dw[3, 3, C, OC] = G^T du[t * t][C][OC] G, of x[batch, H, W, C] with `top` and `left` zeros around and
 * dy[batch, OH, OW, OC]. In all three kernels; one task of winogradTaps is TAP_CHANNELS input channels, one of
 * winogradZeroTaps one, one of winogradBits one image.
 */
@unmanaged
export class WinogradTapsArgs {
  dw: usize;
  du: usize;
  x: usize;
  dy: usize;
  doubts: usize; // [C][1 + 9 words] u64, words = ceil(OC / 64): bits of the filters whose tap may be zero, their sum before
  bits: usize; // [C + OC] channels of bitBytes: where x and dy are not zero, see winogradBits
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

/** Positions that winogradTaps looks at. */
const LOOKS = 64;

/** Bytes of an input channel's list: its bits' sum, then nine taps' bits of OC filters. */
// @host
// @ts-ignore: decorator
@inline
export function doubtBytes(OC: i32): i32 {
  return 8 + 72 * ((OC + 63) / 64);
}

/** Scratch of winogradTaps: 3 t vectors, and bits of OC filters. */
// @host
// @ts-ignore: decorator
@inline
export function tapScratch(m: i32, OC: i32): i32 {
  return 48 * (m + 2) + 8 * ((OC + 63) / 64);
}

/** Input channels of one task of winogradTaps: they look at the same positions, and lie side by side. */
// @host
export const TAP_CHANNELS = 4;

/** Scratch: tapScratch(m, OC) bytes. */
export function winogradTaps(s: WinogradTapsArgs, task: i32, scratch: usize): void {
  const c = task * TAP_CHANNELS, channels = min(s.C - c, TAP_CHANNELS), words = (s.OC + 63) >> 6;
  const doubts = s.doubts + <usize>(c * doubtBytes(s.OC));
  let doubt: u64 = 0;
  for (let k = c; k < c + channels; k++) doubt |= channelTaps(s, k, scratch);
  if (!doubt) return;

  const met = scratch + <usize>(48 * (s.m + 2)), positions = s.batch * s.OH * s.OW;
  for (let look = 0; look < LOOKS && doubt; look++) {
    // Multiples of the golden ratio lie evenly, in every dimension of the image.
    const p = <i32>((<u64>(<u32>(look + 1) * 0x9e3779b1) * <u64>positions) >> 32);
    const i = p / s.OW % s.OH - s.top, j = p % s.OW - s.left, image = p / (s.OW * s.OH) * s.H;
    nonzeroBits(met, s.dy + (<usize>(p * s.OC) << 2), s.OC);
    if (!anyBit(met, words)) continue;
    for (let tap = 0; tap < 9; tap++) {
      const r = i + tap / 3, q = j + tap % 3;
      if (r < 0 || q < 0 || r >= s.H || q >= s.W) continue;
      const x = s.x + (<usize>(((image + r) * s.W + q) * s.C + c) << 2);
      for (let k = 0, list = doubts + <usize>(8 + 8 * words * tap); k < channels; k++, list += <usize>doubtBytes(s.OC)) {
        if (load<f32>(x + (<usize>k << 2)) == 0) continue;
        for (let at: usize = 0; at < <usize>(8 * words); at += 8) store<u64>(list + at, load<u64>(list + at) & ~load<u64>(met + at));
      }
    }
    doubt = 0;
    for (let k = 0, list = doubts; k < channels; k++, list += <usize>doubtBytes(s.OC)) {
      const left = anyBit(list + 8, 9 * words);
      store<u64>(list, left);
      doubt |= left;
    }
  }
}

/** Ends the taps of one input channel, and lists those that may be zero. Returns their bits' sum. */
function channelTaps(s: WinogradTapsArgs, c: i32, scratch: usize): u64 {
  const at = <usize>(c * s.OC) << 2, plane = <usize>(s.C * s.OC) << 2;
  let o = 0;
  if (ASC_FEATURE_SIMD) {
    for (; o + 4 <= s.OC; o += 4) taps<v128>(s.m, s.dw + at + (<usize>o << 2), s.du + at + (<usize>o << 2), plane, scratch);
  }
  for (; o < s.OC; o++) taps<f32>(s.m, s.dw + at + (<usize>o << 2), s.du + at + (<usize>o << 2), plane, scratch);
  const words = (s.OC + 63) >> 6, doubts = s.doubts + <usize>(c * doubtBytes(s.OC)), list = doubts + 8;
  for (let tap = 0; tap < 9; tap++) nonzeroBits(list + <usize>(8 * words * tap), s.dw + at + <usize>tap * plane, s.OC);
  const doubt = anyBit(list, 9 * words);
  store<u64>(doubts, doubt);
  return doubt;
}

/** out[ceil(n / 64)] u64: the bits of n f32 that are neither 0 nor NaN. */
function nonzeroBits(out: usize, p: usize, n: i32): void {
  for (; n > 0; n -= 64, out += 8) {
    let bits: u64 = 0, k = 0;
    const last = min(n, 64);
    if (ASC_FEATURE_SIMD) {
      for (; k + 4 <= last; k += 4, p += 16) {
        bits |= <u64>i32x4.bitmask(f32x4.gt(f32x4.abs(v128.load(p)), f32x4.splat(0))) << k;
      }
    }
    for (; k < last; k++, p += 4) bits |= u64(abs<f32>(load<f32>(p)) > 0) << k;
    store<u64>(out, bits);
  }
}

/** The sum of n words' bits. */
function anyBit(p: usize, n: i32): u64 {
  let bits: u64 = 0;
  for (; n > 0; n--, p += 8) bits |= load<u64>(p);
  return bits;
}

/** Bytes from one row of bits to the next: a bit for each column of x that a patch reaches. */
// @host
// @ts-ignore: decorator
@inline
export function bitPitch(OW: i32): i32 {
  return (OW + 9) / 8;
}

/** Bytes of one channel's bits, batch * (OH + 2) rows, and zeros for whoever reads eight bytes at the last. */
// @host
// @ts-ignore: decorator
@inline
export function bitBytes(batch: i32, OH: i32, OW: i32): i32 {
  return batch * (OH + 2) * bitPitch(OW) + 8;
}

/**
 * bits[channel][batch][OH + 2][bitPitch]: where a channel is not zero, bit (i, j) of x's at its row i - top and column
 * j - left, so that a tap's products at position (i, j) are of dy's bit there and x's bit that many rows and columns on.
 */
export function winogradBits(s: WinogradTapsArgs, task: i32, scratch: usize): void {
  let doubt: u64 = 0;
  for (let c = 0; c < s.C; c++) doubt |= load<u64>(s.doubts + <usize>(c * doubtBytes(s.OC)));
  if (!doubt) return;
  const each = <usize>bitBytes(s.batch, s.OH, s.OW);
  imageBits(s, s.bits, s.x, s.H, s.W, s.C, s.top, s.left, task);
  imageBits(s, s.bits + <usize>s.C * each, s.dy, s.OH, s.OW, s.OC, 0, 0, task);
  if (task + 1 < s.batch) return;
  for (let c = 1; c <= s.C + s.OC; c++) store<u64>(s.bits + <usize>c * each - 8, 0);
}

function imageBits(s: WinogradTapsArgs, out: usize, x: usize, H: i32, W: i32, C: i32, top: i32, left: i32, n: i32): void {
  const pitch = bitPitch(s.OW), each = <usize>bitBytes(s.batch, s.OH, s.OW);
  out += <usize>(n * (s.OH + 2) * pitch);
  for (let i = 0; i < s.OH + 2; i++) {
    const r = i - top;
    for (let b = 0; b < pitch; b++, out++) {
      // Columns of these eight bits that lie inside of the image.
      const q = 8 * b - left, first = max(0, -q), last = r >= 0 && r < H ? min(8, W - q) : 0;
      const p = x + (<usize>(((n * H + r) * W + q) * C) << 2);
      let c = 0;
      if (ASC_FEATURE_SIMD) for (; c + 4 <= C; c += 4) eightBits<v128>(out + <usize>c * each, each, p + (<usize>c << 2), C, first, last);
      for (; c < C; c++) eightBits<f32>(out + <usize>c * each, each, p + (<usize>c << 2), C, first, last);
    }
  }
}

/** A byte each, `each` bytes apart, for lanes<V>() channels: where pixels first .. last - 1 of eight are not zero. */
// @ts-ignore: decorator
@inline
function eightBits<V>(out: usize, each: usize, p: usize, C: i32, first: i32, last: i32): void {
  if (isVector<V>()) {
    let bits = i32x4.splat(0);
    for (let k = first; k < last; k++) {
      const nonzero = f32x4.ne(v128.load(p + (<usize>(k * C) << 2)), f32x4.splat(0));
      bits = v128.or(bits, v128.and(nonzero, i32x4.splat(1 << k)));
    }
    v128.store8_lane(out, bits, 0);
    v128.store8_lane(out + each, bits, 4);
    v128.store8_lane(out + 2 * each, bits, 8);
    v128.store8_lane(out + 3 * each, bits, 12);
  } else {
    let bits = 0;
    for (let k = first; k < last; k++) bits |= i32(load<f32>(p + (<usize>(k * C) << 2)) != 0) << k;
    store<u8>(out, bits);
  }
}

/** dw = 0 for every tap on the lists whose products are all zero. */
export function winogradZeroTaps(s: WinogradTapsArgs, task: i32, scratch: usize): void {
  const words = (s.OC + 63) >> 6, doubts = s.doubts + <usize>(task * doubtBytes(s.OC));
  if (!load<u64>(doubts)) return;
  const each = <usize>bitBytes(s.batch, s.OH, s.OW), x = s.bits + <usize>task * each, dy = s.bits + <usize>s.C * each;
  for (let tap = 0; tap < 9; tap++) {
    const from = x + <usize>(tap / 3 * bitPitch(s.OW)), shift = <u64>(tap % 3);
    for (let k = 0; k < words; k++) {
      for (let bits = load<u64>(doubts + 8 + <usize>(8 * (tap * words + k))); bits; bits &= bits - 1) {
        const o = 64 * k + <i32>ctz(bits);
        if (meet(dy + <usize>o * each, from, shift, <i32>each - 8)) continue;
        store<f32>(s.dw + (<usize>((tap * s.C + task) * s.OC + o) << 2), 0);
      }
    }
  }
}

/** Whether some bit of a[n] bytes is set where b's is that is `shift` bits (0 .. 2) on. */
function meet(a: usize, b: usize, shift: u64, n: i32): bool {
  // Seven bytes at a time: of eight, shifted, no more are whole.
  for (; n > 0; n -= 7, a += 7, b += 7) if (load<u64>(a) & (load<u64>(b) >> shift)) return true;
  return false;
}

function taps<V>(m: i32, dw: usize, du: usize, plane: usize, between: usize): void {
  if (m == 5) tapsOf<V>(5, dw, du, plane, between);
  else if (m == 4) tapsOf<V>(4, dw, du, plane, between);
  else tapsOf<V>(2, dw, du, plane, between);
}

// @ts-ignore: decorator
@inline
function tapsOf<V>(m: i32, dw: usize, du: usize, plane: usize, between: usize): void {
  const t = m + 2, line = <usize>t * sizeof<V>();
  for (let j = 0; j < t; j++) tapLine<V>(m, between + <usize>j * sizeof<V>(), line, du + <usize>j * plane, <usize>t * plane);
  for (let i = 0; i < 3; i++) tapLine<V>(m, dw + <usize>(3 * i) * plane, plane, between + <usize>i * line, sizeof<V>());
}
