import { loadSplat, madd, splat, vload, vstore, vstorePart } from "./simd";
import { PANEL } from "./tile";
import { filterLine, gradientLine, inputLine, outputLine, tapLine } from "./winograd-lines";

// Winograd's F(m x m, 3x3): an m x m tile of outputs of a 3x3 stride-1 convolution from t x t products a pair of
// channels, t = m + 2, where direct summation takes 9 m m. Per t x t tile d of the input V = B^T d B; per filter g
// U = G g G^T; Y = A^T [U . V] A: winograd-lines.ts. The products of all channels are t * t matrix products.
// Tiles may reach beyond the image on all sides, where they read zeros: padding costs nothing.
//
// Planes, one for each of the t * t points, lie 64 bytes further apart than they are long: else they would share
// the same few sets of the L1 cache.

/** Bytes from one of the t * t planes of n pixels with C channels to the next. */
// @ts-ignore: decorator
@inline
export function planeBytes(n: i32, C: i32): usize {
  return ((<usize>n * <usize>C) << 2) + 64;
}

/** Bytes of scratch that the transforms of tiles with C channels need: two tiles of vectors, one whole tile. */
// @ts-ignore: decorator
@inline
export function tileScratch(m: i32, C: i32): usize {
  return <usize>((m + 2) * (m + 2)) * (32 + (<usize>C << 2));
}

/** Bytes of one transformed panel of 16 filters of C channels. */
// @ts-ignore: decorator
@inline
export function panelBytes(m: i32, C: i32): usize {
  return <usize>((m + 2) * (m + 2)) * planeBytes(C, PANEL);
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

/** Scratch: 9 + 3 t vectors of 16 f32. */
export function winogradFilter(s: WinogradFilterArgs, task: i32, scratch: usize): void {
  const C = s.C;
  const plane = planeBytes(C, PANEL);
  const first = task * PANEL;
  let u = s.u + <usize>task * panelBytes(s.m, C);
  for (let c = 0; c < C; c++) {
    gatherTaps(scratch, s, c, first);
    const between = scratch + (9 << 6);
    for (let o: usize = 0; o < 64; o += 16) {
      if (ASC_FEATURE_SIMD) filterTile<v128>(s.m, u + o, plane, scratch + o, between + o);
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
 * The transformed tiles of one image x[H, W, C], at v with `plane` bytes between planes and C f32 between tiles:
 * rows x columns tiles, the first with its corner at (row, column), which may be negative.
 * Scratch: tileScratch(m, C) bytes.
 */
export function inputTiles(
  m: i32, v: usize, plane: usize, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, rows: i32, columns: i32,
  scratch: usize,
): void {
  const t = m + 2, pixelBytes = <usize>C << 2;
  const whole = scratch + (<usize>(t * t) << 5);
  for (let i = 0; i < rows; i++) {
    const r = row + i * m;
    for (let j = 0; j < columns; j++) {
      const q = column + j * m;
      let d = x + <usize>(r * W + q) * pixelBytes, rowBytes = <usize>W * pixelBytes;
      if (!inside(r, q, t, H, W)) {
        copyTile(whole, x, H, W, C, r, q, t);
        d = whole;
        rowBytes = <usize>t * pixelBytes;
      }
      let c = 0;
      if (ASC_FEATURE_SIMD) {
        for (; c + 4 <= C; c += 4) inputTile<v128>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
      }
      for (; c < C; c++) inputTile<f32>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
      v += pixelBytes;
    }
  }
}

// @ts-ignore: decorator
@inline
function inside(row: i32, column: i32, size: i32, H: i32, W: i32): bool {
  return row >= 0 && column >= 0 && row + size <= H && column + size <= W;
}

/** out[size, size, C] = the part of x[H, W, C] from (row, column) on, zero outside of the image. */
function copyTile(out: usize, x: usize, H: i32, W: i32, C: i32, row: i32, column: i32, size: i32): void {
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
function inputTile<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  if (m == 5) inputTileOf<V>(5, v, plane, d, rowBytes, pixelBytes, between);
  else if (m == 4) inputTileOf<V>(4, v, plane, d, rowBytes, pixelBytes, between);
  else inputTileOf<V>(2, v, plane, d, rowBytes, pixelBytes, between);
}

// @ts-ignore: decorator
@inline
function inputTileOf<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  const line = <usize>(m + 2) * sizeof<V>();
  const planes = <usize>(m + 2) * plane;
  for (let to = between; to < between + line; to += sizeof<V>(), d += pixelBytes) inputLine<V>(m, to, line, d, rowBytes);
  for (let i = 0; i < m + 2; i++, between += line, v += planes) inputLine<V>(m, v, plane, between, sizeof<V>());
}

/** p[t * t][tiles][16] = v[t * t][tiles][C] u[t * t][C][16] (+ bias[16]), all in planes: the products of one panel. bias: 0 for none. */
export function tileProducts(m: i32, p: usize, v: usize, u: usize, tiles: i32, C: i32, bias: usize): void {
  const points = (m + 2) * (m + 2);
  const pPlane = planeBytes(tiles, PANEL), vPlane = planeBytes(tiles, C), uPlane = planeBytes(C, PANEL);
  for (let k = 0; k < points; k++) {
    // A number added to the product at (1, 1), where all powers are 1, is added to every output.
    const b = k == m + 3 ? bias : 0;
    if (ASC_FEATURE_SIMD) product<v128>(p, v, u, tiles, C, b);
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
  for (; M > 0; M -= 2) {
    let r0 = splat<V>(0), r1 = r0, r2 = r0, r3 = r0;
    if (bias) {
      r0 = vload<V>(bias);
      r1 = vload<V>(bias, sizeof<V>());
      r2 = vload<V>(bias, 2 * sizeof<V>());
      r3 = vload<V>(bias, 3 * sizeof<V>());
    }
    let s0 = r0, s1 = r1, s2 = r2, s3 = r3;
    // A last single row is computed twice.
    let a0 = a, a1 = M > 1 ? a + rowBytes : a, p = b, k = K;
    do {
      const b0 = vload<V>(p), b1 = vload<V>(p, sizeof<V>());
      const b2 = vload<V>(p, 2 * sizeof<V>()), b3 = vload<V>(p, 3 * sizeof<V>());
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
    vstore<V>(c + sizeof<V>(), r1);
    vstore<V>(c + 2 * sizeof<V>(), r2);
    vstore<V>(c + 3 * sizeof<V>(), r3);
    if (M > 1) {
      vstore<V>(c + 64, s0);
      vstore<V>(c + 64 + sizeof<V>(), s1);
      vstore<V>(c + 64 + 2 * sizeof<V>(), s2);
      vstore<V>(c + 64 + 3 * sizeof<V>(), s3);
    }
    a += 2 * rowBytes;
    c += 128;
  }
}

/**
 * The outputs of rows x columns tiles from p, `plane` bytes between planes and 16 f32 between tiles: at y, pixels
 * pixelBytes and rows rowBytes apart, of which height x width exist and `cols` (1..16) channels. relu: max(0, .) of it.
 * Scratch: tileScratch(m, 0) bytes.
 */
export function outputTiles(
  m: i32, y: usize, p: usize, plane: usize, rows: i32, columns: i32, rowBytes: usize, pixelBytes: usize, height: i32,
  width: i32, cols: i32, relu: i32, scratch: usize,
): void {
  const floor: f32 = relu ? 0 : -Infinity;
  for (let i = 0; i < rows; i++) {
    const h = min(m, height - i * m);
    let to = y;
    for (let j = 0; j < columns; j++) {
      const w = min(m, width - j * m);
      const whole = h == m && w == m;
      let c = 0;
      if (ASC_FEATURE_SIMD) {
        for (; c < cols; c += 4) {
          outputTile<v128>(m, to + (<usize>c << 2), p + (<usize>c << 2), plane, rowBytes, pixelBytes, h, w, whole ? cols - c : 0, cols - c, floor, scratch);
        }
      } else {
        for (; c < cols; c++) {
          outputTile<f32>(m, to + (<usize>c << 2), p + (<usize>c << 2), plane, rowBytes, pixelBytes, h, w, whole ? 4 : 0, 1, floor, scratch);
        }
      }
      p += PANEL << 2;
      to += <usize>m * pixelBytes;
    }
    y += <usize>m * rowBytes;
  }
}

/** Y = A^T p A of lanes<V>() channels: straight to y where `direct` >= 4, else the h x w pixels and n channels that exist. */
function outputTile<V>(
  m: i32, y: usize, p: usize, plane: usize, rowBytes: usize, pixelBytes: usize, h: i32, w: i32, direct: i32, n: i32,
  floor: f32, between: usize,
): void {
  let to = y, toRow = rowBytes, toPixel = pixelBytes;
  if (direct < 4) {
    to = between + (<usize>((m + 2) * (m + 2)) << 4);
    toPixel = sizeof<V>();
    toRow = <usize>m * toPixel;
  }
  if (m == 5) outputTileOf<V>(5, to, p, plane, toRow, toPixel, floor, between);
  else if (m == 4) outputTileOf<V>(4, to, p, plane, toRow, toPixel, floor, between);
  else outputTileOf<V>(2, to, p, plane, toRow, toPixel, floor, between);
  if (direct >= 4) return;
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      vstorePart<V>(y + <usize>i * rowBytes + <usize>j * pixelBytes, vload<V>(to + <usize>i * toRow + <usize>j * toPixel), n);
    }
  }
}

// @ts-ignore: decorator
@inline
function outputTileOf<V>(
  m: i32, y: usize, p: usize, plane: usize, rowBytes: usize, pixelBytes: usize, floor: f32, between: usize,
): void {
  const line = <usize>(m + 2) * sizeof<V>();
  const planes = <usize>(m + 2) * plane, bound = splat<V>(floor);
  for (let to = between; to < between + line; to += sizeof<V>(), p += plane) outputLine<V>(m, to, line, p, planes, false, bound);
  for (let i = 0; i < m; i++, between += line, y += rowBytes) outputLine<V>(m, y, pixelBytes, between, sizeof<V>(), true, bound);
}

/**
 * y[batch, OH, OW, OC] = act(conv(x[batch, H, W, C] with `top` and `left` zeros around, 3x3, stride 1) + bias).
 * One task is `images` images, `block` rows of tiles of each at once. With n = images * the tiles of a block and
 * t = m + 2, scratch: t * t * (4 n (C + 16) + 128) bytes, and t * t * (4 C + 32).
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
    const rows = min(s.block, allRows - i), tiles = rows * columns * images;
    const vPlane = planeBytes(tiles, C), pPlane = planeBytes(tiles, PANEL);
    const p = scratch + <usize>(t * t) * vPlane, between = p + <usize>(t * t) * pPlane;
    for (let k = 0; k < images; k++) {
      inputTiles(
        m, scratch + ((<usize>(k * rows * columns) * <usize>C) << 2), vPlane, s.x + <usize>(n0 + k) * imageBytes, s.H, s.W, C,
        i * m - s.top, -s.left, rows, columns, between,
      );
    }
    for (let o = 0; o < OC; o += PANEL) {
      const panel = s.u + <usize>(o / PANEL) * panelBytes(m, C);
      tileProducts(m, p, scratch, panel, tiles, C, s.bias ? s.bias + (<usize>o << 2) : 0);
      for (let k = 0; k < images; k++) {
        outputTiles(
          m, s.y + <usize>((n0 + k) * s.OH + i * m) * outRow + (<usize>o << 2), p + (<usize>(k * rows * columns) << 6), pPlane,
          rows, columns, outRow, pixelBytes, s.OH - i * m, s.OW, min(OC - o, PANEL), s.relu, between,
        );
      }
    }
  }
}

// The filter's gradient: dw = G^T [sum over tiles of (B^T d B) . (A dY A^T)] G. The transformed tiles of all images are
// written out, their products are t * t matrix products (a gemm over all points at once), and tapTiles ends them.

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
  const tiles = s.rows * s.columns;
  const v = s.v + ((<usize>(task * tiles) * <usize>s.C) << 2);
  const plane = planeBytes(tiles * s.batch, s.C);
  const x = s.x + ((<usize>(s.first + task) * <usize>(s.H * s.W * s.C)) << 2);
  if (s.gradient) gradientTiles(s.m, v, plane, x, s.H, s.W, s.C, s.rows, s.columns, scratch);
  else inputTiles(s.m, v, plane, x, s.H, s.W, s.C, -s.top, -s.left, s.rows, s.columns, scratch);
}

/** The transformed m x m tiles of one gradient image dy[H, W, C]: see inputTiles. */
function gradientTiles(
  m: i32, v: usize, plane: usize, dy: usize, H: i32, W: i32, C: i32, rows: i32, columns: i32, scratch: usize,
): void {
  const t = m + 2, pixelBytes = <usize>C << 2;
  const whole = scratch + (<usize>(t * t) << 5);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let d = dy + <usize>(i * m * W + j * m) * pixelBytes, rowBytes = <usize>W * pixelBytes;
      if (!inside(i * m, j * m, m, H, W)) {
        copyTile(whole, dy, H, W, C, i * m, j * m, m);
        d = whole;
        rowBytes = <usize>m * pixelBytes;
      }
      let c = 0;
      if (ASC_FEATURE_SIMD) {
        for (; c + 4 <= C; c += 4) gradientTile<v128>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
      }
      for (; c < C; c++) gradientTile<f32>(m, v + (<usize>c << 2), plane, d + (<usize>c << 2), rowBytes, pixelBytes, scratch);
      v += pixelBytes;
    }
  }
}

/** A dY A^T of lanes<V>() channels. */
function gradientTile<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  if (m == 5) gradientTileOf<V>(5, v, plane, d, rowBytes, pixelBytes, between);
  else if (m == 4) gradientTileOf<V>(4, v, plane, d, rowBytes, pixelBytes, between);
  else gradientTileOf<V>(2, v, plane, d, rowBytes, pixelBytes, between);
}

// @ts-ignore: decorator
@inline
function gradientTileOf<V>(m: i32, v: usize, plane: usize, d: usize, rowBytes: usize, pixelBytes: usize, between: usize): void {
  const line = <usize>m * sizeof<V>();
  const planes = <usize>(m + 2) * plane;
  for (let to = between; to < between + line; to += sizeof<V>(), d += pixelBytes) gradientLine<V>(m, to, line, d, rowBytes);
  for (let i = 0; i < m + 2; i++, between += line, v += planes) gradientLine<V>(m, v, plane, between, sizeof<V>());
}

/** dw[3, 3, C, OC] = G^T du[t * t][C][OC] G. One task is one input channel. */
@unmanaged
export class WinogradTapsArgs {
  dw: usize;
  du: usize;
  C: i32;
  OC: i32;
  m: i32; // 2, 4 or 5
}

/** Scratch: 3 t vectors. */
export function winogradTaps(s: WinogradTapsArgs, task: i32, scratch: usize): void {
  const at = <usize>(task * s.OC) << 2, plane = <usize>(s.C * s.OC) << 2;
  let o = 0;
  if (ASC_FEATURE_SIMD) {
    for (; o + 4 <= s.OC; o += 4) taps<v128>(s.m, s.dw + at + (<usize>o << 2), s.du + at + (<usize>o << 2), plane, scratch);
  }
  for (; o < s.OC; o++) taps<f32>(s.m, s.dw + at + (<usize>o << 2), s.du + at + (<usize>o << 2), plane, scratch);
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
