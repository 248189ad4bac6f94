import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import { type Graph, producer } from "./graph.ts";
import { LOSSES, type LossName, usualLoss } from "./losses.ts";

/** Throws ModelError unless the loss fits the model's output. */
export function checkLoss(loss: unknown, graph: Graph): asserts loss is LossName {
  if (!LOSSES.includes(loss as LossName))
    throw new ModelError(`loss is ${show(loss)}, expected one of ${LOSSES.join(", ")}`);
  if (graph.inputs.length > 1 || graph.outputs.length > 1)
    throw new ModelError(
      `the model has ${counted(graph.inputs.length, "input")} and ${counted(graph.outputs.length, "output")}, expected one of each: models of several can be described, not compiled yet`,
    );
  const output = graph.outputs[0]!;
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
  if (loss !== "meanSquaredError" && usualLoss(graph) === "meanSquaredError")
    throw new ModelError(
      `loss ${loss} takes probabilities: end the model with activation "softmax"${loss === "binaryCrossentropy" ? ' or "sigmoid"' : ""}, or use meanSquaredError`,
      last?.layer,
    );
}
