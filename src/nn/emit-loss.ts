import { consumers, type Graph, type Op, producer, type Value } from "./graph.ts";
import type { LossName } from "./losses.ts";
import type { Planner } from "./planner.ts";
import type { Tensor } from "./tensor.ts";

/** The loss kernels that start from logits, and compute the op that gives the output themselves. */
type LogitsKernel = "softmaxCrossentropy" | "sigmoidCrossentropy";

/** Where the loss of an output and the op that gives it are computed in one: that op, and the kernel. */
export function fusedLoss(
  graph: Graph,
  output: Value,
  loss: LossName,
): { op: Op; kernel: LogitsKernel } | undefined {
  const op = producer(graph, output);
  const alone =
    consumers(graph, output).length === 0 && graph.outputs.filter((v) => v === output).length === 1;
  if (!op || !alone) return undefined;
  if (
    op.kind === "softmax" &&
    (loss === "categoricalCrossentropy" || loss === "sparseCategoricalCrossentropy")
  )
    return { op, kernel: "softmaxCrossentropy" };
  if (op.kind === "activation" && op.attributes.kind === "sigmoid" && loss === "binaryCrossentropy")
    return { op, kernel: "sigmoidCrossentropy" };
  return undefined;
}

/** Rows in one task of a loss kernel. */
const ROWS = 32;

/** What is to be lost at an output, and how much it counts. */
export interface OutputLoss {
  readonly output: Value;
  readonly loss: LossName;
  readonly weight: number;
}

/** Emits the loss per sample, its mean, the count of right classes, and in training the gradient of the output. */
export function emitLoss(
  p: Planner,
  { output, loss, weight }: OutputLoss,
  targets: Tensor,
): { meanLoss: Tensor; correct: Tensor } {
  const { graph, batch } = p;
  const cols = output.shape[0]!;
  const fused = fusedLoss(graph, output, loss);
  p.section("loss", loss);
  const losses = p.tensor(4 * batch);
  const y = p.value(output);
  const common = { losses, y, t: targets, rows: batch, cols, scale: weight / batch, grain: ROWS };
  const spread = { tasks: Math.ceil(batch / ROWS) };
  if (fused) {
    const logits = fused.op.inputs[0]!;
    const dx = p.needsGradient(logits) ? p.gradient(logits) : 0;
    p.call(fused.kernel, { ...common, x: p.value(logits), dx }, spread);
  } else {
    const dy = p.needsGradient(output) ? p.gradient(output) : 0;
    p.call(
      loss === "sparseCategoricalCrossentropy" ? "categoricalCrossentropy" : loss,
      { ...common, dy },
      spread,
    );
  }
  p.addGradients();
  const meanLoss = p.tensor(4).read();
  p.call("meanLoss", { out: meanLoss, losses, rows: batch });
  const correct = p.tensor(4).read();
  p.call("countCorrect", { out: correct, y, t: targets, rows: batch, cols });
  return { meanLoss, correct };
}
