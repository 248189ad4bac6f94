import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import type { Graph } from "./graph.ts";

export const LOSSES = [
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "binaryCrossentropy",
  "meanSquaredError",
] as const;

/**
 * categoricalCrossentropy: -sum t log y on a softmax output, computed from its inputs (stable).
 * sparseCategoricalCrossentropy: the same; class ids are turned into one-hot targets under either name.
 * binaryCrossentropy: mean over outputs of -t log y - (1 - t) log(1 - y). On a sigmoid output computed from its inputs,
 * so that a unit learns however sure of the wrong it is; on a softmax output of probabilities clipped to 1e-7 and 1 - 1e-7.
 * Keras does both so.
 * meanSquaredError: mean over outputs of (y - t)^2.
 */
export type LossName = (typeof LOSSES)[number];

/** What is reported next to a loss unless one asks: the share of right classes, where outputs are those of classes. */
export function defaultMetrics(loss: LossName): readonly "accuracy"[] {
  return loss === "meanSquaredError" ? [] : ["accuracy"];
}

export function checkLoss(loss: unknown, graph: Graph): asserts loss is LossName {
  if (!LOSSES.includes(loss as LossName))
    throw new ModelError(`loss is ${show(loss)}, expected one of ${LOSSES.join(", ")}`);
  if (graph.output.shape.length !== 1)
    throw new ModelError(
      `the model's output has shape (${graph.output.shape.join(", ")}), but losses take flat outputs; end with flatten() and dense()`,
    );
  const last = graph.ops.at(-1);
  const probabilities =
    last?.kind === "softmax" || (last?.kind === "activation" && last.attributes.kind === "sigmoid");
  if (
    (loss === "categoricalCrossentropy" || loss === "sparseCategoricalCrossentropy") &&
    graph.output.shape[0] === 1
  )
    throw new ModelError(
      `loss ${loss} got one output, expected one a class; use binaryCrossentropy, or an output for each class`,
      last?.layer,
    );
  if (loss !== "meanSquaredError" && !probabilities)
    throw new ModelError(
      `loss ${loss} takes probabilities: end the model with activation "softmax"${loss === "binaryCrossentropy" ? ' or "sigmoid"' : ""}, or use meanSquaredError`,
      last?.layer,
    );
}
