import { Pair, WIDE, lanes, loadSplat, madd, splat, vadd, vbytes, vload, vpmin, vrelu, vstore, vstorePart } from "./simd";

// The inner loop of every matrix product here: two rows by sixteen columns of C in registers.
//
// Why 2 x 16: V8 hoists all loads of a loop body above its arithmetic, and x86-64 has 15 vector registers
// to give. 8 accumulators + 4 vectors of B + 2 broadcasts of A + 1 product just fit; 4x8, 6x8 and 3x12 tiles
// spill or spend address arithmetic on broadcasts. And two rows of A can be read in place, with any stride.

/** Columns of one panel of B. */
// @host
export const PANEL = 16;
/** Bytes of one row of a panel. */
// @host
export const PANEL_ROW: i32 = 4 * PANEL;
/** Every tensor starts on a multiple of so many bytes, a cache line, and may be read so far beyond its end: panels reach there. */
// @host
export const ALIGNMENT: i32 = PANEL_ROW;

/** Panels that n columns take. */
// @host
// @ts-ignore: decorator
@inline
export function panelsOf(n: i32): i32 {
  return (n + PANEL - 1) / PANEL;
}

/** n columns, rounded up to whole panels. */
// @host
// @ts-ignore: decorator
@inline
export function wholePanels(n: i32): u32 {
  return (<u32>n + PANEL - 1) / PANEL * PANEL;
}

/** Bytes of so many panels [K, PANEL]. */
// @host
// @ts-ignore: decorator
@inline
export function panelsBytes(panels: i32, K: i32): usize {
  return <usize>panels * <usize>K * PANEL_ROW;
}

const ZEROS = memory.data(PANEL_ROW, ALIGNMENT);

/** A panel's bias, zeros where there is none: so that what a sum begins with is read, which keeps vectors pairs. */
// @ts-ignore: decorator
@inline
export function orZeros(bias: usize): usize {
  return bias ? bias : ZEROS;
}

/** The result is added to what C holds. */
export const TILE_ACCUMULATE = 1;
/** max(0, .) is applied before storing: vrelu() of simd.ts. */
export const TILE_RELU = 2;
/** And what is above 6 becomes that: builds with all kernels. */
export const TILE_SIX = 4;

/** The flags of a kernel's `relu`. */
// @ts-ignore: decorator
@inline
export function reluFlags(relu: i32): i32 {
  // @ts-ignore: of the command that builds
  if (ALL_KERNELS && relu > 1) return TILE_RELU | TILE_SIX;
  return relu ? TILE_RELU : 0;
}

/**
 * C[2, 16] (+)= A[2, K] B[K, 16] + bias[16], K walked as `segments` runs of n.
 *
 * c0, c1: rows of C, the first `cols` (1..16) columns are written; c1 == 0: one row only.
 * a0, a1: the two rows of A; aStep bytes from one k to the next, aJump bytes more after each run.
 * b: row k of B, 16 f32 each (always all readable); bStep and bJump likewise.
 * bias: 16 readable f32, or 0. All strides in bytes.
 */
export function tile(
  c0: usize, c1: usize, cols: i32, flags: i32, bias: usize,
  a0: usize, a1: usize, aStep: usize, aJump: usize,
  b: usize, bStep: usize, bJump: usize, n: i32, segments: i32,
): void {
  if (c1 == 0) a1 = a0;
  if (WIDE) {
    tileOfPairs(c0, c1, cols, flags, bias, a0, a1, aStep, aJump, b, bStep, bJump, n, segments);
  } else if (ASC_FEATURE_SIMD) {
    tileOf<v128>(c0, c1, cols, flags, bias, a0, a1, aStep, aJump, b, bStep, bJump, n, segments);
  } else {
    // Width 1: the same panel as four tiles of 2 x 4, which is what the registers hold.
    for (let j = 0; j < cols; j += 4) {
      const o = <usize>j << 2;
      tileOf<f32>(
        c0 + o, c1 ? c1 + o : 0, min(cols - j, 4), flags, bias ? bias + o : 0,
        a0, a1, aStep, aJump, b + o, bStep, bJump, n, segments,
      );
    }
  }
}

// @ts-ignore: decorator
@inline
function tileOf<V>(
  c0: usize, c1: usize, cols: i32, flags: i32, bias: usize,
  a0: usize, a1: usize, aStep: usize, aJump: usize,
  b: usize, bStep: usize, bJump: usize, n: i32, segments: i32,
): void {
  const from = orZeros(bias);
  let r0 = vload<V>(from), r1 = vload<V>(from, vbytes<V>());
  let r2 = vload<V>(from, 2 * vbytes<V>()), r3 = vload<V>(from, 3 * vbytes<V>());
  let s0 = r0, s1 = r1, s2 = r2, s3 = r3;
  do {
    let k = n;
    do {
      const b0 = vload<V>(b);
      const b1 = vload<V>(b, vbytes<V>());
      const b2 = vload<V>(b, 2 * vbytes<V>());
      const b3 = vload<V>(b, 3 * vbytes<V>());
      const x = loadSplat<V>(a0);
      const y = loadSplat<V>(a1);
      r0 = madd<V>(x, b0, r0);
      r1 = madd<V>(x, b1, r1);
      r2 = madd<V>(x, b2, r2);
      r3 = madd<V>(x, b3, r3);
      s0 = madd<V>(y, b0, s0);
      s1 = madd<V>(y, b1, s1);
      s2 = madd<V>(y, b2, s2);
      s3 = madd<V>(y, b3, s3);
      a0 += aStep;
      a1 += aStep;
      b += bStep;
    } while (--k);
    a0 += aJump;
    a1 += aJump;
    b += bJump;
  } while (--segments);
  finishRow<V>(c0, cols, flags, r0, r1, r2, r3);
  if (c1) finishRow<V>(c1, cols, flags, s0, s1, s2, s3);
}

/** The same with two pairs of vectors to a row. */
// @ts-ignore: decorator
@inline
function tileOfPairs(
  c0: usize, c1: usize, cols: i32, flags: i32, bias: usize,
  a0: usize, a1: usize, aStep: usize, aJump: usize,
  b: usize, bStep: usize, bJump: usize, n: i32, segments: i32,
): void {
  const from = orZeros(bias);
  let r0 = vload<Pair>(from), r1 = vload<Pair>(from, 32);
  let s0 = r0, s1 = r1;
  do {
    let k = n;
    do {
      const b0 = vload<Pair>(b), b1 = vload<Pair>(b, 32), x = loadSplat<Pair>(a0), y = loadSplat<Pair>(a1);
      r0 = madd<Pair>(x, b0, r0);
      r1 = madd<Pair>(x, b1, r1);
      s0 = madd<Pair>(y, b0, s0);
      s1 = madd<Pair>(y, b1, s1);
      a0 += aStep;
      a1 += aStep;
      b += bStep;
    } while (--k);
    a0 += aJump;
    a1 += aJump;
    b += bJump;
  } while (--segments);
  finishNarrow<Pair>(c0, cols, flags, r0, r1);
  if (c1) finishNarrow<Pair>(c1, cols, flags, s0, s1);
}

/** One row of a tile to memory: accumulate, activate, and no byte beyond `cols` columns. */
// @ts-ignore: decorator
@inline
function finishRow<V>(c: usize, cols: i32, flags: i32, v0: V, v1: V, v2: V, v3: V): void {
  if (cols == 4 * lanes<V>()) {
    if (flags & TILE_ACCUMULATE) {
      v0 = vadd<V>(vload<V>(c), v0);
      v1 = vadd<V>(vload<V>(c, vbytes<V>()), v1);
      v2 = vadd<V>(vload<V>(c, 2 * vbytes<V>()), v2);
      v3 = vadd<V>(vload<V>(c, 3 * vbytes<V>()), v3);
    }
    if (flags & TILE_RELU) {
      v0 = vrelu<V>(v0);
      v1 = vrelu<V>(v1);
      v2 = vrelu<V>(v2);
      v3 = vrelu<V>(v3);
    }
    // @ts-ignore: of the command that builds
    if (ALL_KERNELS && flags & TILE_SIX) {
      const six = splat<V>(6);
      v0 = vpmin<V>(v0, six);
      v1 = vpmin<V>(v1, six);
      v2 = vpmin<V>(v2, six);
      v3 = vpmin<V>(v3, six);
    }
    vstore<V>(c, v0);
    vstore<V>(c + vbytes<V>(), v1);
    vstore<V>(c + 2 * vbytes<V>(), v2);
    vstore<V>(c + 3 * vbytes<V>(), v3);
    return;
  }
  // A remainder: whole vectors first, then lane by lane.
  cols = finishVector<V>(c, cols, flags, v0);
  if (cols > 0) cols = finishVector<V>(c + vbytes<V>(), cols, flags, v1);
  if (cols > 0) cols = finishVector<V>(c + 2 * vbytes<V>(), cols, flags, v2);
  if (cols > 0) finishVector<V>(c + 3 * vbytes<V>(), cols, flags, v3);
}

/** Stores the first `cols` lanes of v; returns the columns still to do. */
// @ts-ignore: decorator
@inline
export function finishVector<V>(c: usize, cols: i32, flags: i32, v: V): i32 {
  if (flags & TILE_ACCUMULATE) v = vadd<V>(vload<V>(c), v);
  if (flags & TILE_RELU) v = vrelu<V>(v);
  // @ts-ignore: of the command that builds
  if (ALL_KERNELS && flags & TILE_SIX) v = vpmin<V>(v, splat<V>(6));
  vstorePart<V>(c, v, cols);
  return cols - lanes<V>();
}

/**
 * C[rows, cols] (+)= A[rows, K] B[K, 16] + bias[16]: the tiles of one panel, two rows at a time. C's rows lie ldc
 * apart, rows 2i and 2i + 1 of A start at a + i * aPair and aRow further on; else as in tile(). K >= 1.
 */
export function panelRows(
  c: usize, ldc: usize, rows: i32, cols: i32, flags: i32, bias: usize,
  a: usize, aRow: usize, aPair: usize, aStep: usize, b: usize, K: i32,
): void {
  if (WIDE) {
    quadRows<Pair>(c, ldc, rows, cols, flags, bias, a, aRow, aPair, aStep, b, K);
  } else if (ASC_FEATURE_SIMD) {
    panelRowsOf<v128>(c, ldc, rows, cols, flags, bias, a, aRow, aPair, aStep, b, K);
  } else {
    for (let j = 0; j < cols; j += 4) {
      const o = <usize>j << 2;
      panelRowsOf<f32>(c + o, ldc, rows, min(cols - j, 4), flags, bias ? bias + o : 0, a, aRow, aPair, aStep, b + o, K);
    }
  }
}

// @ts-ignore: decorator
@inline
function panelRowsOf<V>(
  c: usize, ldc: usize, rows: i32, cols: i32, flags: i32, bias: usize,
  a: usize, aRow: usize, aPair: usize, aStep: usize, b: usize, K: i32,
): void {
  const from = orZeros(bias);
  for (; rows > 0; rows -= 2) {
    let r0 = vload<V>(from), r1 = vload<V>(from, vbytes<V>());
    let r2 = vload<V>(from, 2 * vbytes<V>()), r3 = vload<V>(from, 3 * vbytes<V>());
    let s0 = r0, s1 = r1, s2 = r2, s3 = r3;
    // A last single row is computed twice.
    let a0 = a, a1 = rows > 1 ? a + aRow : a, p = b, k = K;
    do {
      const b0 = vload<V>(p), b1 = vload<V>(p, vbytes<V>());
      const b2 = vload<V>(p, 2 * vbytes<V>()), b3 = vload<V>(p, 3 * vbytes<V>());
      const x = loadSplat<V>(a0), y = loadSplat<V>(a1);
      r0 = madd<V>(x, b0, r0);
      r1 = madd<V>(x, b1, r1);
      r2 = madd<V>(x, b2, r2);
      r3 = madd<V>(x, b3, r3);
      s0 = madd<V>(y, b0, s0);
      s1 = madd<V>(y, b1, s1);
      s2 = madd<V>(y, b2, s2);
      s3 = madd<V>(y, b3, s3);
      a0 += aStep;
      a1 += aStep;
      p += PANEL << 2;
    } while (--k);
    finishRow<V>(c, cols, flags, r0, r1, r2, r3);
    if (rows > 1) finishRow<V>(c + ldc, cols, flags, s0, s1, s2, s3);
    c += ldc << 1;
    a += aPair;
  }
}

/**
 * The same for 1 .. 8 columns, with tiles of four rows by two vectors, so that no more columns than those are computed. Any row
 * of A lies aRow behind the one before.
 */
export function narrowRows(
  c: usize, ldc: usize, rows: i32, cols: i32, flags: i32, bias: usize,
  a: usize, aRow: usize, aStep: usize, b: usize, K: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    quadRows<v128>(c, ldc, rows, cols, flags, bias, a, aRow, aRow << 1, aStep, b, K);
  } else {
    for (let j = 0; j < cols; j += 2) {
      const o = <usize>j << 2;
      quadRows<f32>(c + o, ldc, rows, cols - j, flags, bias ? bias + o : 0, a, aRow, aRow << 1, aStep, b + o, K);
    }
  }
}

/** Tiles of four rows by two vectors, for panelRows() and narrowRows(). */
// @ts-ignore: decorator
@inline
function quadRows<V>(
  c: usize, ldc: usize, rows: i32, cols: i32, flags: i32, bias: usize,
  a: usize, aRow: usize, aPair: usize, aStep: usize, b: usize, K: i32,
): void {
  const from = orZeros(bias);
  for (; rows > 0; rows -= 4) {
    let r0 = vload<V>(from), r1 = vload<V>(from, vbytes<V>());
    let s0 = r0, s1 = r1, t0 = r0, t1 = r1, u0 = r0, u1 = r1;
    // Rows that do not exist are the first.
    let a0 = a, a1 = rows > 1 ? a + aRow : a, a2 = rows > 2 ? a + aPair : a, a3 = rows > 3 ? a + aPair + aRow : a;
    let p = b, k = K;
    do {
      const b0 = vload<V>(p), b1 = vload<V>(p, vbytes<V>());
      const w = loadSplat<V>(a0), x = loadSplat<V>(a1), y = loadSplat<V>(a2), z = loadSplat<V>(a3);
      r0 = madd<V>(w, b0, r0);
      r1 = madd<V>(w, b1, r1);
      s0 = madd<V>(x, b0, s0);
      s1 = madd<V>(x, b1, s1);
      t0 = madd<V>(y, b0, t0);
      t1 = madd<V>(y, b1, t1);
      u0 = madd<V>(z, b0, u0);
      u1 = madd<V>(z, b1, u1);
      a0 += aStep;
      a1 += aStep;
      a2 += aStep;
      a3 += aStep;
      p += PANEL << 2;
    } while (--k);
    finishNarrow<V>(c, cols, flags, r0, r1);
    if (rows > 1) finishNarrow<V>(c + ldc, cols, flags, s0, s1);
    if (rows > 2) finishNarrow<V>(c + 2 * ldc, cols, flags, t0, t1);
    if (rows > 3) finishNarrow<V>(c + 3 * ldc, cols, flags, u0, u1);
    c += ldc << 2;
    a += aPair << 1;
  }
}

// @ts-ignore: decorator
@inline
function finishNarrow<V>(c: usize, cols: i32, flags: i32, v0: V, v1: V): void {
  cols = finishVector<V>(c, cols, flags, v0);
  if (cols > 0) finishVector<V>(c + vbytes<V>(), cols, flags, v1);
}
