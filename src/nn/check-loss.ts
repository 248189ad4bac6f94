import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import { type Graph, type Op, producer, type Value } from "./graph.ts";
import { LOSSES, type LossName } from "./losses.ts";

/** Whether an op gives probabilities, as the cross-entropies take them. */
export function givesProbabilities(op: Op | undefined): boolean {
  return op?.kind === "softmax" || (op?.kind === "activation" && op.attributes.kind === "sigmoid");
}

/** Throws ModelError unless the loss fits an output of the model. */
export function checkLoss(
  loss: unknown,
  graph: Graph,
  output: Value = graph.outputs[0]!,
): asserts loss is LossName {
  if (!LOSSES.includes(loss as LossName))
    throw new ModelError(`loss is ${show(loss)}, expected one of ${LOSSES.join(", ")}`);
  if (graph.inputs.length > 1 || graph.outputs.length > 1)
    throw new ModelError(
      `the model has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs, expected one of each to train or test it`,
    );
  if (output.shape.length !== 1)
    throw new ModelError(
      `the model's output has shape (${output.shape.join(", ")}), but losses take flat outputs; end with flatten() and dense()`,
    );
  const last = producer(graph, output);
  if (
    (loss === "categoricalCrossentropy" || loss === "sparseCategoricalCrossentropy") &&
    output.shape[0] === 1
  )
    throw new ModelError(
      `loss ${loss} got one output, expected one a class; use binaryCrossentropy, or an output for each class`,
      last?.layer,
    );
  if (loss !== "meanSquaredError" && !givesProbabilities(last))
    throw new ModelError(
      `loss ${loss} takes probabilities: end the model with activation "softmax"${loss === "binaryCrossentropy" ? ' or "sigmoid"' : ""}, or use meanSquaredError`,
      last?.layer,
    );
}
