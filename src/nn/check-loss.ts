import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import type { Graph } from "./graph.ts";
import { LOSSES, type LossName } from "./losses.ts";

/** Throws ModelError unless the loss fits the model's output. */
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
