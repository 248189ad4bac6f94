// Straightforward f64 references: the formula, one loop per index, no blocking.

/** C[M, N] = op(A) op(B) + beta C + bias, row-major. */
export function gemm(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [M, N, K]: readonly [number, number, number],
  options: {
    transA?: boolean;
    transB?: boolean;
    beta?: number;
    c?: ArrayLike<number>;
    bias?: ArrayLike<number>;
    relu?: boolean;
  } = {},
): Float64Array {
  const { transA = false, transB = false, beta = 0, c, bias, relu = false } = options;
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = (bias?.[n] ?? 0) + (c && beta !== 0 ? beta * c[m * N + n]! : 0);
      for (let k = 0; k < K; k++)
        sum += a[transA ? k * M + m : m * K + k]! * b[transB ? n * K + k : k * N + n]!;
      out[m * N + n] = relu ? Math.max(0, sum) : sum;
    }
  }
  return out;
}

/** Column sums of x[M, N]. */
export function columnSum(x: ArrayLike<number>, M: number, N: number): Float64Array {
  const out = new Float64Array(N);
  for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) out[n]! += x[m * N + n]!;
  return out;
}

/** Softmax of each row of x[rows, cols]. */
export function softmax(x: ArrayLike<number>, rows: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    const row = Array.from({ length: cols }, (_, j) => x[r * cols + j]!);
    const max = Math.max(...row);
    const sum = row.reduce((s, v) => s + Math.exp(v - max), 0);
    for (const [j, v] of row.entries()) out[r * cols + j] = Math.exp(v - max) / sum;
  }
  return out;
}
