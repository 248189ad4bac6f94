import { consumers, type Graph, type Op, producer, type Value } from "../compiler/graph.ts";
import type { Planner } from "../compiler/planner.ts";
import type { Tensor } from "../compiler/tensor.ts";
import type { Metric } from "../metrics/metric.ts";
import type { Loss } from "./loss.ts";
import { probabilitiesOf } from "./usual-loss.ts";

/** Where the loss of an output and the op that gives it are computed in one: that op. */
export function fusedOp(graph: Graph, output: Value, { fused }: Loss): Op | undefined {
  const op = producer(graph, output);
  const alone =
    consumers(graph, output).length === 0 && graph.outputs.filter((v) => v === output).length === 1;
  return alone && fused && fused === probabilitiesOf(graph, output) ? op : undefined;
}

/** Rows in one task of a loss kernel. */
const ROWS = 32;

/** What is to be lost at an output, how much it counts, and what else is asked of it. */
export interface OutputLoss {
  readonly output: Value;
  readonly loss: Loss;
  readonly weight: number;
  readonly metrics: readonly Metric[];
}

/** What was emitted for an output. */
export interface EmittedLoss {
  readonly meanLoss: Tensor;
  /** By metric: i32 count, where a kernel counts. */
  readonly counts: readonly (Tensor | undefined)[];
  readonly outputs: Tensor;
  readonly targets: Tensor;
  readonly losses: Tensor;
  readonly gradient: Tensor | undefined;
  /** Where the loss is computed in JavaScript: before the call of this number. */
  readonly at: number | undefined;
}

/** Emits the loss per sample, its mean, the metrics, and in training the gradient of the output. */
export function emitLoss(
  p: Planner,
  { output, loss, weight, metrics }: OutputLoss,
  targets: Tensor,
): EmittedLoss {
  const { graph, batch } = p;
  const cols = output.shape[0]!;
  const fused = fusedOp(graph, output, loss);
  p.section("loss", loss.name);
  const losses = p.tensor(4 * batch);
  const y = p.value(output);
  const common = { losses, y, t: targets, rows: batch, cols, scale: weight / batch, grain: ROWS };
  const spread = { tasks: Math.ceil(batch / ROWS) };
  let gradient: Tensor | undefined;
  let at: number | undefined;
  if (fused) {
    const logits = fused.inputs[0]!;
    const dx = p.needsGradient(logits) ? p.gradient(logits) : 0;
    // In full: a worker's script has the kernels that it names.
    const kernel = loss.fused === "softmax" ? "softmaxCrossentropy" : "sigmoidCrossentropy";
    p.call(kernel, { ...common, x: p.value(logits), dx }, spread);
  } else {
    gradient = p.needsGradient(output) ? p.gradient(output) : undefined;
    if (loss.kernel) p.call(loss.kernel, { ...common, dy: gradient ?? 0 }, spread);
    else at = p.pause([losses, y, targets, ...(gradient ? [gradient] : [])]);
  }
  p.addGradients();
  const meanLoss = p.tensor(4).read();
  p.call("meanLoss", { out: meanLoss, losses, rows: batch });
  const counts = metrics.map((metric) => {
    if (metric.emit) return metric.emit(p, { y, t: targets, rows: batch, cols }).read();
    // The host reads both after the step.
    y.read();
    targets.read();
    return undefined;
  });
  return { meanLoss, counts, outputs: y, targets, losses, gradient, at };
}
