import { lanes, loadSplat, madd, splat, vload, vrelu, vstore } from "./simd";
import { PANEL, TILE_ACCUMULATE, finishVector, panelRows, reluFlags, wholePanels } from "./tile";

/** Depth of one block: a packed panel of B (KC x 16 f32, 16 KiB) stays in the L1 cache. */
// @host
export const KC: i32 = 256;

/** Bytes of packed panels of B as wide as cols, a multiple of PANEL; rows of A take those of rows + 1 columns. */
// @host
// @ts-ignore: decorator
@inline
export function packedBytes(cols: i32): usize {
  return <usize>4 * <usize>KC * <usize>cols;
}

/** Scratch of gemm: the panels of B, and behind them, if transA, a block of A. */
// @host
// @ts-ignore: decorator
@inline
export function gemmScratch(rows: i32, cols: i32, transA: bool): usize {
  return packedBytes(wholePanels(cols)) + (transA ? packedBytes(rows + 1) : 0);
}

/** C[M, N] = act(op(A)[M, K] op(B)[K, N] + beta C + bias[N]), row-major. */
@unmanaged
export class GemmArgs {
  c: usize; // [M, N]
  a: usize; // [M, K], or [K, M] if transA
  b: usize; // [K, N], or [N, K] if transB
  bias: usize; // [N rounded up to 16 readable], or 0
  M: i32;
  N: i32;
  K: i32; // 0 is legal: C = beta C + bias
  transA: i32;
  transB: i32;
  beta: f32;
  relu: i32; // 1: max(0, .) on the way out, 2: min(max(0, .), 6) in builds with all kernels; only with beta = 0
  rows: i32; // one task computes a block of rows x cols of C; cols is a multiple of 16;
  cols: i32; // tasks = matrices * ceil(M / rows) * ceil(N / cols), row blocks outermost within a matrix
  cNext: usize; // bytes from one matrix to the next, where several are multiplied in one call
  aNext: usize;
  bNext: usize;
}

/**
 * One task computes one block of C from packed panels of B; a matrix of one row from B as it is, unless that is transposed. Scratch: gemmScratch(rows, cols, transA).
 */
export function gemm(args: GemmArgs, task: i32, scratch: usize): void {
  const N = args.N, K = args.K;
  const across = (N + args.cols - 1) / args.cols, down = (args.M + args.rows - 1) / args.rows;
  const matrix = <usize>(task / (across * down));
  const m0 = (task / across % down) * args.rows;
  const rows = min(args.M - m0, args.rows);
  const n0 = (task % across) * args.cols;
  const n1 = min(N, n0 + args.cols);
  const ldc = <usize>N << 2;
  const c = args.c + matrix * args.cNext + <usize>m0 * ldc;
  const b = args.b + matrix * args.bNext;
  if (args.beta != 0 && args.beta != 1) scaleRows(c + (<usize>n0 << 2), rows, n1 - n0, ldc, args.beta);
  if (K == 0) finishEmpty(c, rows, n0, n1, args);

  for (let k0 = 0; k0 < K; k0 += KC) {
    const kc = min(KC, K - k0);
    let flags = k0 > 0 || args.beta != 0 ? TILE_ACCUMULATE : 0;
    if (k0 + kc == K) flags |= reluFlags(args.relu);
    // Rows 2i and 2i + 1 of op(A) start at a + i * aPair and aRow further on; aStep leads to the next k.
    let a = args.a + matrix * args.aNext + ((<usize>m0 * <usize>K + <usize>k0) << 2);
    let aRow = <usize>K << 2, aPair = aRow << 1, aStep: usize = 4;
    if (args.transA) {
      a = scratch + packedBytes(wholePanels(args.cols));
      packPairs(a, args.a + matrix * args.aNext + ((<usize>k0 * <usize>args.M + <usize>m0) << 2), args.M, rows, kc);
      aRow = 4;
      aPair = <usize>kc << 3;
      aStep = 8;
    }
    if (args.M == 1 && !args.transB) {
      const bias = args.bias && k0 == 0 ? args.bias + (<usize>n0 << 2) : 0;
      const b0 = b + ((<usize>k0 * <usize>N + <usize>n0) << 2);
      if (ASC_FEATURE_SIMD) oneRow<v128>(scratch, c + (<usize>n0 << 2), n1 - n0, flags, bias, a, aStep, b0, ldc, kc);
      else oneRow<f32>(scratch, c + (<usize>n0 << 2), n1 - n0, flags, bias, a, aStep, b0, ldc, kc);
      continue;
    }
    const panelBytes = <usize>(kc * PANEL) << 2;
    packPanels(scratch, b, N, K, args.transB, k0, kc, n0, n1);
    let panel = scratch;
    for (let n = n0; n < n1; n += PANEL) {
      const bias = args.bias && k0 == 0 ? args.bias + (<usize>n << 2) : 0;
      panelRows(c + (<usize>n << 2), ldc, rows, min(n1 - n, PANEL), flags, bias, a, aRow, aPair, aStep, panel, kc);
      panel += panelBytes;
    }
  }
}

/**
 * A single row of C: B is read where it lies, row by row, as each of its numbers is needed once. Sums are those of a tile.
 * Scratch: the columns, rounded up to two vectors.
 */
// @ts-ignore: decorator
@inline
function oneRow<V>(
  sums: usize, c: usize, cols: i32, flags: i32, bias: usize, a: usize, aStep: usize, b: usize, ldb: usize, K: i32,
): void {
  let p = sums;
  for (let n = cols; n > 0; n -= 2 * lanes<V>(), p += 2 * sizeof<V>()) {
    vstore<V>(p, bias ? vload<V>(bias) : splat<V>(0));
    vstore<V>(p + sizeof<V>(), bias ? vload<V>(bias, sizeof<V>()) : splat<V>(0));
    if (bias) bias += 2 * sizeof<V>();
  }
  for (; K >= 4; K -= 4, b += 4 * ldb) {
    addFour<V>(sums, cols, a, aStep, b, ldb);
    a += 4 * aStep;
  }
  for (; K > 0; K--, a += aStep, b += ldb) {
    const x = loadSplat<V>(a);
    let q = b;
    p = sums;
    for (let n = cols; n > 0; n -= lanes<V>(), p += sizeof<V>(), q += sizeof<V>()) {
      vstore<V>(p, madd<V>(x, vload<V>(q), vload<V>(p)));
    }
  }
  p = sums;
  for (let n = cols; n > 0; n -= lanes<V>(), p += sizeof<V>(), c += sizeof<V>()) finishVector<V>(c, n, flags, vload<V>(p));
}

/** sums[cols] += four numbers of A times four rows of B, one after the other. */
// @ts-ignore: decorator
@inline
function addFour<V>(sums: usize, cols: i32, a: usize, aStep: usize, b: usize, ldb: usize): void {
  const x0 = loadSplat<V>(a), x1 = loadSplat<V>(a + aStep), x2 = loadSplat<V>(a + 2 * aStep);
  const x3 = loadSplat<V>(a + 3 * aStep);
  let b1 = b + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
  for (; cols > 0; cols -= 2 * lanes<V>()) {
    let v = madd<V>(x0, vload<V>(b), vload<V>(sums)), w = madd<V>(x0, vload<V>(b, sizeof<V>()), vload<V>(sums, sizeof<V>()));
    v = madd<V>(x1, vload<V>(b1), v);
    w = madd<V>(x1, vload<V>(b1, sizeof<V>()), w);
    v = madd<V>(x2, vload<V>(b2), v);
    w = madd<V>(x2, vload<V>(b2, sizeof<V>()), w);
    vstore<V>(sums, madd<V>(x3, vload<V>(b3), v));
    vstore<V>(sums + sizeof<V>(), madd<V>(x3, vload<V>(b3, sizeof<V>()), w));
    sums += 2 * sizeof<V>();
    b += 2 * sizeof<V>();
    b1 += 2 * sizeof<V>();
    b2 += 2 * sizeof<V>();
    b3 += 2 * sizeof<V>();
  }
}

/** out[panels][kc, 16]: op(B)[k0 .. k0 + kc, n0 .. n1]. Whole rows at once: what lies side by side in memory is read so. */
function packPanels(
  out: usize, b: usize, N: i32, K: i32, transB: i32, k0: i32, kc: i32, n0: i32, n1: i32,
): void {
  const panelBytes = <usize>(kc * PANEL) << 2;
  let n = n0;
  if (ASC_FEATURE_SIMD && !transB) {
    const whole = (n1 - n0) / PANEL;
    let row = b + ((<usize>k0 * <usize>N + <usize>n0) << 2);
    for (let k: usize = 0; k < <usize>kc; k++) {
      let p = row, to = out + (k << 6);
      for (let i = 0; i < whole; i++) {
        v128.store(to, v128.load(p));
        v128.store(to, v128.load(p, 16), 16);
        v128.store(to, v128.load(p, 32), 32);
        v128.store(to, v128.load(p, 48), 48);
        p += PANEL << 2;
        to += panelBytes;
      }
      row += <usize>N << 2;
    }
    n += whole * PANEL;
    out += <usize>whole * panelBytes;
  }
  for (; n < n1; n += PANEL) {
    packPanel(out, b, N, K, transB, k0, kc, n, min(n1 - n, PANEL));
    out += panelBytes;
  }
}

/** out[kc, 16] = op(B)[k0 .. k0 + kc, n0 .. n0 + cols], columns beyond `cols` zero. */
export function packPanel(
  out: usize, b: usize, N: i32, K: i32, transB: i32, k0: i32, kc: i32, n0: i32, cols: i32,
): void {
  if (transB) {
    packTransposed(out, b + ((<usize>n0 * <usize>K + <usize>k0) << 2), K, kc, cols);
    return;
  }
  let p = b + ((<usize>k0 * <usize>N + <usize>n0) << 2);
  const ldb = <usize>N << 2;
  for (let k = 0; k < kc; k++) {
    if (ASC_FEATURE_SIMD && cols == PANEL) {
      v128.store(out, v128.load(p));
      v128.store(out, v128.load(p, 16), 16);
      v128.store(out, v128.load(p, 32), 32);
      v128.store(out, v128.load(p, 48), 48);
    } else {
      for (let j = 0; j < PANEL; j++) store<f32>(out + (j << 2), j < cols ? load<f32>(p + (j << 2)) : 0);
    }
    out += PANEL << 2;
    p += ldb;
  }
}

/** out[kc, 16] = transpose of rows[cols, kc] whose rows lie K f32 apart, missing columns zero. */
function packTransposed(out: usize, rows: usize, K: i32, kc: i32, cols: i32): void {
  const ld = <usize>K << 2;
  let j = 0;
  if (ASC_FEATURE_SIMD) {
    for (; j + 4 <= cols; j += 4) {
      let p = rows + <usize>j * ld, q = out + (<usize>j << 2), k = 0;
      for (; k + 4 <= kc; k += 4) {
        const a = v128.load(p), b = v128.load(p + ld), c = v128.load(p + 2 * ld), d = v128.load(p + 3 * ld);
        const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        v128.store(q, v128.shuffle<f64>(ab0, cd0, 0, 2));
        v128.store(q, v128.shuffle<f64>(ab0, cd0, 1, 3), PANEL << 2);
        v128.store(q, v128.shuffle<f64>(ab1, cd1, 0, 2), PANEL << 3);
        v128.store(q, v128.shuffle<f64>(ab1, cd1, 1, 3), PANEL * 12);
        p += 16;
        q += PANEL << 4;
      }
      for (; k < kc; k++) {
        store<f32>(q, load<f32>(p));
        store<f32>(q, load<f32>(p + ld), 4);
        store<f32>(q, load<f32>(p + 2 * ld), 8);
        store<f32>(q, load<f32>(p + 3 * ld), 12);
        p += 4;
        q += PANEL << 2;
      }
    }
  }
  for (; j < PANEL; j++) {
    let p = rows + <usize>j * ld, q = out + (<usize>j << 2);
    for (let k = 0; k < kc; k++) {
      store<f32>(q, j < cols ? load<f32>(p) : 0);
      p += 4;
      q += PANEL << 2;
    }
  }
}

/**
 * out[ceil(rows / 2), kc, 2] from A[K, M]: pairs of neighbouring rows of op(A), k after k. Eight pairs at a time:
 * one cache line of A read, eight sequential streams written.
 */
function packPairs(out: usize, a: usize, M: i32, rows: i32, kc: i32): void {
  const pairBytes = <usize>kc << 3;
  for (let m = 0; m < rows; m += 16) {
    let line = a + (<usize>m << 2), to = out + <usize>(m >> 1) * pairBytes;
    const width = min(rows - m, 16);
    for (let k = 0; k < kc; k++) {
      let p = line, q = to, j = 0;
      for (; j + 2 <= width; j += 2) {
        store<u64>(q, load<u64>(p));
        p += 8;
        q += pairBytes;
      }
      if (j < width) store<f32>(q, load<f32>(p));
      line += <usize>M << 2;
      to += 8;
    }
  }
}

function scaleRows(c: usize, rows: i32, cols: i32, ldc: usize, beta: f32): void {
  for (let m = 0; m < rows; m++) {
    for (let j = 0; j < cols; j++) {
      const p = c + (<usize>j << 2);
      store<f32>(p, load<f32>(p) * beta);
    }
    c += ldc;
  }
}

/** K = 0: C = act(beta C + bias), beta already applied. */
function finishEmpty(c: usize, rows: i32, n0: i32, n1: i32, args: GemmArgs): void {
  for (let m = 0; m < rows; m++) {
    for (let n = n0; n < n1; n++) {
      const p = c + (<usize>n << 2);
      let x: f32 = (args.beta != 0 ? load<f32>(p) : 0) + (args.bias ? load<f32>(args.bias + (<usize>n << 2)) : 0);
      if (args.relu) x = vrelu<f32>(x);
      // @ts-ignore: of the command that builds
      if (ALL_KERNELS && args.relu > 1) x = min<f32>(x, 6);
      store<f32>(p, x);
    }
    c += <usize>args.N << 2;
  }
}
