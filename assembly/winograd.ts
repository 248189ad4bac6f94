import { lanes, loadSplat, madd, splat, vadd, vload, vpmax, vstore, vstorePart, vsub } from "./simd";
import { PANEL } from "./tile";

// Winograd's F(2x2, 3x3) (Lavin and Gray 2015): 16 products where a 2x2 block of outputs of a 3x3 stride-1 convolution
// takes 36. Per 4x4 tile d of the input: V = B^T d B; per filter g: U = G g G^T; Y = A^T [U . V] A, with
//   B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]   G = [1 0 0; .5 .5 .5; .5 -.5 .5; 0 0 1]   A^T = [1 1 1 0; 0 1 -1 -1]
// The products of all channels are 16 matrix products. In f32 it is no less exact than direct summation.
// A tile may reach one row and one column beyond the input: row 3 of d enters row 1 of Y alone, which is then dropped.

/** u[ceil(OC / 16)][16][C][16] from w[3, 3, C, OC]; with `rotate` from w[3, 3, OC, C] turned by 180 degrees. One task is one panel. */
@unmanaged
export class WinogradFilterArgs {
  u: usize;
  w: usize;
  C: i32;
  OC: i32;
  rotate: i32; // 1: the filter of the input gradient, whose input channels are the layer's filters
}

export function winogradFilter(args: WinogradFilterArgs, task: i32, scratch: usize): void {
  const C = args.C, OC = args.OC;
  const o0 = task * PANEL;
  let u = args.u + ((<usize>task * <usize>C) << 10);
  const plane = <usize>C << 6; // bytes from one of the 16 products to the next
  for (let c = 0; c < C; c++) {
    for (let j = 0; j < PANEL; j++) {
      const o = o0 + j;
      if (o < OC) filterTile(u + (<usize>j << 2), args.w, plane, c, o, C, OC, args.rotate);
      else for (let k = 0; k < 16; k++) store<f32>(u + (<usize>j << 2) + <usize>k * plane, 0);
    }
    u += PANEL << 2;
  }
}

/** U = G g G^T for one pair of channels. */
// @ts-ignore: decorator
@inline
function filterTile(u: usize, w: usize, plane: usize, c: i32, o: i32, C: i32, OC: i32, rotate: i32): void {
  const step = <usize>(C * OC) << 2;
  let g = w + (<usize>(rotate ? o * C + c : c * OC + o) << 2);
  let down = 3 * step, right = step;
  if (rotate) {
    g += 8 * step;
    down = 0 - down;
    right = 0 - right;
  }
  for (let q = 0; q < 4; q++) {
    // Column q of g G^T, row by row.
    const a = filterRow(g, right, q), b = filterRow(g + down, right, q), d = filterRow(g + 2 * down, right, q);
    const p = u + <usize>q * plane;
    store<f32>(p, a);
    store<f32>(p + 4 * plane, 0.5 * (a + d + b));
    store<f32>(p + 8 * plane, 0.5 * (a + d - b));
    store<f32>(p + 12 * plane, d);
  }
}

/** Element q of G applied to three numbers. */
// @ts-ignore: decorator
@inline
function filterRow(g: usize, right: usize, q: i32): f32 {
  const x = load<f32>(g), y = load<f32>(g + right), z = load<f32>(g + 2 * right);
  if (q == 0) return x;
  if (q == 3) return z;
  return <f32>0.5 * (q == 1 ? x + z + y : x + z - y);
}

/** v[16][rows * columns][C] = the transformed tiles of x, whose first is at x and whose rows lie rowBytes apart. */
export function transformInput(v: usize, x: usize, rowBytes: usize, C: i32, rows: i32, columns: i32): void {
  const pixelBytes = <usize>C << 2;
  const plane = <usize>(rows * columns) * pixelBytes;
  for (let i = 0; i < rows; i++) {
    let tile = x;
    for (let j = 0; j < columns; j++) {
      let c = 0;
      if (ASC_FEATURE_SIMD) {
        for (; c + 4 <= C; c += 4) inputTile<v128>(v + (<usize>c << 2), tile + (<usize>c << 2), rowBytes, pixelBytes, plane);
      }
      for (; c < C; c++) inputTile<f32>(v + (<usize>c << 2), tile + (<usize>c << 2), rowBytes, pixelBytes, plane);
      tile += pixelBytes << 1;
      v += pixelBytes;
    }
    x += rowBytes << 1;
  }
}

/** V = B^T d B for lanes<V>() channels. */
function inputTile<V>(v: usize, d: usize, rowBytes: usize, pixelBytes: usize, plane: usize): void {
  const d1 = d + rowBytes, d2 = d1 + rowBytes, d3 = d2 + rowBytes;
  const p1 = pixelBytes, p2 = 2 * p1, p3 = 3 * p1;
  // Row i of B^T d, all four columns, then that row times B.
  inputRow<V>(
    v, plane,
    vsub<V>(vload<V>(d), vload<V>(d2)), vsub<V>(vload<V>(d + p1), vload<V>(d2 + p1)),
    vsub<V>(vload<V>(d + p2), vload<V>(d2 + p2)), vsub<V>(vload<V>(d + p3), vload<V>(d2 + p3)),
  );
  inputRow<V>(
    v + 4 * plane, plane,
    vadd<V>(vload<V>(d1), vload<V>(d2)), vadd<V>(vload<V>(d1 + p1), vload<V>(d2 + p1)),
    vadd<V>(vload<V>(d1 + p2), vload<V>(d2 + p2)), vadd<V>(vload<V>(d1 + p3), vload<V>(d2 + p3)),
  );
  inputRow<V>(
    v + 8 * plane, plane,
    vsub<V>(vload<V>(d2), vload<V>(d1)), vsub<V>(vload<V>(d2 + p1), vload<V>(d1 + p1)),
    vsub<V>(vload<V>(d2 + p2), vload<V>(d1 + p2)), vsub<V>(vload<V>(d2 + p3), vload<V>(d1 + p3)),
  );
  inputRow<V>(
    v + 12 * plane, plane,
    vsub<V>(vload<V>(d1), vload<V>(d3)), vsub<V>(vload<V>(d1 + p1), vload<V>(d3 + p1)),
    vsub<V>(vload<V>(d1 + p2), vload<V>(d3 + p2)), vsub<V>(vload<V>(d1 + p3), vload<V>(d3 + p3)),
  );
}

// @ts-ignore: decorator
@inline
function inputRow<V>(v: usize, plane: usize, a: V, b: V, c: V, d: V): void {
  vstore<V>(v, vsub<V>(a, c));
  vstore<V>(v + plane, vadd<V>(b, c));
  vstore<V>(v + 2 * plane, vsub<V>(c, b));
  vstore<V>(v + 3 * plane, vsub<V>(b, d));
}

/** m[16][tiles][16] = v[16][tiles][C] u[16][C][16]: the products of one panel. */
export function transformedProducts(m: usize, v: usize, u: usize, tiles: i32, C: i32): void {
  for (let k = 0; k < 16; k++) {
    if (ASC_FEATURE_SIMD) product<v128>(m, v, u, tiles, C);
    else {
      product<f32>(m, v, u, tiles, C);
      product<f32>(m + 16, v, u + 16, tiles, C);
      product<f32>(m + 32, v, u + 32, tiles, C);
      product<f32>(m + 48, v, u + 48, tiles, C);
    }
    m += <usize>tiles << 6;
    v += (<usize>tiles * <usize>C) << 2;
    u += <usize>C << 6;
  }
}

/** c[M, 16] = a[M, K] b[K, 16], four vectors of columns: see tile.ts for the shape of the loop. */
// @ts-ignore: decorator
@inline
function product<V>(c: usize, a: usize, b: usize, M: i32, K: i32): void {
  const rowBytes = <usize>K << 2;
  for (; M > 0; M -= 2) {
    let r0 = splat<V>(0), r1 = r0, r2 = r0, r3 = r0, s0 = r0, s1 = r0, s2 = r0, s3 = r0;
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
 * The outputs of rows x columns tiles, from m[16][tiles][16] and bias: at y, pixels pixelBytes and rows rowBytes apart,
 * of which height x width exist and `cols` (1..16) channels. bias: 16 readable f32 or 0. relu: max(0, .) of it.
 */
export function transformOutput(
  y: usize, m: usize, rows: i32, columns: i32, rowBytes: usize, pixelBytes: usize, height: i32, width: i32, cols: i32,
  bias: usize, relu: i32,
): void {
  if (ASC_FEATURE_SIMD) outputTiles<v128>(y, m, rows, columns, rowBytes, pixelBytes, height, width, cols, bias, relu);
  else outputTiles<f32>(y, m, rows, columns, rowBytes, pixelBytes, height, width, cols, bias, relu);
}

// @ts-ignore: decorator
@inline
function outputTiles<V>(
  y: usize, m: usize, rows: i32, columns: i32, rowBytes: usize, pixelBytes: usize, height: i32, width: i32, cols: i32,
  bias: usize, relu: i32,
): void {
  const plane = <usize>(rows * columns) << 6;
  for (let i = 0; i < rows; i++) {
    const below = 2 * i + 1 < height;
    let to = y;
    for (let j = 0; j < columns; j++) {
      const beside = 2 * j + 1 < width;
      for (let c = 0; c < cols; c += lanes<V>()) {
        const o = <usize>c << 2;
        outputTile<V>(to + o, m + o, plane, rowBytes, pixelBytes, below, beside, cols - c, bias ? bias + o : 0, relu);
      }
      m += PANEL << 2;
      to += pixelBytes << 1;
    }
    y += rowBytes << 1;
  }
}

/** Y = A^T m A + bias for lanes<V>() channels. */
// @ts-ignore: decorator
@inline
function outputTile<V>(
  y: usize, m: usize, plane: usize, rowBytes: usize, pixelBytes: usize, below: bool, beside: bool, n: i32, bias: usize, relu: i32,
): void {
  // Columns of A^T m as they come, summed along the rows: r0 = a + b + c, r1 = b - c - d.
  let p = m;
  let m0 = vload<V>(p), m1 = vload<V>(p + 4 * plane), m2 = vload<V>(p + 8 * plane), m3 = vload<V>(p + 12 * plane);
  let y00 = vadd<V>(vadd<V>(m0, m1), m2), y10 = vsub<V>(vsub<V>(m1, m2), m3);
  p += plane;
  m0 = vload<V>(p);
  m1 = vload<V>(p + 4 * plane);
  m2 = vload<V>(p + 8 * plane);
  m3 = vload<V>(p + 12 * plane);
  let y01 = vadd<V>(vadd<V>(m0, m1), m2), y11 = vsub<V>(vsub<V>(m1, m2), m3);
  y00 = vadd<V>(y00, y01);
  y10 = vadd<V>(y10, y11);
  p += plane;
  m0 = vload<V>(p);
  m1 = vload<V>(p + 4 * plane);
  m2 = vload<V>(p + 8 * plane);
  m3 = vload<V>(p + 12 * plane);
  let t = vadd<V>(vadd<V>(m0, m1), m2), s = vsub<V>(vsub<V>(m1, m2), m3);
  y00 = vadd<V>(y00, t);
  y10 = vadd<V>(y10, s);
  y01 = vsub<V>(y01, t);
  y11 = vsub<V>(y11, s);
  p += plane;
  m0 = vload<V>(p);
  m1 = vload<V>(p + 4 * plane);
  m2 = vload<V>(p + 8 * plane);
  m3 = vload<V>(p + 12 * plane);
  t = vadd<V>(vadd<V>(m0, m1), m2);
  s = vsub<V>(vsub<V>(m1, m2), m3);
  y01 = vsub<V>(y01, t);
  y11 = vsub<V>(y11, s);
  if (bias) {
    const b = vload<V>(bias);
    y00 = vadd<V>(y00, b);
    y01 = vadd<V>(y01, b);
    y10 = vadd<V>(y10, b);
    y11 = vadd<V>(y11, b);
  }
  if (relu) {
    const zero = splat<V>(0);
    y00 = vpmax<V>(y00, zero);
    y01 = vpmax<V>(y01, zero);
    y10 = vpmax<V>(y10, zero);
    y11 = vpmax<V>(y11, zero);
  }
  vstorePart<V>(y, y00, n);
  if (beside) vstorePart<V>(y + pixelBytes, y01, n);
  if (below) {
    y += rowBytes;
    vstorePart<V>(y, y10, n);
    if (beside) vstorePart<V>(y + pixelBytes, y11, n);
  }
}

/**
 * y[batch, OH, OW, OC] = act(conv(x[batch, H, W, C] padded, 3x3, stride 1) + bias). One task is one image.
 * Scratch: 64 * tiles * (C + 16) bytes for the tiles of `block` output rows.
 */
@unmanaged
export class WinogradArgs {
  y: usize;
  x: usize;
  u: usize; // from winogradFilter
  bias: usize; // [OC rounded up to 16 readable], or 0
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  OC: i32;
  relu: i32;
  block: i32; // output rows at once, even
}

export function winogradForward(s: WinogradArgs, task: i32, scratch: usize): void {
  const C = s.C, OC = s.OC;
  const rowBytes = (<usize>s.W * <usize>C) << 2;
  const pixelBytes = <usize>OC << 2, outRow = <usize>s.OW * pixelBytes;
  const columns = (s.OW + 1) >> 1;
  let x = s.x + <usize>task * <usize>s.H * rowBytes;
  let y = s.y + <usize>task * <usize>s.OH * outRow;
  for (let i = 0; i < s.OH; i += s.block) {
    const height = min(s.block, s.OH - i), rows = (height + 1) >> 1;
    const tiles = rows * columns;
    const m = scratch + ((<usize>tiles * <usize>C) << 6);
    transformInput(scratch, x, rowBytes, C, rows, columns);
    for (let o = 0; o < OC; o += PANEL) {
      transformedProducts(m, scratch, s.u + ((<usize>o * <usize>C) << 6), tiles, C);
      transformOutput(
        y + (<usize>o << 2), m, rows, columns, outRow, pixelBytes, height, s.OW, min(OC - o, PANEL),
        s.bias ? s.bias + (<usize>o << 2) : 0, s.relu,
      );
    }
    x += <usize>s.block * rowBytes;
    y += <usize>s.block * outRow;
  }
}
