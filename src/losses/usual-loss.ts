import { type Graph, producer, type Value } from "../compiler/graph.ts";
import { LOSS_DEFINITIONS, type LossName } from "./index.ts";
import type { Loss } from "./loss.ts";

/** softmax or sigmoid, where one of them gives the value: probabilities; or else undefined. */
export function probabilitiesOf(graph: Graph, value: Value): "softmax" | "sigmoid" | undefined {
  const op = producer(graph, value);
  const kind = op?.kind === "activation" ? op.attributes.kind : op?.kind;
  return kind === "softmax" || kind === "sigmoid" ? kind : undefined;
}

/** The loss that the op which gives the output (of several, that of the number) asks for: of its probabilities, or else of plain numbers. */
export function usualLoss(graph: Graph, at = 0): LossName {
  const from = probabilitiesOf(graph, graph.outputs[at]!);
  const fits = ({ fused, takes }: Loss) => (from ? fused === from : takes === "numbers");
  return LOSS_DEFINITIONS.find(fits)!.name as LossName;
}
