import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const nadamOptions = () => ({
  ...commonOptions(0.001),
  /** Decay of the mean of gradients. Default 0.9. */
  beta1: optional(real(0, 1), 0.9),
  /** Decay of the mean of squared gradients. Default 0.999. */
  beta2: optional(real(0, 1), 0.999),
  /** Default 1e-7. */
  epsilon: optional(real(0), 1e-7),
});
type Table = ReturnType<typeof nadamOptions>;

export interface NadamOptions extends OptionsOf<Table> {}

export const NADAM: OptimizerDefinition<Table> = {
  name: "nadam",
  allKernels: true,
  betas: ({ beta1, beta2 }) => [beta1, beta2],
  stateVectors: () => 2,
};

/** Nadam (Dozat 2016), learningRate 0.001: Adam with Nesterov's momentum. */
export function nadam(options: NadamOptions = {}): Optimizer {
  return checkedOptimizer(NADAM, nadamOptions(), options);
}
