import { chunks } from "../nn/tasks.ts";
import { type CommonOptions, commonOptions, type Optimizer, requireRange } from "./optimizer.ts";

export interface RmspropOptions extends CommonOptions {
  /** Default 0.9. */
  rho?: number;
  /** Default 0. */
  momentum?: number;
  /** Default 1e-7, under the root. */
  epsilon?: number;
  /** Divide by an estimate of the variance in place of the mean square. Default false. */
  centered?: boolean;
}

/** RMSprop (Hinton, lecture 6 of 2012), learningRate 0.001, as Keras writes it. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { resolved, config } = commonOptions("rmsprop", options, 0.001);
  const { rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false } = options;
  requireRange("rmsprop", "rho", rho, 0, 1);
  requireRange("rmsprop", "momentum", momentum, 0, 1);
  requireRange("rmsprop", "epsilon", epsilon, 0, Number.POSITIVE_INFINITY);
  return {
    name: "rmsprop",
    options: resolved,
    config: { ...config, rho, momentum, epsilon, centered },
    betas: [0.5, 0.5],
    stateVectors: 1 + Number(centered) + Number(momentum > 0),
    update(p, { w, g, n, slots, state, grain }) {
      const a = centered ? slots[1]! : 0;
      const m = momentum > 0 ? slots.at(-1)! : 0;
      const rates = { rho, oneMinusRho: 1 - rho, momentum, epsilon, weightDecay: resolved.weightDecay };
      p.call("rmsprop", { w, g, v: slots[0]!, a, m, state, n, ...rates, grain }, { tasks: chunks(n, grain) });
    },
  };
}
