import { checkName } from "../options/check.ts";
import type { AdamOptions } from "./adam.ts";
import { checkedOptimizer } from "./checked.ts";
import { OPTIMIZERS, type OptimizerName, optimizerDefinition } from "./definitions.ts";
import type { Optimizer } from "./optimizer.ts";
import type { RmspropOptions } from "./rmsprop.ts";
import type { SgdOptions } from "./sgd.ts";

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions & RmspropOptions & AdamOptions;

/** An optimizer by name. Throws RangeError on an unknown name, and on an option that this one does not have. */
export function createOptimizer(name: OptimizerName, options: AnyOptimizerOptions = {}): Optimizer {
  checkName("optimizer", name, OPTIMIZERS, "createOptimizer(*)");
  return checkedOptimizer(optimizerDefinition(name), options);
}
