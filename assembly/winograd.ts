import { FAINT, Pair, WIDE, loadSplat, madd, splat, vbytes, vload, vstore, vstorePart } from "./simd";
import { PANEL_ROW, PANEL, orZeros, panelRows } from "./tile";
import { filterLine, inputLine, outputLine } from "./winograd-lines";
import { flagBytes, flagPitch, mapBytes, mapTiles, settleTile } from "./winograd-zeros";

// Winograd's F(m x m, 3x3): an m x m tile of outputs of a 3x3 stride-1 convolution from t x t products a pair of
// channels, t = m + 2, where direct summation takes 9 m m. Per t x t tile d of the input V = B^T d B; per filter g
// U = G g G^T; Y = A^T [U . V] A: winograd-lines.ts. The products of all channels are t * t matrix products.
// Tiles may reach beyond the image on all sides, where they read zeros: padding costs nothing.
//
// Planes, one for each of the t * t points, lie 64 bytes further apart than they are long: else they would share
// the same few sets of the L1 cache.

/** Products of a tile and a filter, for each pair of channels: as many planes. */
// @host
// @ts-ignore: decorator
@inline
export function pointsOf(m: i32): i32 {
  return (m + 2) * (m + 2);
}

/** Bytes from one of the t * t planes of n pixels with C channels to the next. */
// @host
// @ts-ignore: decorator
@inline
export function planeBytes(n: i32, C: i32): usize {
  return 4 * <usize>n * <usize>C + 64;
}

/** Bytes of scratch that the transforms of tiles with C channels need: two tiles of vectors, one whole tile. */
// @host
// @ts-ignore: decorator
@inline
export function tileScratch(m: i32, C: i32): usize {
  return <usize>pointsOf(m) * (32 + 4 * <usize>C);
}

/** Bytes of one transformed panel of 16 filters of C channels. */
// @host
// @ts-ignore: decorator
@inline
export function panelBytes(m: i32, C: i32): usize {
  return <usize>pointsOf(m) * planeBytes(C, PANEL);
}

/** Scratch of winogradFilter: nine taps, and 3 t of their sums, of a panel of filters. */
// @host
// @ts-ignore: decorator
@inline
export function filterScratch(m: i32): usize {
  return PANEL_ROW * <usize>(9 + 3 * (m + 2));
}

/** u[ceil(OC / 16)][t * t][C][16], in planes, from w[3, 3, C, OC]; with `rotate` from w[3, 3, OC, C] turned by 180 degrees. One task is one panel. */
@unmanaged
export class WinogradFilterArgs {
  u: usize;
  w: usize;
  C: i32;
  OC: i32;
  rotate: i32; // 1: the filter of the input gradient, whose input channels are the layer's filters
  m: i32; // 2, 4 or 5
}

/** Scratch: filterScratch(m). */
export function winogradFilter(s: WinogradFilterArgs, task: i32, scratch: usize): void {
  const C = s.C;
  const plane = planeBytes(C, PANEL);
  const first = task * PANEL;
  let u = s.u + <usize>task * panelBytes(s.m, C);
  for (let c = 0; c < C; c++) {
    gatherTaps(scratch, s, c, first);
    const between = scratch + (9 << 6);
    for (let o: usize = 0; o < 64; o += WIDE ? 32 : 16) {
      if (WIDE) filterTile<Pair>(s.m, u + o, plane, scratch + o, between + o);
      else if (ASC_FEATURE_SIMD) filterTile<v128>(s.m, u + o, plane, scratch + o, between + o);
      else for (let k: usize = 0; k < 16; k += 4) filterTile<f32>(s.m, u + o + k, plane, scratch + o + k, between + o + k);
    }
    u += PANEL << 2;
  }
}

/** out[9][16]: the taps from channel c to 16 filters, zero where there is no filter. */
function gatherTaps(out: usize, s: WinogradFilterArgs, c: i32, first: i32): void {
  const step = <usize>(s.C * s.OC) << 2;
  const n = min(s.OC - first, PANEL);
  // Filters lie side by side, or in the rotated filter's source C apart.
  const next: usize = s.rotate ? <usize>s.C << 2 : 4;
  for (let tap = 0; tap < 9; tap++) {
    let p = s.w + <usize>(s.rotate ? 8 - tap : tap) * step + (<usize>(s.rotate ? first * s.C + c : c * s.OC + first) << 2);
    if (ASC_FEATURE_SIMD && !s.rotate && n == PANEL) {
      v128.store(out, v128.load(p));
      v128.store(out, v128.load(p, 16), 16);
      v128.store(out, v128.load(p, 32), 32);
      v128.store(out, v128.load(p, 48), 48);
    } else for (let j = 0; j < PANEL; j++, p += next) store<f32>(out + (j << 2), j < n ? load<f32>(p) : 0);
    out += PANEL << 2;
  }
}

/** G g G^T of lanes<V>() filters; taps and points between lie 64 bytes apart. */
function filterTile<V>(m: i32, u: usize, plane: usize, g: usize, between: usize): void {
  if (m == 5) filterTileOf<V>(5, u, plane, g, between);
  else if (m == 4) filterTileOf<V>(4, u, plane, g, between);
  else filterTileOf<V>(2, u, plane, g, between);
}

// @ts-ignore: decorator
@inline
function filterTileOf<V>(m: i32, u: usize, plane: usize, g: usize, between: usize): void {
  const t = m + 2;
  for (let j = 0; j < 3; j++) filterLine<V>(m, between + (<usize>j << 6), 3 << 6, g + (<usize>j << 6), 3 << 6);
  for (let i = 0; i < t; i++) filterLine<V>(m, u + <usize>(i * t) * plane, plane, between + (<usize>(3 * i) << 6), 64);
}

/**
 * The transformed tiles of one image x[H, W, C], at v with `plane` bytes between planes and C f32 between tiles: of
 * rows x columns tiles, the first with its corner at (row, column), which may be negative, those that have a slot on the
 * map, see mapTiles. Scratch: tileScratch(m, C) bytes.
 */
export function inputTiles(
  m: i32, v: usize, plane: usize, map: usize, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, rows: i32,
  columns: i32, scratch: usize,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, map += 4) {
      const entry = load<i32>(map);
      if (entry < 0) continue;
      inputTile(m, v + (<usize>((entry >> 1) * C) << 2), plane, x, H, W, C, row + i * m, column + j * m, scratch);
    }
  }
}

/** The transformed tile with its corner at (r, q). */
export function inputTile(
  m: i32, v: usize, plane: usize, x: usize, H: i32, W: i32, C: i32, r: i32, q: i32, scratch: usize,
): void {
  const t = m + 2, pixelBytes = <usize>C << 2;
  let d = x + <usize>(r * W + q) * pixelBytes, rowBytes = <usize>W * pixelBytes;
  if (!inside(r, q, t, H, W)) {
    d = scratch + (<usize>(t * t) << 5);
    copyTile(d, x, H, W, C, r, q, t);
    rowBytes = <usize>t * pixelBytes;
  }
  let c = 0;
  if (WIDE) {
    for (; c + 8 <= C; c += 8) inputLines<Pair>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
  }
  if (ASC_FEATURE_SIMD) {
    for (; c + 4 <= C; c += 4) inputLines<v128>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
  }
  for (; c < C; c++) inputLines<f32>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
}

// @ts-ignore: decorator
@inline
export function inside(row: i32, column: i32, size: i32, H: i32, W: i32): bool {
  return row >= 0 && column >= 0 && row + size <= H && column + size <= W;
}

/** out[size, size, C] = the part of x[H, W, C] from (row, column) on, zero outside of the image. */
export function copyTile(out: usize, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, size: i32): void {
  const q0 = max(column, 0), q1 = min(column + size, W);
  const pixelBytes = <usize>C << 2, lineBytes = <usize>size * pixelBytes;
  memory.fill(out, 0, <usize>size * lineBytes);
  if (q1 <= q0) return;
  for (let r = max(row, 0); r < min(row + size, H); r++) {
    memory.copy(
      out + <usize>(r - row) * lineBytes + <usize>(q0 - column) * pixelBytes, x + <usize>(r * W + q0) * pixelBytes,
      <usize>(q1 - q0) * pixelBytes,
    );
  }
}

/** V = B^T d B of lanes<V>() channels. */
function inputLines<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  if (m == 5) inputLinesOf<V>(5, v, plane, d, rowBytes, pixelBytes, between);
  else if (m == 4) inputLinesOf<V>(4, v, plane, d, rowBytes, pixelBytes, between);
  else inputLinesOf<V>(2, v, plane, d, rowBytes, pixelBytes, between);
}

// @ts-ignore: decorator
@inline
function inputLinesOf<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  const line = <usize>(m + 2) * vbytes<V>();
  const planes = <usize>(m + 2) * plane;
  for (let to = between; to < between + line; to += vbytes<V>(), d += pixelBytes) inputLine<V>(m, to, line, d, rowBytes);
  for (let i = 0; i < m + 2; i++, between += line, v += planes) inputLine<V>(m, v, plane, between, vbytes<V>());
}

/** p[t * t][tiles][16] = v[t * t][tiles][C] u[t * t][C][16] (+ bias[16]), all in planes: the products of one panel. bias: 0 for none. */
export function tileProducts(m: i32, p: usize, v: usize, u: usize, tiles: i32, C: i32, bias: usize): void {
  const points = pointsOf(m);
  const pPlane = planeBytes(tiles, PANEL), vPlane = planeBytes(tiles, C), uPlane = planeBytes(C, PANEL);
  for (let k = 0; k < points; k++) {
    // A number added to the product at (1, 1), where all powers are 1, is added to every output.
    const b = k == m + 3 ? bias : 0;
    if (WIDE) panelRows(p, PANEL_ROW, tiles, PANEL, 0, b, v, <usize>C << 2, <usize>C << 3, 4, u, C);
    else if (ASC_FEATURE_SIMD) product<v128>(p, v, u, tiles, C, b);
    else for (let j: usize = 0; j < 64; j += 16) product<f32>(p + j, v, u + j, tiles, C, b ? b + j : 0);
    p += pPlane;
    v += vPlane;
    u += uPlane;
  }
}

/** c[M, 16] = a[M, K] b[K, 16] + bias[16], four vectors of columns: see tile.ts for the shape of the loop. */
// @ts-ignore: decorator
@inline
function product<V>(c: usize, a: usize, b: usize, M: i32, K: i32, bias: usize): void {
  const rowBytes = <usize>K << 2;
  const from = orZeros(bias);
  for (; M > 0; M -= 2) {
    let r0 = vload<V>(from), r1 = vload<V>(from, vbytes<V>());
    let r2 = vload<V>(from, 2 * vbytes<V>()), r3 = vload<V>(from, 3 * vbytes<V>());
    let s0 = r0, s1 = r1, s2 = r2, s3 = r3;
    // A last single row is computed twice.
    let a0 = a, a1 = M > 1 ? a + rowBytes : a, p = b, k = K;
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
      a0 += 4;
      a1 += 4;
      p += PANEL << 2;
    } while (--k);
    vstore<V>(c, r0);
    vstore<V>(c + vbytes<V>(), r1);
    vstore<V>(c + 2 * vbytes<V>(), r2);
    vstore<V>(c + 3 * vbytes<V>(), r3);
    if (M > 1) {
      vstore<V>(c + 64, s0);
      vstore<V>(c + 64 + vbytes<V>(), s1);
      vstore<V>(c + 64 + 2 * vbytes<V>(), s2);
      vstore<V>(c + 64 + 3 * vbytes<V>(), s3);
    }
    a += 2 * rowBytes;
    c += 128;
  }
}

/**
 * The outputs of one image's rows x columns tiles from p, `plane` bytes between planes and 16 f32 between tiles: at y,
 * pixels pixelBytes and rows rowBytes apart, of which height x width exist and `cols` (1..16) channels. relu: vrelu() of
 * them. map and flags: see mapTiles. bias: of outputs that are settled, [16] or 0. Scratch: tileScratch(m, 0) bytes.
 */
export function outputTiles(
  m: i32, y: usize, p: usize, plane: usize, map: usize, flags: usize, rows: i32, columns: i32, rowBytes: usize,
  pixelBytes: usize, height: i32, width: i32, cols: i32, relu: i32, bias: usize, scratch: usize,
): void {
  const floor: f32 = relu ? FAINT : NaN, pitch = flagPitch(m, columns);
  for (let i = 0; i < rows; i++) {
    const h = min(m, height - i * m);
    let to = y;
    for (let j = 0; j < columns; j++, map += 4) {
      const w = min(m, width - j * m), entry = load<i32>(map);
      if (entry >= 0) outputTile(m, to, p + (<usize>(entry >> 1) << 6), plane, rowBytes, pixelBytes, h, w, cols, floor, scratch);
      if (entry & 1) {
        settleTile(to, flags + <usize>(i * m * pitch + j * m), pitch, rowBytes, pixelBytes, h, w, cols, bias, floor);
      }
      to += <usize>m * pixelBytes;
    }
    y += <usize>m * rowBytes;
  }
}

/** The h x w outputs of one tile that exist, `cols` channels of them. */
// @ts-ignore: decorator
@inline
function outputTile(
  m: i32, y: usize, p: usize, plane: usize, rowBytes: usize, pixelBytes: usize, h: i32, w: i32, cols: i32, floor: f32,
  scratch: usize,
): void {
  const whole = h == m && w == m;
  if (ASC_FEATURE_SIMD) {
    let c = 0;
    if (WIDE && whole) {
      // Whole tiles go straight to y, without the scratch that others take.
      for (; c + 8 <= cols; c += 8) {
        outputLines<Pair>(m, y + (<usize>c << 2), p + (<usize>c << 2), plane, rowBytes, pixelBytes, h, w, 8, 8, floor, scratch);
      }
    }
    for (; c < cols; c += 4) {
      outputLines<v128>(m, y + (<usize>c << 2), p + (<usize>c << 2), plane, rowBytes, pixelBytes, h, w, whole ? cols - c : 0, cols - c, floor, scratch);
    }
  } else {
    for (let c = 0; c < cols; c++) {
      outputLines<f32>(m, y + (<usize>c << 2), p + (<usize>c << 2), plane, rowBytes, pixelBytes, h, w, whole ? 4 : 0, 1, floor, scratch);
    }
  }
}

/** Y = A^T p A of lanes<V>() channels: straight to y where `direct` >= 4, else the h x w pixels and n channels that exist. */
function outputLines<V>(
  m: i32, y: usize, p: usize, plane: usize, rowBytes: usize, pixelBytes: usize, h: i32, w: i32, direct: i32, n: i32,
  floor: f32, between: usize,
): void {
  let to = y, toRow = rowBytes, toPixel = pixelBytes;
  if (direct < 4) {
    to = between + (<usize>((m + 2) * (m + 2)) << 4);
    toPixel = vbytes<V>();
    toRow = <usize>m * toPixel;
  }
  if (m == 5) outputLinesOf<V>(5, to, p, plane, toRow, toPixel, floor, between);
  else if (m == 4) outputLinesOf<V>(4, to, p, plane, toRow, toPixel, floor, between);
  else outputLinesOf<V>(2, to, p, plane, toRow, toPixel, floor, between);
  if (direct >= 4) return;
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      vstorePart<V>(y + <usize>i * rowBytes + <usize>j * pixelBytes, vload<V>(to + <usize>i * toRow + <usize>j * toPixel), n);
    }
  }
}

// @ts-ignore: decorator
@inline
function outputLinesOf<V>(
  m: i32, y: usize, p: usize, plane: usize, rowBytes: usize, pixelBytes: usize, floor: f32, between: usize,
): void {
  const line = <usize>(m + 2) * vbytes<V>();
  const planes = <usize>(m + 2) * plane, bound = splat<V>(floor);
  for (let to = between; to < between + line; to += vbytes<V>(), p += plane) outputLine<V>(m, to, line, p, planes, false, bound);
  for (let i = 0; i < m; i++, between += line, y += rowBytes) outputLine<V>(m, y, pixelBytes, between, vbytes<V>(), true, bound);
}

/** Bytes of transformed tiles and of their products with a panel of filters: n tiles of C channels. */
// @host
// @ts-ignore: decorator
@inline
export function productBytes(m: i32, n: i32, C: i32): usize {
  return <usize>pointsOf(m) * (planeBytes(n, C) + planeBytes(n, PANEL));
}

/** Scratch of a block of rows x columns tiles of each of `images` images: their map, tiles and products, and tileScratch. */
// @host
// @ts-ignore: decorator
@inline
export function blockScratch(m: i32, images: i32, rows: i32, columns: i32, C: i32): usize {
  return mapBytes(m, images, rows, columns) + productBytes(m, images * rows * columns, C) + tileScratch(m, C);
}

/**
 * y[batch, OH, OW, OC] = act(conv(x[batch, H, W, C] with `top` and `left` zeros around, 3x3, stride 1) + bias).
 * One task is `images` images, `block` rows of tiles of each at once. Scratch: blockScratch of them.
 */
@unmanaged
export class WinogradArgs {
  y: usize;
  x: usize;
  u: usize; // from winogradFilter
  bias: usize; // [OC rounded up to 16 readable], or 0
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  OC: i32;
  top: i32;
  left: i32;
  relu: i32;
  m: i32; // 2, 4 or 5
  images: i32;
  block: i32;
}

export function winogradForward(s: WinogradArgs, task: i32, scratch: usize): void {
  const m = s.m, t = m + 2, C = s.C, OC = s.OC;
  const n0 = task * s.images, images = min(s.images, s.batch - n0);
  const imageBytes = <usize>(s.H * s.W * C) << 2;
  const pixelBytes = <usize>OC << 2, outRow = <usize>s.OW * pixelBytes;
  const columns = (s.OW + m - 1) / m, allRows = (s.OH + m - 1) / m;
  for (let i = 0; i < allRows; i += s.block) {
    const rows = min(s.block, allRows - i), each = rows * columns;
    const allFlags = scratch + (<usize>(images * each) << 2), flagsEach = <usize>flagBytes(m, rows, columns);
    let tiles = 0;
    for (let k = 0; k < images; k++) {
      tiles = mapTiles(
        m, scratch + (<usize>(k * each) << 2), allFlags + <usize>k * flagsEach, s.x + <usize>(n0 + k) * imageBytes, s.H, s.W,
        C, i * m - s.top, -s.left, rows, columns, s.OH - i * m, s.OW, tiles,
      );
    }
    const vPlane = planeBytes(tiles, C), pPlane = planeBytes(tiles, PANEL);
    const v = scratch + mapBytes(m, images, rows, columns);
    const p = v + <usize>(t * t) * vPlane, between = p + <usize>(t * t) * pPlane;
    for (let k = 0; k < images; k++) {
      inputTiles(
        m, v, vPlane, scratch + (<usize>(k * each) << 2), s.x + <usize>(n0 + k) * imageBytes, s.H, s.W, C, i * m - s.top,
        -s.left, rows, columns, between,
      );
    }
    for (let o = 0; o < OC; o += PANEL) {
      const panel = s.u + <usize>(o / PANEL) * panelBytes(m, C), bias = s.bias ? s.bias + (<usize>o << 2) : 0;
      tileProducts(m, p, v, panel, tiles, C, bias);
      for (let k = 0; k < images; k++) {
        outputTiles(
          m, s.y + <usize>((n0 + k) * s.OH + i * m) * outRow + (<usize>o << 2), p, pPlane, scratch + (<usize>(k * each) << 2),
          allFlags + <usize>k * flagsEach, rows, columns, outRow, pixelBytes, s.OH - i * m, s.OW, min(OC - o, PANEL), s.relu,
          bias, between,
        );
      }
    }
  }
}
