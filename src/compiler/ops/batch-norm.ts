import {
  coefficientCount,
  constantsBytes,
  NORM_BLOCK,
  NORM_CHANNELS,
  NORM_SCRATCH,
  partialBytes,
  STATISTICS_SCRATCH,
  SUMS_SCRATCH,
} from "../../engine/abi.ts";
import { elements, isTrained, type NormParameters, type OpOf, type Parameter, type Value } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { backwardRelu } from "./activation.ts";

/** Numbers in one task of those that pass over the rows, in blocks of rows; and tasks at the most, whose sums are added up. */
const NUMBERS = 16_384;
const MOST_PARTS = 64;

function sizes(p: Planner, value: Value) {
  const C = value.shape.at(-1)!;
  const rows = p.batch * (elements(value.shape) / C);
  return { rows, C };
}

/** How rows are shared out. What is summed hangs on it, so it follows from the sizes alone, never from the threads. */
function parts({ rows, C }: { rows: number; C: number }) {
  const grain = NORM_BLOCK * Math.ceil(Math.max(NUMBERS / C, rows / MOST_PARTS) / NORM_BLOCK);
  return { grain, tasks: Math.ceil(rows / grain) };
}

/** What the kernels are told of a normalization; pointers are 0 where there is no such parameter. */
function pointersOf(p: Planner, { gamma, beta, movingMean, movingVariance, epsilon }: NormParameters) {
  const at = (parameter: Parameter | undefined) => (parameter ? p.pointers.value(parameter) : 0);
  return {
    gamma: at(gamma),
    beta: at(beta),
    movingMean: at(movingMean),
    movingVariance: at(movingVariance),
    epsilon,
  };
}

/** Emits the numbers by which channels are normalized with moving statistics, for any number of images. */
function movingConstants(p: Planner, norm: NormParameters, constants: Tensor): Tensor {
  const C = norm.movingMean.shape[0]!;
  p.call("batchNormInference", { constants, C, ...pointersOf(p, norm) }, { tasks: chunks(C, NORM_CHANNELS) });
  return constants;
}

/** Emits the filter and bias that do what a convolution and a normalization after it do, with moving statistics. */
export function foldedFilter(
  p: Planner,
  own: { filter: number; bias: number },
  norm: NormParameters,
  K: number,
  OC: number,
): { filter: Tensor; bias: Tensor } {
  const constants = movingConstants(p, norm, p.tensor(constantsBytes(OC)));
  const [filter, bias] = [p.tensor(4 * K * OC), p.tensor(4 * OC)];
  const grain = Math.max(1, Math.floor(GRAIN / OC));
  p.call(
    "foldNorm",
    { w: filter, bias, filter: own.filter, filterBias: own.bias, constants, K, OC, grain },
    { tasks: chunks(K, grain) },
  );
  return { filter, bias };
}

/** Whether a step normalizes with its own batch's statistics. */
const usesBatch = (p: Planner, op: OpOf<"batchNorm">) => p.training && !op.attributes.frozen;

function constantsOf(p: Planner, op: OpOf<"batchNorm">): Tensor {
  return p.kept(op, "constants", constantsBytes(op.output.shape.at(-1)!));
}

/** Emits the batch's statistics, the constants that follow from them, and the step of the moving ones. */
function batchConstants(p: Planner, op: OpOf<"batchNorm">): Tensor {
  const { norm, momentum } = op.attributes;
  const constants = constantsOf(p, op);
  const size = sizes(p, op.output);
  const { grain, tasks } = parts(size);
  const partials = p.tensor(partialBytes(size.C, tasks));
  p.call(
    "batchNormStatistics",
    { partials, x: p.value(op.inputs[0]!), ...size, grain },
    { tasks, scratch: STATISTICS_SCRATCH },
  );
  p.call(
    "batchNormConstants",
    { constants, partials, ...pointersOf(p, norm), ...size, grain, oneMinusMomentum: 1 - momentum },
    { tasks: chunks(size.C, NORM_CHANNELS), scratch: NORM_SCRATCH },
  );
  return constants;
}

export const batchNorm: OpImplementation<"batchNorm"> = {
  readsInput: (_, input) => input === 0,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const [x, residual] = op.inputs;
    const constants = usesBatch(p, op)
      ? batchConstants(p, op)
      : movingConstants(p, op.attributes.norm, constantsOf(p, op));
    const size = sizes(p, op.output);
    const { grain, tasks } = parts(size);
    p.call(
      "batchNormForward",
      {
        y: p.valueInPlace(op),
        x: p.value(x!),
        residual: residual ? p.value(residual) : 0,
        constants,
        ...size,
        relu: Number(op.attributes.relu),
        grain,
      },
      { tasks },
    );
  },

  backward(p, op) {
    const [x, residual] = op.inputs;
    const { norm, relu } = op.attributes;
    const size = sizes(p, op.output);
    const { grain, tasks } = parts(size);
    const constants = constantsOf(p, op);
    const way = {
      dy: p.outputGradient(op),
      y: relu ? p.value(op.output) : 0,
      x: p.value(x!),
      constants,
      ...size,
      grain,
    };
    const n = coefficientCount(size.C);
    const coefficients = p.tensor(4 * n);
    if (usesBatch(p, op)) {
      const partials = p.tensor(partialBytes(size.C, tasks));
      p.call("batchNormSums", { partials, ...way }, { tasks, scratch: SUMS_SCRATCH });
      const gradient = (parameter: Parameter | undefined) =>
        parameter && isTrained(parameter) ? p.parameterGradient(parameter) : 0;
      const [dgamma, dbeta] = [gradient(norm.gamma), gradient(norm.beta)];
      p.call(
        "batchNormGradients",
        { coefficients, dgamma, dbeta, partials, constants, ...size, grain },
        { tasks: chunks(size.C, NORM_CHANNELS), scratch: NORM_SCRATCH },
      );
    } else if (p.needsGradient(x!)) p.call("fill", { out: coefficients, n, value: 0, grain: n });
    const added = residual && p.needsGradient(residual) ? residual : undefined;
    if (!p.needsGradient(x!)) {
      if (added && relu) backwardRelu(p, op);
      if (added) p.passGradient(op, added);
      return;
    }
    const dresidual = added && relu ? p.gradient(added) : 0;
    if (added && !relu) p.passGradient(op, added);
    p.call(
      "batchNormBackward",
      { dx: p.gradientInPlace(op, x!), dresidual, ...way, coefficients },
      { tasks },
    );
  },
};
