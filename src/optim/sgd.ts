import { chunks } from "../nn/tasks.ts";
import { type CommonOptions, commonOptions, type Optimizer, requireRange } from "./optimizer.ts";

export interface SgdOptions extends CommonOptions {
  /** Default 0. */
  momentum?: number;
  /** Default false. */
  nesterov?: boolean;
}

/** Gradient descent, learningRate 0.01, with momentum as Keras writes it: m = momentum m - learningRate g; w += m. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { resolved, config } = commonOptions("sgd", options, 0.01);
  const { momentum = 0, nesterov = false } = options;
  requireRange("sgd", "momentum", momentum, 0, 1);
  return {
    name: "sgd",
    options: resolved,
    config: { ...config, momentum, nesterov },
    betas: [0.5, 0.5],
    stateVectors: momentum > 0 ? 1 : 0,
    update(p, { w, g, n, slots, state, grain }) {
      const args = { w, g, m: slots[0] ?? 0, state, n, momentum, nesterov: Number(nesterov) };
      p.call("sgd", { ...args, weightDecay: resolved.weightDecay, grain }, { tasks: chunks(n, grain) });
    },
  };
}
