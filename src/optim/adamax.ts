import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const adamaxOptions = () => ({
  ...commonOptions(0.001),
  /** Decay of the mean of gradients. Default 0.9. */
  beta1: optional(real(0, 1), 0.9),
  /** Decay of the greatest gradient. Default 0.999. */
  beta2: optional(real(0, 1), 0.999),
  /** Default 1e-7. */
  epsilon: optional(real(0), 1e-7),
});
type Table = ReturnType<typeof adamaxOptions>;

export interface AdamaxOptions extends OptionsOf<Table> {}

export const ADAMAX: OptimizerDefinition<Table> = {
  name: "adamax",
  allKernels: true,
  // Of the bias correction the mean's alone.
  betas: ({ beta1 }) => [beta1, 0],
  stateVectors: () => 2,
};

/** Adamax (Kingma and Ba 2015, section 7), learningRate 0.001: Adam by the greatest gradient. */
export function adamax(options: AdamaxOptions = {}): Optimizer {
  return checkedOptimizer(ADAMAX, adamaxOptions(), options);
}
