import { checkName } from "../options/check.ts";
import type { Table } from "../options/kinds.ts";
import { ADAMW_DECAY, type AdamOptions, adamOptions } from "./adam.ts";
import { checkedOptimizer } from "./checked.ts";
import { OPTIMIZERS, type OptimizerName, optimizerDefinition } from "./definitions.ts";
import type { commonOptions, Optimizer } from "./optimizer.ts";
import { type RmspropOptions, rmspropOptions } from "./rmsprop.ts";
import { type SgdOptions, sgdOptions } from "./sgd.ts";

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions & RmspropOptions & AdamOptions;

/** The options of each optimizer. */
const TABLES: Readonly<Record<OptimizerName, () => ReturnType<typeof commonOptions> & Table>> = {
  sgd: sgdOptions,
  rmsprop: rmspropOptions,
  adam: () => adamOptions(0),
  adamw: () => adamOptions(ADAMW_DECAY),
};

/** An optimizer by name. Throws RangeError on an unknown name, and on an option that this one does not have. */
export function createOptimizer(name: OptimizerName, options: AnyOptimizerOptions = {}): Optimizer {
  checkName("optimizer", name, OPTIMIZERS, "createOptimizer(*)");
  return checkedOptimizer(optimizerDefinition(name), TABLES[name](), options);
}
