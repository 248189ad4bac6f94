import { flag, type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const rmspropOptions = () => ({
  ...commonOptions(0.001),
  /** Default 0.9. */
  rho: optional(real(0, 1), 0.9),
  /** Default 0. */
  momentum: optional(real(0, 1), 0),
  /** Default 1e-7, under the root. */
  epsilon: optional(real(0), 1e-7),
  /** Divide by an estimate of the variance in place of the mean square. Default false. */
  centered: optional(flag, false),
});
type Table = ReturnType<typeof rmspropOptions>;

export interface RmspropOptions extends OptionsOf<Table> {}

export const RMSPROP: OptimizerDefinition<Table> = {
  name: "rmsprop",
  stateVectors: ({ centered, momentum }) => 1 + Number(centered) + Number(momentum > 0),
};

/** RMSprop (Hinton, lecture 6 of 2012), learningRate 0.001, as Keras writes it. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  return checkedOptimizer(RMSPROP, rmspropOptions(), options);
}
