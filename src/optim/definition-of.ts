import { OPTIMIZER_DEFINITIONS, type OptimizerName } from "./definitions.ts";
import type { OptimizerDefinition } from "./optimizer.ts";

/** The definition of an optimizer, its own options left open. */
export function definitionOf(name: OptimizerName): OptimizerDefinition {
  return OPTIMIZER_DEFINITIONS[name] as unknown as OptimizerDefinition;
}
