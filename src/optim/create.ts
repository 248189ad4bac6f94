import { checkName } from "../options/check.ts";
import { type AdamOptions, adam, adamw } from "./adam.ts";
import { OPTIMIZERS, type Optimizer, type OptimizerName } from "./optimizer.ts";
import { type RmspropOptions, rmsprop } from "./rmsprop.ts";
import { type SgdOptions, sgd } from "./sgd.ts";

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions & RmspropOptions & AdamOptions;

const CREATE: Readonly<Record<OptimizerName, (options: AnyOptimizerOptions) => Optimizer>> = {
  sgd,
  rmsprop,
  adam,
  adamw,
};

/** An optimizer by name. Throws RangeError on an unknown name, and on an option that this one does not have. */
export function createOptimizer(name: OptimizerName, options: AnyOptimizerOptions = {}): Optimizer {
  checkName("optimizer", name, OPTIMIZERS, "createOptimizer(*)");
  return CREATE[name](options);
}
