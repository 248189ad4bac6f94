import { type Graph, producer } from "./graph.ts";

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

/** The loss that the op which gives the output asks for: of its probabilities, or else of plain numbers. */
export function usualLoss(graph: Graph): LossName {
  const last = producer(graph, graph.outputs[0]!);
  if (last?.kind === "softmax") return "categoricalCrossentropy";
  if (last?.kind === "activation" && last.attributes.kind === "sigmoid") return "binaryCrossentropy";
  return "meanSquaredError";
}
