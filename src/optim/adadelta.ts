import { type OptionsOf, optional, real } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { commonOptions, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

export const adadeltaOptions = () => ({
  ...commonOptions(0.001),
  /** Decay of the means of squares. Default 0.95. */
  rho: optional(real(0, 1), 0.95),
  /** Default 1e-7, under the roots. */
  epsilon: optional(real(0), 1e-7),
});
type Table = ReturnType<typeof adadeltaOptions>;

export interface AdadeltaOptions extends OptionsOf<Table> {}

export const ADADELTA: OptimizerDefinition<Table> = {
  name: "adadelta",
  allKernels: true,
  stateVectors: () => 2,
};

/** Adadelta (Zeiler 2012), learningRate 0.001 as Keras has it; the paper's is 1. */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  return checkedOptimizer(ADADELTA, adadeltaOptions(), options);
}
