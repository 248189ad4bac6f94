import { ADAM, ADAMW, ADAMW_DECAY, type AdamOptions, adamOptions } from "./adam.ts";
import type { OptimizerDefinition } from "./optimizer.ts";
import { RMSPROP, type RmspropOptions, rmspropOptions } from "./rmsprop.ts";
import { SGD, type SgdOptions, sgdOptions } from "./sgd.ts";

/** Every optimizer, by name. A new one has its line here, in the tables and in the type below. */
export const OPTIMIZER_DEFINITIONS = { sgd: SGD, rmsprop: RMSPROP, adam: ADAM, adamw: ADAMW };

/** The options of each. Workers, which have no use for them, leave them out. */
export const OPTIMIZER_TABLES = {
  sgd: sgdOptions,
  rmsprop: rmspropOptions,
  adam: () => adamOptions(0),
  adamw: () => adamOptions(ADAMW_DECAY),
};

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions & RmspropOptions & AdamOptions;

export type OptimizerName = keyof typeof OPTIMIZER_DEFINITIONS;
export const OPTIMIZERS = /* @__PURE__ */ Object.keys(OPTIMIZER_DEFINITIONS) as readonly OptimizerName[];

/** The definition of an optimizer, its own options left open. */
export function optimizerDefinition(name: OptimizerName): OptimizerDefinition {
  return OPTIMIZER_DEFINITIONS[name] as unknown as OptimizerDefinition;
}
