import { fixtureValues } from "./fixture-values.ts";

/** Deterministic test data: n values in [low, high). */
export function uniform(n: number, seed: number, low = -1, high = 1): Float32Array {
  return fixtureValues(n, seed, 1).map((v) => low + ((high - low) * (v + 1)) / 2);
}

/** n different values in random order, `step` apart and none nearer to 0 than step / 2: no ties and no kinks in reach. */
export function distinct(n: number, seed: number, step = 0.05): Float32Array {
  const order = uniform(n, seed);
  const ranks = Array.from(order.keys()).sort((a, b) => order[a]! - order[b]!);
  const values = new Float32Array(n);
  for (const [rank, i] of ranks.entries()) values[i] = (rank - Math.floor(n / 2) + 0.5) * step;
  return values;
}

/** Rows of probabilities that sum to 1. */
export function probabilities(rows: number, cols: number, seed: number): Float32Array {
  const values = uniform(rows * cols, seed, 0.05, 1);
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * cols, (r + 1) * cols);
    const sum = row.reduce((a, b) => a + b, 0);
    for (const [i, v] of row.entries()) row[i] = v / sum;
  }
  return values;
}

/** Lengths at which a kernel of vectors of 4 can go wrong: 1 .. 2 x width + 1, and several turns of its loops. */
export const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 31, 33, 100] as const;

/** Gradient of f at x by central differences in f64: error about h^2 f''' / 6. */
export function centralDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  h = 1e-5,
): Float64Array {
  const at = Float64Array.from(x);
  return at.map((_, i) => {
    const kept = at[i]!;
    at[i] = kept + h;
    const above = f(at);
    at[i] = kept - h;
    const below = f(at);
    at[i] = kept;
    return (above - below) / (2 * h);
  });
}

/** Inner product: turns a tensor-valued function into the scalar whose gradient a backward kernel computes. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
