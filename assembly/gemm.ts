import { PANEL, TILE_ACCUMULATE, TILE_RELU, tile } from "./tile";

/** Depth of one block: a packed panel of B (KC x 16 f32, 16 KiB) stays in the L1 cache. */
const KC: i32 = 256;

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
  relu: i32; // 1: max(0, .) on the way out; only with beta = 0
  rows: i32; // rows of C in one task; tasks = ceil(M / rows) * ceil(N / 16), row blocks outermost
}

/**
 * One task computes `rows` rows of one 16-column panel of C.
 * Scratch: KC * 16 f32 for the panel of B, and if transA KC * (rows + 1) more for a block of A.
 */
export function gemm(args: GemmArgs, task: i32, scratch: usize): void {
  const N = args.N, K = args.K;
  const panels = (N + PANEL - 1) / PANEL;
  const m0 = (task / panels) * args.rows;
  const m1 = min(m0 + args.rows, args.M);
  const n0 = (task % panels) * PANEL;
  const cols = min(N - n0, PANEL);
  const ldc = <usize>N << 2;
  const c = args.c + <usize>m0 * ldc + (<usize>n0 << 2);
  const bias = args.bias ? args.bias + (<usize>n0 << 2) : 0;
  if (args.beta != 0 && args.beta != 1) scaleRows(c, m1 - m0, cols, ldc, args.beta);
  if (K == 0) return finishEmpty(c, m1 - m0, cols, ldc, args.beta != 0, bias, args.relu);

  for (let k0 = 0; k0 < K; k0 += KC) {
    const kc = min(KC, K - k0);
    packPanel(scratch, args.b, N, K, args.transB, k0, kc, n0, cols);
    let a = args.a, aRow: usize = <usize>K << 2, aStep: usize = 4;
    if (args.transA) {
      a = scratch + (KC * PANEL << 2);
      packPairs(a, args.a + ((<usize>k0 * <usize>args.M + <usize>m0) << 2), args.M, m1 - m0, kc);
      aRow = 0;
      aStep = 8;
    } else a += <usize>m0 * aRow + (<usize>k0 << 2);
    let flags = k0 > 0 || args.beta != 0 ? TILE_ACCUMULATE : 0;
    if (args.relu && k0 + kc == K) flags |= TILE_RELU;
    let ci = c;
    for (let m = m0; m < m1; m += 2) {
      const a1 = args.transA ? a + 4 : a + aRow;
      tile(
        ci, m + 1 < m1 ? ci + ldc : 0, cols, flags, k0 == 0 ? bias : 0,
        a, a1, aStep, 0, scratch, PANEL << 2, 0, kc, 1,
      );
      ci += ldc << 1;
      a += args.transA ? <usize>kc << 3 : aRow << 1;
    }
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

/** out[ceil(rows / 2), kc, 2] from A[K, M]: pairs of neighbouring rows of op(A), k after k. */
function packPairs(out: usize, a: usize, M: i32, rows: i32, kc: i32): void {
  const pairBytes = <usize>kc << 3;
  for (let k = 0; k < kc; k++) {
    let p = a, q = out, m = 0;
    for (; m + 2 <= rows; m += 2) {
      store<u64>(q, load<u64>(p));
      p += 8;
      q += pairBytes;
    }
    if (m < rows) store<f32>(q, load<f32>(p));
    a += <usize>M << 2;
    out += 8;
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

function finishEmpty(c: usize, rows: i32, cols: i32, ldc: usize, keep: bool, bias: usize, relu: i32): void {
  for (let m = 0; m < rows; m++) {
    for (let j = 0; j < cols; j++) {
      const p = c + (<usize>j << 2);
      let x: f32 = (keep ? load<f32>(p) : 0) + (bias ? load<f32>(bias + (<usize>j << 2)) : 0);
      if (relu) x = max<f32>(x, 0);
      store<f32>(p, x);
    }
    c += ldc;
  }
}
