import { lanes, splat, vload, vstorePart, vzeroWhereLessEqual } from "./simd";
import { PANEL } from "./tile";

// What direct summation gives exactly, Winograd's products give with rounding errors: the bias under a patch that is all
// zero, and equal outputs under equal patches. relu's gate and the pool's winner turn such an error into a gradient where
// there is none. So patches of this kind are found before the products; their outputs are settled after them, and tiles
// with no other outputs are never multiplied. -0 is zero; NaN and infinity are not.

/** Of a pixel: some channel is not zero. Of a patch: some pixel. */
const NONZERO = 1;
/** The pixel differs from the one on its left, or is the first; the patch has such a pixel. */
const NEW_COLUMN = 2;
/** The pixel differs from the one above, or is the first; the patch has such a pixel. */
const NEW_ROW = 4;
/** Flags of a patch whose output is the products' own. */
const ORDINARY = 7;

/** Patch flags from one row to the next: what rows are written in sixes may end beyond the last column. */
// @host
// @ts-ignore: decorator
@inline
export function flagPitch(m: i32, columns: i32): i32 {
  return columns * m + 6;
}

/** Bytes of the flags of one image's block. */
// @host
// @ts-ignore: decorator
@inline
export function flagBytes(m: i32, rows: i32, columns: i32): i32 {
  return (rows * m + 2) * flagPitch(m, columns);
}

/** Bytes of the map of rows x columns tiles of each of `images` images: an entry for each tile, then each image's flags. */
// @host
// @ts-ignore: decorator
@inline
export function mapBytes(m: i32, images: i32, rows: i32, columns: i32): usize {
  return <usize>((4 * images * rows * columns + images * flagBytes(m, rows, columns) + 8 + 63) / 64 * 64);
}

/**
 * Maps the tiles of one image x[H, W, C], the first with its input corner at (row, column), of whose outputs
 * height x width exist: patch flags [i][j], and for each tile at `map` an i32, -1 where the products have no output to
 * give, else 2 slot, + 1 where they have not all. Slots are dealt from `slot` on; returns the next.
 */
export function mapTiles(
  m: i32, map: usize, flags: usize, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, rows: i32, columns: i32,
  height: i32, width: i32, slot: i32,
): i32 {
  const pitch = flagPitch(m, columns);
  pixelFlags(flags, pitch, x, H, W, C, row, column, rows * m + 2, columns * m + 2);
  patchFlags(flags, pitch, rows * m, columns * m);
  for (let i = 0; i < rows; i++) {
    const h = min(m, height - i * m);
    for (let j = 0; j < columns; j++, map += 4) {
      const w = min(m, width - j * m);
      let ordinary = 0;
      for (let a = 0; a < h; a++) {
        const line = flags + <usize>((i * m + a) * pitch + j * m);
        if (ordinaryLine(line, w)) ordinary += w;
        else for (let b = 0; b < w; b++) ordinary += i32(load<u8>(line + <usize>b) == ORDINARY);
      }
      store<i32>(map, ordinary == 0 ? -1 : 2 * slot + i32(ordinary < h * w));
      if (ordinary) slot++;
    }
  }
  return slot;
}

/** Whether `n` (1..7) patches side by side are all ordinary. */
// @ts-ignore: decorator
@inline
function ordinaryLine(flags: usize, n: i32): bool {
  return ((load<u64>(flags) ^ 0x0707070707070707) << (64 - 8 * n)) == 0;
}

/** Of a window: no patch has anything but zeros; all outputs are the bias. */
export const ZERO = 0;
/** Of a window: some outputs may be equal because their patches are. */
export const SETTLED = 1;
/** Of a window: all patches are ordinary; equal outputs are so by chance. */
export const OWN = 2;

/** Whether a patch's output is the products' own. */
// @ts-ignore: decorator
@inline
export function isOrdinary(flags: i32): bool {
  return flags == ORDINARY;
}

/** Whether settleTile takes the output at (row, column) of a window, of a patch that is not ordinary, from another of it. */
// @ts-ignore: decorator
@inline
export function isTaken(flags: i32, row: i32, column: i32): bool {
  return (flags & NONZERO) != 0 && (flags & NEW_COLUMN ? row : column) > 0;
}

/** Whether the patch at (row, column) of a window, not of zeros, is the one on its left in it, or the one above. */
// @ts-ignore: decorator
@inline
export function isRepeated(flags: i32, row: i32, column: i32): bool {
  return (flags & NONZERO) != 0 && (isLeftOne(flags, column) || isUpperOne(flags, row));
}

// @ts-ignore: decorator
@inline
export function isLeftOne(flags: i32, column: i32): bool {
  return column > 0 && !(flags & NEW_COLUMN);
}

// @ts-ignore: decorator
@inline
export function isUpperOne(flags: i32, row: i32): bool {
  return row > 0 && !(flags & NEW_ROW);
}

/** What is known of a window of rows x cells patches. */
// @ts-ignore: decorator
@inline
export function windowKind(flags: usize, pitch: i32, rows: i32, cells: i32): i32 {
  let all = ORDINARY, any = 0;
  for (; rows > 0; rows--, flags += <usize>pitch) {
    for (let j = 0; j < cells; j++) {
      const f = load<u8>(flags + <usize>j);
      all &= f;
      any |= f;
    }
  }
  return all == ORDINARY ? OWN : any & NONZERO ? SETTLED : ZERO;
}

/** out[height][pitch] from the part of x that begins at (row, column), zero outside of the image. */
function pixelFlags(
  out: usize, pitch: i32, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, height: i32, width: i32,
): void {
  const pixelBytes = <usize>C << 2, rowBytes = <usize>W * pixelBytes;
  for (let i = 0; i < height; i++) {
    const r = row + i, inRow = r >= 0 && r < H;
    for (let j = 0; j < width; j++) {
      const q = column + j;
      const p = x + <usize>r * rowBytes + <usize>q * pixelBytes, to = out + <usize>j;
      const nonzero = i32(inRow && q >= 0 && q < W && anyNonzero(p, C));
      const above = to - <usize>pitch;
      let f = nonzero;
      if (j == 0 || isNew(p, pixelBytes, nonzero, to - 1, C)) f |= NEW_COLUMN;
      // Like the left one, that like the one above it, and that like its right one: equal without a look.
      const known = i > 0 && ((f | load<u8>(above)) & NEW_COLUMN) == 0 && (load<u8>(to - 1) & NEW_ROW) == 0;
      if (!known && (i == 0 || isNew(p, rowBytes, nonzero, above, C))) f |= NEW_ROW;
      store<u8>(to, f);
    }
    out += <usize>pitch;
  }
}

/** Whether the pixel at p differs from its neighbour `back` bytes before, whose flags are at `other`. */
// @ts-ignore: decorator
@inline
function isNew(p: usize, back: usize, nonzero: i32, other: usize, C: i32): bool {
  if ((load<u8>(other) & NONZERO) != nonzero) return true;
  return nonzero && differ(p, p - back, C);
}

/** Whether any of n f32 is not 0: mostly the first is not, and nothing is called. */
// @ts-ignore: decorator
@inline
export function anyNonzero(p: usize, n: i32): bool {
  if (ASC_FEATURE_SIMD && n >= 4) return v128.any_true(f32x4.ne(v128.load(p), f32x4.splat(0))) || anyOther(p + 16, n - 4);
  return load<f32>(p) != 0 || anyOther(p + 4, n - 1);
}

function anyOther(p: usize, n: i32): bool {
  if (ASC_FEATURE_SIMD) {
    for (; n >= 4; n -= 4, p += 16) if (v128.any_true(f32x4.ne(v128.load(p), f32x4.splat(0)))) return true;
  }
  for (; n > 0; n--, p += 4) if (load<f32>(p) != 0) return true;
  return false;
}

/** Whether n f32 at p are not all those at q. */
// @ts-ignore: decorator
@inline
export function differ(p: usize, q: usize, n: i32): bool {
  if (ASC_FEATURE_SIMD && n >= 4) return v128.any_true(f32x4.ne(v128.load(p), v128.load(q))) || othersDiffer(p + 16, q + 16, n - 4);
  return load<f32>(p) != load<f32>(q) || othersDiffer(p + 4, q + 4, n - 1);
}

function othersDiffer(p: usize, q: usize, n: i32): bool {
  if (ASC_FEATURE_SIMD) {
    for (; n >= 16; n -= 16, p += 64, q += 64) {
      const a = v128.or(f32x4.ne(v128.load(p), v128.load(q)), f32x4.ne(v128.load(p, 16), v128.load(q, 16)));
      const b = v128.or(f32x4.ne(v128.load(p, 32), v128.load(q, 32)), f32x4.ne(v128.load(p, 48), v128.load(q, 48)));
      if (v128.any_true(v128.or(a, b))) return true;
    }
    for (; n >= 4; n -= 4, p += 16, q += 16) if (v128.any_true(f32x4.ne(v128.load(p), v128.load(q)))) return true;
  }
  for (; n > 0; n--, p += 4, q += 4) if (load<f32>(p) != load<f32>(q)) return true;
  return false;
}

/** Turns the flags of pixels into those of the 3x3 patches that begin there, in place, six at a time. */
function patchFlags(flags: usize, pitch: i32, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j += 6) {
      const p = flags + <usize>j, q = p + <usize>pitch;
      let v = load<u64>(p) | load<u64>(q) | load<u64>(q + <usize>pitch);
      v |= (v >> 8) | (v >> 16);
      store<u32>(p, <u32>v);
      store<u16>(p, <u16>(v >> 32), 4);
    }
    flags += <usize>pitch;
  }
}

/**
 * Settles the h x w outputs of a tile that are not the products' own, `cols` channels each: bias (0: none), 0 if not above
 * `floor`, under a patch of zeros, else the output on the left or above.
 */
export function settleTile(
  y: usize, flags: usize, pitch: i32, rowBytes: usize, pixelBytes: usize, h: i32, w: i32, cols: i32, bias: usize, floor: f32,
): void {
  for (let i = 0; i < h; i++, flags += <usize>pitch) {
    if (ordinaryLine(flags, w)) continue;
    for (let j = 0; j < w; j++) {
      const f = load<u8>(flags + <usize>j);
      if (f == ORDINARY) continue;
      const to = y + <usize>i * rowBytes + <usize>j * pixelBytes;
      const from = f & NONZERO ? to - (f & NEW_COLUMN ? rowBytes : pixelBytes) : bias;
      if (ASC_FEATURE_SIMD && cols == PANEL && f & NONZERO) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        v128.store(to, v128.load(from, 32), 32);
        v128.store(to, v128.load(from, 48), 48);
      } else if (ASC_FEATURE_SIMD) settle<v128>(to, from, cols, floor);
      else settle<f32>(to, from, cols, floor);
    }
  }
}

/** to[n] = from[n], 0 where it is not above `floor`, read in whole vectors; from: 0 for zeros. */
// @ts-ignore: decorator
@inline
function settle<V>(to: usize, from: usize, n: i32, floor: f32): void {
  for (let c = 0; c < n; c += lanes<V>()) {
    const v = from ? vload<V>(from + (<usize>c << 2)) : splat<V>(0);
    vstorePart<V>(to + (<usize>c << 2), vzeroWhereLessEqual<V>(v, splat<V>(floor), v), n - c);
  }
}
