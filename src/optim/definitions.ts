import { ADAM, ADAMW, ADAMW_DECAY, type AdamOptions, adamOptions } from "./adam.ts";
import { RMSPROP, type RmspropOptions, rmspropOptions } from "./rmsprop.ts";
import { SGD, type SgdOptions, sgdOptions } from "./sgd.ts";

// Every optimizer: a new one has its lines here.
export { type AdamOptions, adam, adamw } from "./adam.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { type SgdOptions, sgd } from "./sgd.ts";

/** What every optimizer keeps and does, by name. */
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
