/** Batch normalization of x[rows, C] in float64, straight from the formulas. */
export interface BatchNormProblem {
  readonly rows: number;
  readonly C: number;
  readonly x: ArrayLike<number>;
  readonly gamma?: ArrayLike<number>;
  readonly beta?: ArrayLike<number>;
  readonly residual?: ArrayLike<number>;
  readonly relu?: boolean;
  readonly epsilon?: number;
}

export interface Moments {
  readonly mean: Float64Array;
  /** The biased one. */
  readonly variance: Float64Array;
}

export function moments({ rows, C, x }: BatchNormProblem): Moments {
  const [mean, variance] = [new Float64Array(C), new Float64Array(C)];
  for (let c = 0; c < C; c++) {
    for (let r = 0; r < rows; r++) mean[c]! += x[r * C + c]! / rows;
    // Once more, for what the first sum was rounded by.
    let rest = 0;
    for (let r = 0; r < rows; r++) rest += x[r * C + c]! - mean[c]!;
    mean[c]! += rest / rows;
    for (let r = 0; r < rows; r++) variance[c]! += (x[r * C + c]! - mean[c]!) ** 2 / rows;
  }
  return { mean, variance };
}

export function batchNorm(problem: BatchNormProblem, statistics = moments(problem)): Float64Array {
  const { C, x, gamma, beta, residual, relu, epsilon = Math.fround(1e-3) } = problem;
  return Float64Array.from(x, (v, i) => {
    const c = i % C;
    const normal = (v - statistics.mean[c]!) / Math.sqrt(statistics.variance[c]! + epsilon);
    const y = (gamma?.[c] ?? 1) * normal + (beta?.[c] ?? 0) + (residual?.[i] ?? 0);
    return relu ? Math.max(y, 0) : y;
  });
}

export interface BatchNormGradients {
  readonly dx: Float64Array;
  readonly dgamma: Float64Array;
  readonly dbeta: Float64Array;
  readonly dresidual: Float64Array;
}

/** Step by step along the chain rule, through variance and mean: not the closed form that kernels use. */
export function batchNormGradients(
  problem: BatchNormProblem,
  dy: ArrayLike<number>,
  y: ArrayLike<number> = batchNorm(problem),
): BatchNormGradients {
  const { rows, C, x, gamma, relu, epsilon = Math.fround(1e-3) } = problem;
  const { mean, variance } = moments(problem);
  const dresidual = Float64Array.from(dy, (v, i) => (relu && !(y[i]! > 0) ? 0 : v));
  const dx = new Float64Array(rows * C);
  const [dgamma, dbeta] = [new Float64Array(C), new Float64Array(C)];
  for (let c = 0; c < C; c++) {
    const deviation = Math.sqrt(variance[c]! + epsilon);
    let [dMean, dVariance] = [0, 0];
    for (let i = c; i < rows * C; i += C) {
      const centred = x[i]! - mean[c]!;
      dgamma[c]! += dresidual[i]! * (centred / deviation);
      dbeta[c]! += dresidual[i]!;
      const dNormal = dresidual[i]! * (gamma?.[c] ?? 1);
      dVariance -= (dNormal * centred) / (2 * deviation ** 3);
      dMean -= dNormal / deviation;
    }
    for (let i = c; i < rows * C; i += C) {
      const dNormal = dresidual[i]! * (gamma?.[c] ?? 1);
      dx[i] = dNormal / deviation + (dVariance * 2 * (x[i]! - mean[c]!)) / rows + dMean / rows;
    }
  }
  return { dx, dgamma, dbeta, dresidual };
}
