import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const lionOptions = () => ({
  ...commonOptions(0.001),
  /** Share of the momentum in the direction. Default 0.9. */
  beta1: optional(real(0, 1), 0.9),
  /** Decay of the momentum. Default 0.99. */
  beta2: optional(real(0, 1), 0.99),
});
type Table = ReturnType<typeof lionOptions>;

export interface LionOptions extends OptionsOf<Table> {}

export const LION: OptimizerDefinition<Table> = {
  name: "lion",
  allKernels: true,
  stateVectors: () => 1,
};

/** Lion (Chen et al. 2023), learningRate 0.001: every weight moves by the rate, in the direction of its momentum. Rates suit that are 3 to 10 times smaller than Adam's. */
export function lion(options: LionOptions = {}): Optimizer {
  return checkedOptimizer(LION, lionOptions(), options);
}
