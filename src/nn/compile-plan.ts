import type { Engine } from "../engine/engine.ts";
import { emitLoss, fusedLoss } from "./emit-loss.ts";
import { elements, type Graph } from "./graph.ts";
import type { LossName } from "./losses.ts";
import { Plan } from "./plan.ts";
import { type ParameterPointers, Planner, type Tensor } from "./planner.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { chunks, GRAIN } from "./tasks.ts";

export interface PlanOptions {
  readonly batch: number;
  /** train: forward, loss, backward, update. evaluate: forward and loss. predict: forward. */
  readonly mode: "train" | "evaluate" | "predict";
  /** Whether inputs arrive as bytes, which are scaled in wasm, or as f32. */
  readonly input: "bytes" | "floats";
  readonly preprocessing: Preprocessing;
  /** Whether targets arrive as class ids or as f32 (not for predict). */
  readonly targets: "labels" | "floats";
  readonly loss: LossName;
  /** Emits the optimizer's calls (train). */
  update?(planner: Planner): void;
}

/** A plan, and where the host writes and reads. */
export interface CompiledPlan {
  readonly plan: Plan;
  /** u8 or f32 inputs, `[batch, ...inputShape]`. */
  readonly input: number;
  /** u8 class ids `[batch]` or f32 targets `[batch, outputs]`; 0 for predict. */
  readonly targets: number;
  /** f32 outputs `[batch, ...outputShape]`. */
  readonly outputs: number;
  /** f32 mean loss and i32 count of right classes; 0 for predict. */
  readonly meanLoss: number;
  readonly correct: number;
}

/** Plans a whole step of a fused graph for one batch size. */
export function compilePlan(
  engine: Engine,
  graph: Graph,
  pointers: ParameterPointers,
  options: PlanOptions,
): CompiledPlan {
  const { batch, mode, loss } = options;
  const p = new Planner(graph, batch, mode === "train", pointers);
  p.section("input", "input");
  const input = emitInput(p, options);
  const targets = mode === "predict" ? undefined : emitTargets(p, options);

  const skipped = mode === "predict" ? undefined : fusedLoss(graph, loss)?.op;
  for (const op of graph.ops) if (op !== skipped) p.forward(op);
  const outputs = p.value(graph.output).read();
  const results = targets && emitLoss(p, loss, targets.values);
  if (mode === "train") {
    for (const op of [...graph.ops].reverse()) if (op !== skipped) p.backward(op);
    p.section("update", "optimizer");
    options.update?.(p);
  }
  const plan = new Plan(engine, p);
  return {
    plan,
    input: plan.pointer(input),
    targets: targets ? plan.pointer(targets.host) : 0,
    outputs: plan.pointer(outputs),
    meanLoss: results ? plan.pointer(results.meanLoss) : 0,
    correct: results ? plan.pointer(results.correct) : 0,
  };
}

function emitInput(p: Planner, { input, preprocessing, batch }: PlanOptions): Tensor {
  const x = p.value(p.graph.input);
  if (input === "floats") return x.written();
  const n = batch * elements(p.graph.input.shape);
  const pixels = p.tensor(n).written();
  p.call("pixelsToFloat", { out: x, pixels, n, ...preprocessing, grain: GRAIN }, { tasks: chunks(n) });
  return pixels;
}

/** `host`: what the host writes; `values`: f32 targets. */
function emitTargets(p: Planner, { targets, batch }: PlanOptions): { host: Tensor; values: Tensor } {
  const outputs = p.graph.output.shape[0]!;
  const values = p.tensor(4 * batch * outputs);
  if (targets === "floats") return { host: values.written(), values };
  const labels = p.tensor(batch).written();
  // A single output is the probability of class 1: its target is the class id itself.
  if (outputs === 1)
    p.call("pixelsToFloat", { out: values, pixels: labels, n: batch, scale: 1, offset: 0, grain: batch });
  else p.call("oneHot", { t: values, labels, rows: batch, cols: outputs });
  return { host: labels, values };
}
