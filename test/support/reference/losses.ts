// Losses of one row against its targets, in f64, with Keras's clipping. The clip's ends are those of f32.

const [LOW, HIGH] = [Math.fround(1e-7), Math.fround(1 - 1e-7)];
const clip = (p: number) => Math.min(Math.max(p, LOW), HIGH);

export type RowLoss = (y: readonly number[], t: readonly number[]) => number;

export const softmaxCrossentropy: RowLoss = (x, t) => {
  const max = Math.max(...x);
  const logSum = Math.log(x.reduce((s, v) => s + Math.exp(v - max), 0));
  return x.reduce((s, v, j) => s + t[j]! * (logSum - (v - max)), 0);
};

/** From logits: log(1 + e^x) - t x, without overflow. */
export const sigmoidCrossentropy: RowLoss = (x, t) =>
  x.reduce((s, v, j) => s + Math.max(v, 0) - t[j]! * v + Math.log1p(Math.exp(-Math.abs(v))), 0) / x.length;

export const categoricalCrossentropy: RowLoss = (y, t) => {
  const sum = y.reduce((a, b) => a + b, 0);
  return -y.reduce((s, v, j) => s + t[j]! * Math.log(clip(v / sum)), 0);
};

export const binaryCrossentropy: RowLoss = (y, t) =>
  -y.reduce((s, v, j) => s + t[j]! * Math.log(clip(v)) + (1 - t[j]!) * Math.log(1 - clip(v)), 0) / y.length;

export const meanAbsoluteError: RowLoss = (y, t) =>
  y.reduce((s, v, j) => s + Math.abs(v - t[j]!), 0) / y.length;

export const meanSquaredError: RowLoss = (y, t) => y.reduce((s, v, j) => s + (v - t[j]!) ** 2, 0) / y.length;

/** Loss of every row of y[rows, cols]. */
export function rowLosses(
  loss: RowLoss,
  y: ArrayLike<number>,
  t: ArrayLike<number>,
  rows: number,
  cols: number,
): Float64Array {
  return Float64Array.from({ length: rows }, (_, r) => {
    const row = (a: ArrayLike<number>) => Array.from({ length: cols }, (_, j) => a[r * cols + j]!);
    return loss(row(y), row(t));
  });
}
