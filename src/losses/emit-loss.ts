import { consumers, type Graph, type Op, producer, type Value } from "../compiler/graph.ts";
import type { Planner } from "../compiler/planner.ts";
import { chunks, GRAIN } from "../compiler/tasks.ts";
import type { Tensor } from "../compiler/tensor.ts";
import type { EmittedLoss, OutputLoss } from "./emitted.ts";
import { targetsFor } from "./extra.ts";
import type { Loss } from "./loss.ts";
import { probabilitiesOf } from "./probabilities.ts";

/** Where the loss of an output and the op that gives it are computed in one: that op. */
export function fusedOp(graph: Graph, output: Value, { fused }: Loss): Op | undefined {
  const op = producer(graph, output);
  const alone =
    consumers(graph, output).length === 0 && graph.outputs.filter((v) => v === output).length === 1;
  return alone && fused && fused === probabilitiesOf(graph, output) ? op : undefined;
}

/** Rows in one task of a loss kernel. */
const ROWS = 32;

/** Emits the loss per row, times the weight of its sample or its own where there are some, its mean, the metrics, and in training the gradient of the output. */
export function emitLoss(
  p: Planner,
  { output, loss, weight, metrics }: OutputLoss,
  targets: Tensor,
  weights?: Tensor,
): EmittedLoss {
  const { graph } = p;
  const size = p.count(output);
  const cols = output.shape.at(-1)!;
  const rows = size / cols;
  const fused = fusedOp(graph, output, loss);
  const { options = {} } = loss;
  p.section("loss", loss.name);
  const losses = p.tensor(4 * rows);
  const t = loss.hinges || options.labelSmoothing ? targetsFor(p, loss, targets, size, cols) : targets;
  const common = { losses, t, rows, cols, scale: weight / rows, grain: ROWS };
  const own = { ...options, applyClassBalancing: Number(options.applyClassBalancing) };
  const spread = { tasks: Math.ceil(rows / ROWS) };
  let y = p.value(output);
  let gradient: Tensor | undefined;
  let at: number | undefined;
  if (fused || options.fromLogits) {
    const logits = fused ? fused.inputs[0]! : output;
    // What metrics see: of logits the probabilities.
    if (!fused) y = p.tensor(4 * size);
    gradient = p.needsGradient(logits) ? p.gradient(logits) : undefined;
    p.call(loss.logitsKernel!, { ...common, ...own, x: p.value(logits), y, dx: gradient ?? 0 }, spread);
  } else {
    gradient = p.needsGradient(output) ? p.gradient(output) : undefined;
    if (loss.kernel) p.call(loss.kernel, { ...common, ...own, y, dy: gradient ?? 0 }, spread);
    else at = p.pause([losses, y, targets, ...(gradient ? [gradient] : [])]);
  }
  if (weights) {
    // Rows count what their sample does, or what each of them does.
    for (const z of [losses, gradient]) {
      if (!z) continue;
      const args = { z, x: z, y: weights, batch: weights.bytes / 4, inner: z.bytes / weights.bytes };
      p.call("multiplyBroadcast", { ...args, C: 1, relu: 0, grain: GRAIN }, { tasks: chunks(z.bytes / 4) });
    }
  }
  p.addGradients();
  const meanLoss = p.tensor(4).read();
  p.call("meanLoss", { out: meanLoss, losses, rows });
  const counts = metrics.map((metric) => {
    if (metric.emit) return metric.emit(p, { y, t: targets, rows, cols }).read();
    // The host reads both after the step.
    y.read();
    targets.read();
    return undefined;
  });
  return { rows, cols, meanLoss, counts, outputs: y, targets, losses, gradient, at };
}
