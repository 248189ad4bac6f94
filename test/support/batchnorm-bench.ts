import { type KernelBench, type Tensor, tasksOf } from "./bench.ts";
import type { BatchNormProblem } from "./reference/batchnorm.ts";

const CHANNELS_OF_TASK = 16;
const STATISTICS_SCRATCH = 96;
const SUMS_SCRATCH = 64;
const CHANNELS_SCRATCH = 256;

/** Rows in one task, of the passes that sum and of those that do not. */
export interface Grains {
  readonly sums?: number;
  readonly rows?: number;
}

export interface BatchNormOptions extends Grains {
  readonly movingMean?: ArrayLike<number>;
  readonly movingVariance?: ArrayLike<number>;
  readonly momentum?: number;
  /** y is written where x, or the residual, was. */
  readonly inPlace?: "x" | "residual";
}

export interface BatchNormResult {
  readonly y: Float64Array | Float32Array;
  readonly constants: Float32Array;
  readonly movingMean: Float32Array;
  readonly movingVariance: Float32Array;
}

function optional(b: KernelBench, values: ArrayLike<number> | undefined): Tensor | 0 {
  return values ? b.input(values) : 0;
}

function forward(
  b: KernelBench,
  { rows, C, x, residual, relu }: BatchNormProblem,
  constants: Tensor,
  { rows: grain = rows, inPlace }: BatchNormOptions,
): Float32Array {
  const input = inPlace === "x" ? b.variable(x) : b.input(x);
  const added = residual && inPlace === "residual" ? b.variable(residual) : optional(b, residual);
  const y = inPlace === "x" ? input : inPlace === "residual" ? (added as Tensor) : b.output(rows * C);
  const args = { y, x: input, residual: added, constants, rows, C, relu: Number(relu ?? false), grain };
  b.run("batchNormForward", args, tasksOf(rows, grain));
  return b.read(y);
}

/** Forward with the statistics of the batch. Keras's moving statistics start at 0 and 1. */
export function batchNormTraining(
  b: KernelBench,
  problem: BatchNormProblem,
  options: BatchNormOptions = {},
): BatchNormResult {
  const { rows, C, x, gamma, beta, epsilon = 1e-3 } = problem;
  const { sums: grain = rows, momentum = 0.99 } = options;
  const tasks = tasksOf(rows, grain);
  const partials = b.output(4 * C * tasks);
  const constants = b.output(5 * C);
  const movingMean = b.variable(options.movingMean ?? new Float32Array(C));
  const movingVariance = b.variable(options.movingVariance ?? new Float32Array(C).fill(1));
  b.run("batchNormStatistics", { partials, x: b.input(x), rows, C, grain }, tasks, STATISTICS_SCRATCH);
  b.run(
    "batchNormConstants",
    {
      constants,
      partials,
      gamma: optional(b, gamma),
      beta: optional(b, beta),
      movingMean,
      movingVariance,
      rows,
      C,
      grain,
      epsilon,
      oneMinusMomentum: 1 - momentum,
    },
    tasksOf(C, CHANNELS_OF_TASK),
    CHANNELS_SCRATCH,
  );
  return {
    y: forward(b, problem, constants, options),
    constants: b.read(constants),
    movingMean: b.read(movingMean),
    movingVariance: b.read(movingVariance),
  };
}

/** Forward with moving statistics. */
export function batchNormInference(
  b: KernelBench,
  problem: BatchNormProblem,
  statistics: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> },
  options: BatchNormOptions = {},
): Float32Array {
  return forward(b, problem, inferenceConstants(b, problem, statistics), options);
}

export function inferenceConstants(
  b: KernelBench,
  { C, gamma, beta, epsilon = 1e-3 }: Pick<BatchNormProblem, "C" | "gamma" | "beta" | "epsilon">,
  { mean, variance }: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> },
): Tensor {
  const constants = b.output(5 * C);
  const moving = { movingMean: b.input(mean), movingVariance: b.input(variance) };
  const args = { constants, gamma: optional(b, gamma), beta: optional(b, beta), ...moving, C, epsilon };
  b.run("batchNormInference", args, tasksOf(C, CHANNELS_OF_TASK));
  return constants;
}

/** Backward of what batchNormTraining() gave. */
export function batchNormBackward(
  b: KernelBench,
  problem: BatchNormProblem,
  { y, constants }: Pick<BatchNormResult, "y" | "constants">,
  dy: ArrayLike<number>,
  {
    sums: grain = problem.rows,
    rows: rowsOfTask = problem.rows,
    inPlace = false,
  }: Grains & { inPlace?: boolean } = {},
) {
  const { rows, C, x, residual, relu } = problem;
  const tasks = tasksOf(rows, grain);
  const partials = b.output(4 * C * tasks);
  const [coefficients, dgamma, dbeta] = [b.output(2 * C), b.output(C), b.output(C)];
  const gradient = inPlace ? b.variable(dy) : b.input(dy);
  const common = {
    dy: gradient,
    y: relu ? b.input(y) : 0,
    x: b.input(x),
    constants: b.input(constants),
    rows,
    C,
  };
  b.run("batchNormSums", { ...common, partials, grain }, tasks, SUMS_SCRATCH);
  b.run(
    "batchNormGradients",
    { coefficients, dgamma, dbeta, partials, constants: common.constants, rows, C, grain },
    tasksOf(C, CHANNELS_OF_TASK),
    CHANNELS_SCRATCH,
  );
  const dx = inPlace ? gradient : b.output(rows * C);
  const dresidual = residual ? b.output(rows * C) : 0;
  b.run(
    "batchNormBackward",
    { ...common, dx, dresidual, coefficients, grain: rowsOfTask },
    tasksOf(rows, rowsOfTask),
  );
  return {
    dx: b.read(dx),
    dgamma: b.read(dgamma),
    dbeta: b.read(dbeta),
    dresidual: dresidual === 0 ? undefined : b.read(dresidual),
  };
}
