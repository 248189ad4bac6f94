import { type Graph, producer, type Value } from "../compiler/graph.ts";

/** softmax or sigmoid, where one of them gives the value: probabilities; or else undefined. */
export function probabilitiesOf(graph: Graph, value: Value): "softmax" | "sigmoid" | undefined {
  const op = producer(graph, value);
  const kind = op?.kind === "activation" ? op.attributes.kind : op?.kind;
  return kind === "softmax" || kind === "sigmoid" ? kind : undefined;
}
