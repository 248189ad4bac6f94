import type { Graph } from "../compiler/graph.ts";
import { LOSS_DEFINITIONS } from "./index.ts";
import type { Loss } from "./loss.ts";
import type { LossName } from "./names.ts";
import { probabilitiesOf } from "./probabilities.ts";

/** The loss that the op which gives the output (of several, that of the number) asks for: of its probabilities, or else of plain numbers. */
export function usualLoss(graph: Graph, at = 0): LossName {
  const from = probabilitiesOf(graph, graph.outputs[at]!);
  const fits = ({ fused, takes }: Loss) => (from ? fused === from : takes === "numbers");
  return LOSS_DEFINITIONS.find(fits)!.name as LossName;
}
