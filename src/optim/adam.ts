import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const adamOptions = (weightDecay: number) => ({
  ...commonOptions(0.001, weightDecay),
  /** Decay of the mean of gradients. Default 0.9. */
  beta1: optional(real(0, 1), 0.9),
  /** Decay of the mean of squared gradients. Default 0.999. */
  beta2: optional(real(0, 1), 0.999),
  /** Default 1e-7. It is the paper's "epsilon hat", added after the bias correction is folded into the rate. */
  epsilon: optional(real(0), 1e-7),
});
type Table = ReturnType<typeof adamOptions>;

export interface AdamOptions extends OptionsOf<Table> {}

export const ADAM: OptimizerDefinition<Table> = {
  name: "adam",
  betas: ({ beta1, beta2 }) => [beta1, beta2],
  stateVectors: () => 2,
};

export const ADAMW: OptimizerDefinition<Table> = { ...ADAM, name: "adamw" };
/** Weight decay that adamw has unless it is told. */
export const ADAMW_DECAY = 0.004;

/** Adam (Kingma and Ba 2015), learningRate 0.001, in the form that Keras and the paper's section 2 end use. */
export function adam(options: AdamOptions = {}): Optimizer {
  return checkedOptimizer(ADAM, adamOptions(0), options);
}

/** Adam with decoupled weight decay, 0.004 by default (Loshchilov and Hutter 2019). */
export function adamw(options: AdamOptions = {}): Optimizer {
  return checkedOptimizer(ADAMW, adamOptions(ADAMW_DECAY), options);
}
