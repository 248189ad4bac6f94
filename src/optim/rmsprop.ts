import { chunks } from "../nn/tasks.ts";
import { flag, type OptionsOf, optional, real } from "../options/kinds.ts";
import { commonOptions, type Optimizer, settings } from "./optimizer.ts";

const table = {
  ...commonOptions(0.001),
  /** Default 0.9. */
  rho: optional(real(0, 1), 0.9),
  /** Default 0. */
  momentum: optional(real(0, 1), 0),
  /** Default 1e-7, under the root. */
  epsilon: optional(real(0), 1e-7),
  /** Divide by an estimate of the variance in place of the mean square. Default false. */
  centered: optional(flag, false),
};

export interface RmspropOptions extends OptionsOf<typeof table> {}

/** RMSprop (Hinton, lecture 6 of 2012), learningRate 0.001, as Keras writes it. */
export function rmsprop(given: RmspropOptions = {}): Optimizer {
  const { options, config } = settings("rmsprop", table, given);
  const { rho, momentum, epsilon, centered, weightDecay } = options;
  return {
    name: "rmsprop",
    options,
    config,
    betas: [0.5, 0.5],
    stateVectors: 1 + Number(centered) + Number(momentum > 0),
    update(p, { w, g, n, slots, state, grain }) {
      const a = centered ? slots[1]! : 0;
      const m = momentum > 0 ? slots.at(-1)! : 0;
      const rates = { rho, oneMinusRho: 1 - rho, momentum, epsilon, weightDecay };
      p.call("rmsprop", { w, g, v: slots[0]!, a, m, state, n, ...rates, grain }, { tasks: chunks(n, grain) });
    },
  };
}
