import { ADADELTA, type AdadeltaOptions, adadeltaOptions } from "./adadelta.ts";
import { ADAGRAD, type AdagradOptions, adagradOptions } from "./adagrad.ts";
import { ADAM, ADAMW, ADAMW_DECAY, type AdamOptions, adamOptions } from "./adam.ts";
import { ADAMAX, type AdamaxOptions, adamaxOptions } from "./adamax.ts";
import { LION, type LionOptions, lionOptions } from "./lion.ts";
import { NADAM, type NadamOptions, nadamOptions } from "./nadam.ts";
import { RMSPROP, type RmspropOptions, rmspropOptions } from "./rmsprop.ts";
import { SGD, type SgdOptions, sgdOptions } from "./sgd.ts";

// Every optimizer: a new one has its lines here.
export { type AdadeltaOptions, adadelta } from "./adadelta.ts";
export { type AdagradOptions, adagrad } from "./adagrad.ts";
export { type AdamOptions, adam, adamw } from "./adam.ts";
export { type AdamaxOptions, adamax } from "./adamax.ts";
export { type LionOptions, lion } from "./lion.ts";
export { type NadamOptions, nadam } from "./nadam.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { type SgdOptions, sgd } from "./sgd.ts";

/** What every optimizer keeps, by name. */
export const OPTIMIZER_DEFINITIONS = {
  sgd: SGD,
  rmsprop: RMSPROP,
  adam: ADAM,
  adamw: ADAMW,
  adagrad: ADAGRAD,
  adadelta: ADADELTA,
  adamax: ADAMAX,
  nadam: NADAM,
  lion: LION,
};

/** The options of each. Workers, which have no use for them, leave them out. */
export const OPTIMIZER_TABLES = {
  sgd: sgdOptions,
  rmsprop: rmspropOptions,
  adam: () => adamOptions(0),
  adamw: () => adamOptions(ADAMW_DECAY),
  adagrad: adagradOptions,
  adadelta: adadeltaOptions,
  adamax: adamaxOptions,
  nadam: nadamOptions,
  lion: lionOptions,
};

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions &
  RmspropOptions &
  AdamOptions &
  AdagradOptions &
  AdadeltaOptions &
  AdamaxOptions &
  NadamOptions &
  LionOptions;

export type OptimizerName = keyof typeof OPTIMIZER_DEFINITIONS;
export const OPTIMIZERS = /* @__PURE__ */ Object.keys(OPTIMIZER_DEFINITIONS) as readonly OptimizerName[];
