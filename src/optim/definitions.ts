import { ADAM, ADAMW } from "./adam.ts";
import type { OptimizerDefinition } from "./optimizer.ts";
import { RMSPROP } from "./rmsprop.ts";
import { SGD } from "./sgd.ts";

/** Every optimizer, by name. */
export const OPTIMIZER_DEFINITIONS = { sgd: SGD, rmsprop: RMSPROP, adam: ADAM, adamw: ADAMW };

export type OptimizerName = keyof typeof OPTIMIZER_DEFINITIONS;
export const OPTIMIZERS = /* @__PURE__ */ Object.keys(OPTIMIZER_DEFINITIONS) as readonly OptimizerName[];

/** The definition of an optimizer, its own options left open. */
export function optimizerDefinition(name: OptimizerName): OptimizerDefinition {
  return OPTIMIZER_DEFINITIONS[name] as unknown as OptimizerDefinition;
}
