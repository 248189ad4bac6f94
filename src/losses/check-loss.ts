import { ModelError } from "../compiler/errors.ts";
import { type Graph, producer } from "../compiler/graph.ts";
import { show } from "../options/show.ts";
import { lossDefinition } from "./index.ts";
import type { Loss } from "./loss.ts";
import { LOSSES, type LossData } from "./names.ts";
import { checkLossOptions } from "./options.ts";
import { probabilitiesOf } from "./probabilities.ts";

/** Throws ModelError unless the loss fits the model's output; of several, the one of that number. */
export function checkLoss(given: unknown, graph: Graph, at = 0): void {
  const loss = lossDefinition(given as string | LossData | Loss);
  if (!loss) throw new ModelError(`loss is ${show(given)}, expected one of ${LOSSES.join(", ")}`);
  if (typeof given === "object" && !loss.compute) {
    const { name, ...options } = given as LossData;
    checkLossOptions(name, options);
  }
  const output = graph.outputs[at]!;
  const { name, takes = "numbers" } = loss;
  const layer = producer(graph, output)?.layer;
  if (takes === "classes" && output.shape.at(-1) === 1)
    throw new ModelError(
      `loss ${name} got one ${output.shape.length > 1 ? `number along the last axis of (${output.shape.join(", ")})` : "output"}, expected one a class; use binaryCrossentropy, or an output for each class`,
      layer,
    );
  const probabilities = probabilitiesOf(graph, output);
  if (loss.options?.fromLogits) {
    if (probabilities)
      throw new ModelError(
        `loss ${name} takes logits, but the model ends with ${probabilities}: leave out fromLogits, or the activation`,
        layer,
      );
    return;
  }
  if (takes !== "numbers" && !probabilities)
    throw new ModelError(
      `loss ${name} takes probabilities: end the model with activation "softmax"${takes === "probabilities" ? ' or "sigmoid"' : ""}, ${loss.logitsKernel ? "give the loss fromLogits: true, " : ""}or use meanSquaredError`,
      layer,
    );
}
