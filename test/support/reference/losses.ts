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

const EPSILON = Math.fround(1e-7);
const mean = (y: readonly number[], term: (v: number, j: number) => number) =>
  y.reduce((s, v, j) => s + term(v, j), 0) / y.length;

export const meanAbsolutePercentageError: RowLoss = (y, t) =>
  100 * mean(y, (v, j) => Math.abs(v - t[j]!) / Math.max(Math.abs(t[j]!), EPSILON));

export const meanSquaredLogarithmicError: RowLoss = (y, t) =>
  mean(y, (v, j) => (Math.log1p(Math.max(v, EPSILON)) - Math.log1p(Math.max(t[j]!, EPSILON))) ** 2);

export const huber =
  (delta = 1): RowLoss =>
  (y, t) =>
    mean(y, (v, j) => {
      const d = Math.abs(v - t[j]!);
      return d <= delta ? d ** 2 / 2 : delta * (d - delta / 2);
    });

export const logCosh: RowLoss = (y, t) => mean(y, (v, j) => Math.log(Math.cosh(v - t[j]!)));

export const klDivergence: RowLoss = (y, t) => {
  const within = (p: number) => Math.min(Math.max(p, EPSILON), 1);
  return y.reduce((s, v, j) => s + within(t[j]!) * Math.log(within(t[j]!) / within(v)), 0);
};

export const poisson: RowLoss = (y, t) => mean(y, (v, j) => v - t[j]! * Math.log(v + EPSILON));

/** Targets -1 and 1. */
export const hinge: RowLoss = (y, t) => mean(y, (v, j) => Math.max(1 - t[j]! * v, 0));

export const squaredHinge: RowLoss = (y, t) => mean(y, (v, j) => Math.max(1 - t[j]! * v, 0) ** 2);

export const categoricalHinge: RowLoss = (y, t) =>
  Math.max(1 + Math.max(...y.map((v, j) => (1 - t[j]!) * v)) - y.reduce((s, v, j) => s + t[j]! * v, 0), 0);

export const cosineSimilarity: RowLoss = (y, t) => {
  const norm = (x: readonly number[]) => Math.max(Math.hypot(...x), 1e-7);
  return -y.reduce((s, v, j) => s + v * t[j]!, 0) / norm(y) / norm(t);
};

export const binaryFocalCrossentropy =
  (gamma = 2, alpha?: number): RowLoss =>
  (y, t) =>
    -mean(y, (v, j) => {
      const one = t[j]!;
      const lacks = one * (1 - v) + (1 - one) * v;
      const weight = alpha === undefined ? 1 : one * alpha + (1 - one) * (1 - alpha);
      return weight * lacks ** gamma * (one * Math.log(clip(v)) + (1 - one) * Math.log(1 - clip(v)));
    });

export const categoricalFocalCrossentropy =
  (gamma = 2, alpha = 0.25): RowLoss =>
  (y, t) => {
    const sum = y.reduce((a, b) => a + b, 0);
    return (
      -alpha * y.reduce((s, v, j) => s + t[j]! * (1 - clip(v / sum)) ** gamma * Math.log(clip(v / sum)), 0)
    );
  };

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
