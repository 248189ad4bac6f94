import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const adagradOptions = () => ({
  ...commonOptions(0.001),
  /** What each sum of squared gradients begins with. Default 0.1. */
  initialAccumulatorValue: optional(real(0), 0.1),
  /** Default 1e-7, under the root. */
  epsilon: optional(real(0), 1e-7),
});
type Table = ReturnType<typeof adagradOptions>;

export interface AdagradOptions extends OptionsOf<Table> {}

export const ADAGRAD: OptimizerDefinition<Table> = {
  name: "adagrad",
  allKernels: true,
  stateVectors: () => 1,
};

/** Adagrad (Duchi et al. 2011), learningRate 0.001: the more a weight was moved, the less it is. */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  return checkedOptimizer(ADAGRAD, adagradOptions(), options);
}
