import { flag, type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const sgdOptions = () => ({
  ...commonOptions(0.01),
  /** Default 0. */
  momentum: optional(real(0, 1), 0),
  /** Default false. */
  nesterov: optional(flag, false),
});
type Table = ReturnType<typeof sgdOptions>;

export interface SgdOptions extends OptionsOf<Table> {}

export const SGD: OptimizerDefinition<Table> = {
  name: "sgd",
  stateVectors: ({ momentum }) => Number(momentum > 0),
};

/** Gradient descent, learningRate 0.01, with momentum as Keras writes it: m = momentum m - learningRate g; w += m. */
export function sgd(options: SgdOptions = {}): Optimizer {
  return checkedOptimizer(SGD, sgdOptions(), options);
}
