import type { Planner } from "../compiler/planner.ts";
import { chunks } from "../compiler/tasks.ts";
import type { Filled } from "../options/kinds.ts";
import type { adamOptions } from "./adam.ts";
import { EXTRA_UPDATES } from "./extra.ts";
import type { Optimizer, Update, Vectors } from "./optimizer.ts";
import type { rmspropOptions } from "./rmsprop.ts";
import type { sgdOptions } from "./sgd.ts";

// What optimizers do stands apart from their options and names, as pages that train in a worker have no use for it.

const sgd: Update<Filled<ReturnType<typeof sgdOptions>>> = (
  p,
  { w, g, n, slots, state, grain },
  { momentum, nesterov, weightDecay },
) => {
  const args = { w, g, m: slots[0] ?? 0, state, n, momentum, nesterov: Number(nesterov) };
  p.call("sgd", { ...args, weightDecay, grain }, { tasks: chunks(n, grain) });
};

const rmsprop: Update<Filled<ReturnType<typeof rmspropOptions>>> = (
  p,
  { w, g, n, slots, state, grain },
  { rho, momentum, epsilon, centered, weightDecay },
) => {
  const a = centered ? slots[1]! : 0;
  const m = momentum > 0 ? slots.at(-1)! : 0;
  const rates = { rho, oneMinusRho: 1 - rho, momentum, epsilon, weightDecay };
  p.call("rmsprop", { w, g, v: slots[0]!, a, m, state, n, ...rates, grain }, { tasks: chunks(n, grain) });
};

const adam: Update<Filled<ReturnType<typeof adamOptions>>> = (
  p,
  { w, g, n, slots, state, grain },
  { beta1, beta2, epsilon, weightDecay },
) => {
  // 1 - beta is rounded to f32 once: 1 - f32(0.999) would be off by 1 part in 10^5.
  const rates = { oneMinusBeta1: 1 - beta1, oneMinusBeta2: 1 - beta2, epsilon };
  p.call(
    "adam",
    { w, g, m: slots[0]!, v: slots[1]!, state, n, ...rates, weightDecay, grain },
    { tasks: chunks(n, grain) },
  );
};

/** Emits an optimizer's update: a built-in one's, or an own one of its user's. */
export function emitUpdate(optimizer: Optimizer, p: Planner, vectors: Vectors, decays: boolean): void {
  const { name, options, update } = optimizer;
  if (update) update(p, vectors, decays);
  else
    (({ sgd, rmsprop, adam, adamw: adam, ...EXTRA_UPDATES }) as unknown as Record<string, Update<object>>)[
      name
    ]!(p, vectors, decays ? options : { ...options, weightDecay: 0 });
}
