import { chunks } from "../compiler/tasks.ts";
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
  update(p, { w, g, n, slots, state, grain }, { momentum, nesterov, weightDecay }) {
    const args = { w, g, m: slots[0] ?? 0, state, n, momentum, nesterov: Number(nesterov) };
    p.call("sgd", { ...args, weightDecay, grain }, { tasks: chunks(n, grain) });
  },
};

/** Gradient descent, learningRate 0.01, with momentum as Keras writes it: m = momentum m - learningRate g; w += m. */
export function sgd(options: SgdOptions = {}): Optimizer {
  return checkedOptimizer(SGD, sgdOptions(), options);
}
