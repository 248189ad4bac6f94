import { chunks } from "../nn/tasks.ts";
import { type CommonOptions, commonOptions, type Optimizer, requireRange } from "./optimizer.ts";

export interface AdamOptions extends CommonOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  beta1?: number;
  /** Decay of the mean of squared gradients. Default 0.999. */
  beta2?: number;
  /** Default 1e-7. It is the paper's "epsilon hat", added after the bias correction is folded into the rate. */
  epsilon?: number;
}

/** Adam (Kingma and Ba 2015), learningRate 0.001, in the form that Keras and the paper's section 2 end use. */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamNamed("adam", options, 0);
}

/** Adam with decoupled weight decay, 0.004 by default (Loshchilov and Hutter 2019). */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamNamed("adamw", options, 0.004);
}

function adamNamed(name: "adam" | "adamw", options: AdamOptions, defaultDecay: number): Optimizer {
  const { resolved, config } = commonOptions(name, options, 0.001, defaultDecay);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  requireRange(name, "beta1", beta1, 0, 1);
  requireRange(name, "beta2", beta2, 0, 1);
  requireRange(name, "epsilon", epsilon, 0, Number.POSITIVE_INFINITY);
  return {
    name,
    options: resolved,
    config: { ...config, beta1, beta2, epsilon },
    betas: [beta1, beta2],
    stateVectors: 2,
    update(p, { w, g, n, slots, state, grain }) {
      // 1 - beta is rounded to f32 once: 1 - f32(0.999) would be off by 1 part in 10^5.
      const rates = { oneMinusBeta1: 1 - beta1, oneMinusBeta2: 1 - beta2, epsilon };
      p.call(
        "adam",
        { w, g, m: slots[0]!, v: slots[1]!, state, n, ...rates, weightDecay: resolved.weightDecay, grain },
        { tasks: chunks(n, grain) },
      );
    },
  };
}
