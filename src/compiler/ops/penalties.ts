import { CONSTRAIN_NORM, CONSTRAIN_NOT_NEGATIVE } from "../../engine/abi.ts";
import { elements, isTrained, type OpOf, type Parameter } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";

/** Emits what weights are penalized by, and in training adds it to their gradients: after the backward pass. The partial sums. */
function weightPenalties(p: Planner): Tensor[] {
  return p.graph.parameters.flatMap((parameter) => {
    const { regularizer, shape } = parameter;
    if (!regularizer || !isTrained(parameter)) return [];
    const n = elements(shape);
    const tasks = chunks(n);
    const partials = p.tensor(4 * tasks).read();
    const g = p.training ? p.pointers.gradient(parameter) : 0;
    const { l1 = 0, l2 = 0 } = regularizer;
    p.call(
      "penalty",
      { partials, w: p.pointers.value(parameter), dx: g, dy: g, n, l1, l2, scale: 1, grain: GRAIN },
      { tasks },
    );
    return [partials];
  });
}

/** Emits the penalties of weights; gives the partial sums of these and of activations: what is added to the loss. */
export function penalties(p: Planner): Tensor[] {
  const activities = p.graph.ops.flatMap((op) => (op.kind === "activityPenalty" ? [partialsOf(p, op)] : []));
  return [...activities, ...weightPenalties(p)];
}

/** The partial sums of an op that penalizes activations. */
function partialsOf(p: Planner, op: OpOf<"activityPenalty">): Tensor {
  return p.kept(op, "partials", 4 * chunks(p.count(op.output)));
}

/** Numbers pass as they are; what they are penalized by is a mean over the batch, as the loss is. */
export const activityPenalty: OpImplementation<"activityPenalty"> = {
  readsInput: () => true,
  readsOutput: () => true,

  forward(p, op) {
    const x = p.share(op);
    const n = p.count(op.output);
    const { l1, l2 } = op.attributes;
    const partials = partialsOf(p, op).read();
    p.call(
      "penalty",
      { partials, w: x, dx: 0, dy: 0, n, l1, l2, scale: 1 / p.batch, grain: GRAIN },
      { tasks: chunks(n) },
    );
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const n = p.count(op.output);
    const { l1, l2 } = op.attributes;
    const args = { partials: 0, w: p.value(op.output), dx: p.gradientInPlace(op), dy, n, l1, l2 };
    p.call("penalty", { ...args, scale: 1 / p.batch, grain: GRAIN }, { tasks: chunks(n) });
  },
};

/** Columns in one task. */
const COLUMNS = 64;

/** Emits what keeps a parameter within its constraint: after the update. */
export function constrainWeights(p: Planner): void {
  for (const parameter of p.graph.parameters) {
    const { constraint } = parameter;
    if (!constraint || !isTrained(parameter)) continue;
    const { rows, cols } = columnsOf(parameter);
    const limits = { kind: CONSTRAIN_NORM, low: 0, high: 1, rate: 1 };
    if (constraint.type === "nonNeg") limits.kind = CONSTRAIN_NOT_NEGATIVE;
    else if (constraint.type === "unitNorm") limits.low = 1;
    else if (constraint.type === "maxNorm") limits.high = constraint.maxValue ?? 2;
    else if (constraint.type === "minMaxNorm") {
      limits.low = constraint.minValue ?? 0;
      limits.high = constraint.maxValue ?? 1;
      limits.rate = constraint.rate ?? 1;
    }
    const args = { w: p.pointers.value(parameter), rows, cols, ...limits, grain: COLUMNS };
    p.call("constrain", args, { tasks: Math.ceil(cols / COLUMNS) });
  }
}

/** What norms are taken of: the numbers along the first axes. */
function columnsOf({ shape, constraint }: Parameter): { rows: number; cols: number } {
  const axes = constraint && "axis" in constraint ? [constraint.axis ?? 0].flat().length : 1;
  const rows = elements(shape.slice(0, axes));
  return { rows, cols: elements(shape) / rows };
}
