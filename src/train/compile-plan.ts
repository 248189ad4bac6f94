import { elements, type Graph, type Value } from "../compiler/graph.ts";
import { constrainWeights, mixedTargets, penalties } from "../compiler/ops/extra.ts";
import { IMPLEMENTATIONS } from "../compiler/ops/index.ts";
import type { Plan, PlanHost } from "../compiler/plan.ts";
import { type ParameterPointers, Planner } from "../compiler/planner.ts";
import { PreparedPlan } from "../compiler/prepare.ts";
import type { Preprocessing } from "../compiler/preprocessing.ts";
import { chunks, GRAIN } from "../compiler/tasks.ts";
import type { Tensor } from "../compiler/tensor.ts";
import { emitLoss, fusedOp } from "../losses/emit-loss.ts";
import type { OutputLoss } from "../losses/emitted.ts";
import { runnerOf } from "../losses/extra.ts";
import type { MetricBatch } from "../metrics/metric.ts";

/** How the numbers of an input arrive: bytes, which are scaled in wasm, or f32. */
export type InputKind = "bytes" | "floats";
/** How the targets of an output arrive: class ids, or f32. */
export type TargetKind = "labels" | "floats";

export interface PlanOptions {
  readonly batch: number;
  /** train: forward, loss, backward, update. evaluate: forward and loss. predict: forward. */
  readonly mode: "train" | "evaluate" | "predict";
  /** One for each of the graph's inputs. */
  readonly inputs: readonly InputKind[];
  readonly preprocessing: Preprocessing;
  /** One for each of the graph's outputs (not for predict). */
  readonly targets: readonly TargetKind[];
  /** By output how many weights a sample has there. Default: none. */
  readonly weighed?: readonly number[];
  /** One for each of the graph's outputs (not for predict). */
  readonly losses: readonly Omit<OutputLoss, "output">[];
  /** Emits the optimizer's calls (train). */
  update?(planner: Planner): void;
}

/** What plans of a session differ by. */
export type PlanKey = Pick<PlanOptions, "batch" | "mode" | "inputs" | "targets" | "weighed"> & {
  /** Whether a training step ends with an update. Default true. */
  readonly due?: boolean;
};

/** A plan, and where the host writes and reads. */
export interface CompiledPlan {
  readonly plan: Plan;
  /** By input: u8 or f32, `[batch, ...shape]`; undefined where none of the outputs needs it. */
  readonly inputs: readonly (number | undefined)[];
  /** By output: u8 class ids `[batch, ...shape]` but for its last axis, or f32 targets `[batch, ...shape]`; none for predict. */
  readonly targets: readonly number[];
  /** By output: f32 `[batch]`, or one for each row of the output, where samples have weights. */
  readonly weights: readonly (number | undefined)[];
  /** By output: f32 `[batch, ...shape]`. */
  readonly outputs: readonly number[];
  /** By output; none for predict. */
  readonly results: readonly PlanResult[];
  /** Parts of what is added to the loss: penalties of weights and activations. */
  readonly penalties: readonly Float32Array[];
  /** Runs the whole step. */
  run(): void;
}

/** Where the results of a step are read, for one output. */
export interface PlanResult {
  readonly meanLoss: Float32Array;
  /** By metric: the count, where a kernel counts. */
  readonly counts: readonly (Int32Array | undefined)[];
  /** Where a metric has no kernel. */
  readonly batch: MetricBatch;
}

/** Plans a whole step of a fused graph for one batch size. */
export function compilePlan(
  engine: PlanHost,
  graph: Graph,
  pointers: ParameterPointers,
  options: PlanOptions,
): CompiledPlan {
  const { batch, mode } = options;
  const p = new Planner(graph, batch, mode === "train", pointers, IMPLEMENTATIONS);
  p.section("input", "input");
  const inputs = graph.inputs.map((value, i) => emitInput(p, value, options.inputs[i]!, options));
  const losses: readonly OutputLoss[] =
    mode === "predict" ? [] : options.losses.map((loss, i) => ({ ...loss, output: graph.outputs[i]! }));
  let targets = losses.map(({ output }, i) => emitTargets(p, output, options.targets[i]!));

  const weights = losses.map((_, i) => {
    const each = options.weighed?.[i];
    return each ? p.tensor(4 * batch * each).written() : undefined;
  });

  const skipped = new Set(losses.map(({ output, loss }) => fusedOp(graph, output, loss)));
  const ops = graph.ops.filter((op) => !skipped.has(op));
  for (const op of ops) p.forward(op);
  const outputs = graph.outputs.map((value) => p.value(value).read());
  if (mode === "train" && graph.ops.some(({ kind }) => kind === "mixImages"))
    targets = targets.map((target, i) => ({
      ...target,
      values: mixedTargets(p, graph, target.values, losses[i]!.output.shape),
    }));
  const results = losses.map((loss, i) => emitLoss(p, loss, targets[i]!.values, weights[i]));
  if (mode === "train") {
    for (const op of ops.reverse()) p.backward(op);
  }
  const dear =
    mode !== "predict" &&
    (graph.parameters.some(({ regularizer }) => regularizer) ||
      graph.ops.some(({ kind }) => kind === "activityPenalty"));
  p.section("loss", "penalties");
  const sums = dear ? penalties(p) : [];
  if (mode === "train") {
    p.section("update", "optimizer");
    options.update?.(p);
    if (graph.parameters.some(({ constraint }) => constraint)) constrainWeights(p);
  }
  const plan = new PreparedPlan(engine, p);
  const floats = (tensor: Tensor) => engine.f32(plan.pointer(tensor), tensor.bytes / 4);
  const made = results.map((result, i) => {
    const { meanLoss, counts, outputs, targets, rows, cols } = result;
    return {
      ...result,
      ...losses[i]!,
      meanLoss: floats(meanLoss),
      counts: counts.map((count) => count && engine.i32(plan.pointer(count), 1)),
      batch: { outputs: floats(outputs), targets: floats(targets), rows, cols },
    };
  });
  return {
    plan,
    inputs: inputs.map((tensor) => (tensor.offset < 0 ? undefined : plan.pointer(tensor))),
    targets: targets.map(({ host }) => plan.pointer(host)),
    weights: weights.map((tensor) => tensor && plan.pointer(tensor)),
    outputs: outputs.map((tensor) => plan.pointer(tensor)),
    results: made,
    penalties: sums.map(floats),
    run: made.some(({ at }) => at !== undefined) ? runnerOf(plan, made, floats) : () => plan.run(),
  };
}

/** Emits what makes f32 of an input, `[batch, ...shape]`. What the host writes. */
export function emitInput(
  p: Planner,
  value: Value,
  kind: InputKind,
  { preprocessing }: Pick<PlanOptions, "preprocessing">,
): Tensor {
  const x = p.value(value);
  if (kind === "floats") return x.written();
  const n = p.batch * elements(value.shape);
  const pixels = p.tensor(n).written();
  p.call("pixelsToFloat", { out: x, pixels, n, ...preprocessing, grain: GRAIN }, { tasks: chunks(n) });
  return pixels;
}

/** `host`: what the host writes; `values`: f32 targets. */
function emitTargets(p: Planner, output: Value, kind: TargetKind): { host: Tensor; values: Tensor } {
  const n = p.count(output);
  const cols = output.shape.at(-1)!;
  const rows = n / cols;
  const values = p.tensor(4 * n);
  if (kind === "floats") return { host: values.written(), values };
  const labels = p.tensor(rows).written();
  // A single output is the probability of class 1: its target is the class id itself.
  if (cols === 1) p.call("pixelsToFloat", { out: values, pixels: labels, n, scale: 1, offset: 0, grain: n });
  else p.call("oneHot", { t: values, labels, rows, cols });
  return { host: labels, values };
}
