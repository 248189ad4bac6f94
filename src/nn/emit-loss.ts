import type { Graph, Op } from "./graph.ts";
import type { LossName } from "./losses.ts";
import type { Planner, Tensor } from "./planner.ts";

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
