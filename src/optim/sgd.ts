import { chunks } from "../nn/tasks.ts";
import { flag, type OptionsOf, optional, real } from "../options/kinds.ts";
import { commonOptions, type Optimizer, settings } from "./optimizer.ts";

const table = {
  ...commonOptions(0.01),
  /** Default 0. */
  momentum: optional(real(0, 1), 0),
  /** Default false. */
  nesterov: optional(flag, false),
};

export interface SgdOptions extends OptionsOf<typeof table> {}

/** Gradient descent, learningRate 0.01, with momentum as Keras writes it: m = momentum m - learningRate g; w += m. */
export function sgd(given: SgdOptions = {}): Optimizer {
  const { options, config } = settings("sgd", table, given);
  const { momentum, nesterov, weightDecay } = options;
  return {
    name: "sgd",
    options,
    config,
    betas: [0.5, 0.5],
    stateVectors: momentum > 0 ? 1 : 0,
    update(p, { w, g, n, slots, state, grain }) {
      const args = { w, g, m: slots[0] ?? 0, state, n, momentum, nesterov: Number(nesterov) };
      p.call("sgd", { ...args, weightDecay, grain }, { tasks: chunks(n, grain) });
    },
  };
}
