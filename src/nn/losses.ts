import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import type { Graph, Op } from "./graph.ts";
import type { Planner, Tensor } from "./planner.ts";

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

/** The loss kernels that start from logits, and compute the model's last op themselves. */
type LogitsKernel = "softmaxCrossentropy" | "sigmoidCrossentropy";

/** Where the loss and the last op are computed in one: that op, and the kernel. */
export function fusedLoss(graph: Graph, loss: LossName): { op: Op; kernel: LogitsKernel } | undefined {
  const op = graph.ops.at(-1);
  if (
    op?.kind === "softmax" &&
    (loss === "categoricalCrossentropy" || loss === "sparseCategoricalCrossentropy")
  )
    return { op, kernel: "softmaxCrossentropy" };
  if (op?.kind === "activation" && op.attributes.kind === "sigmoid" && loss === "binaryCrossentropy")
    return { op, kernel: "sigmoidCrossentropy" };
  return undefined;
}

/** Rows in one task of a loss kernel. */
const ROWS = 32;

/** Emits the loss per sample, its mean, the count of right classes, and in training the gradient of the outputs. */
export function emitLoss(p: Planner, loss: LossName, targets: Tensor): { meanLoss: Tensor; correct: Tensor } {
  const { graph, batch } = p;
  const outputs = graph.output.shape[0]!;
  const fused = fusedLoss(graph, loss);
  p.section("loss", loss);
  const losses = p.tensor(4 * batch);
  const y = p.value(graph.output);
  const common = { losses, y, t: targets, rows: batch, cols: outputs, scale: 1 / batch, grain: ROWS };
  const spread = { tasks: Math.ceil(batch / ROWS) };
  if (fused) {
    const logits = fused.op.inputs[0]!;
    const dx = p.needsGradient(logits) ? p.gradient(logits) : 0;
    p.call(fused.kernel, { ...common, x: p.value(logits), dx }, spread);
  } else {
    const dy = p.needsGradient(graph.output) ? p.gradient(graph.output) : 0;
    p.call(
      loss === "sparseCategoricalCrossentropy" ? "categoricalCrossentropy" : loss,
      { ...common, dy },
      spread,
    );
  }
  const meanLoss = p.tensor(4).read();
  p.call("meanLoss", { out: meanLoss, losses, rows: batch });
  const correct = p.tensor(4).read();
  p.call("countCorrect", { out: correct, y, t: targets, rows: batch, cols: outputs });
  return { meanLoss, correct };
}
