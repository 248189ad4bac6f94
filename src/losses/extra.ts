// What runs users' own losses, and what losses with label smoothing and hinges need beside their kernels, which is loaded where there
// is one: see browser/host/given.ts.

import type { Plan } from "../compiler/plan.ts";
import type { Planner } from "../compiler/planner.ts";
import { chunks, GRAIN } from "../compiler/tasks.ts";
import type { Tensor } from "../compiler/tensor.ts";
import type { MetricBatch } from "../metrics/metric.ts";
import type { EmittedLoss, OutputLoss } from "./emitted.ts";
import type { Loss, LossBatch } from "./loss.ts";

/** Runs a plan in parts: between them the losses that are written in JavaScript compute. Allocates nothing in a step. */
export function runnerOf(
  plan: Plan,
  outputs: readonly (Pick<EmittedLoss, "at" | "losses" | "gradient"> &
    OutputLoss & { readonly batch: MetricBatch })[],
  floats: (tensor: Tensor) => Float32Array,
): () => void {
  const breaks = outputs.flatMap(({ at, loss, weight, losses, gradient, batch }) => {
    if (at === undefined) return [];
    const own: LossBatch = {
      ...batch,
      losses: floats(losses),
      ...(gradient && { gradient: floats(gradient) }),
    };
    return [{ at, loss, own, scale: weight / batch.rows }];
  });
  return () => {
    let first = 0;
    for (const { at, loss, own, scale } of breaks) {
      plan.run(first, at);
      first = at;
      const { losses, gradient } = own;
      losses.fill(0);
      gradient?.fill(0);
      loss.compute!(own);
      // Of a row's loss; the step's is their mean.
      if (gradient) for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
    }
    plan.run(first);
  };
}

/** Targets t[n / cols, cols] as a loss takes them: smoothed, or with -1 for 0. Metrics see those that were given. */
export function targetsFor(
  p: Planner,
  { takes, hinges, options = {} }: Loss,
  t: Tensor,
  n: number,
  cols: number,
): Tensor {
  const { labelSmoothing: share } = options;
  if (!hinges && !share) return t;
  const out = p.tensor(4 * n);
  if (hinges) p.call("hingeTargets", { out, t, n });
  else {
    // Of classes 1 / cols each, of binary targets 1/2: Keras's.
    const add = share! / (takes === "classes" ? cols : 2);
    p.call("smoothTargets", { out, t, n, keep: 1 - share!, add, grain: GRAIN }, { tasks: chunks(n) });
  }
  return out;
}
