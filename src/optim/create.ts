import { checkName } from "../options/check.ts";
import type { Table } from "../options/kinds.ts";
import { checkedOptimizer } from "./checked.ts";
import { definitionOf } from "./definition-of.ts";
import { type AnyOptimizerOptions, OPTIMIZER_TABLES, OPTIMIZERS, type OptimizerName } from "./definitions.ts";
import type { commonOptions, Optimizer } from "./optimizer.ts";

/** An optimizer by name. Throws RangeError on an unknown name, and on an option that this one does not have. */
export function createOptimizer(name: OptimizerName, options: AnyOptimizerOptions = {}): Optimizer {
  checkName("optimizer", name, OPTIMIZERS, "createOptimizer(*)");
  const tables: Readonly<Record<OptimizerName, () => ReturnType<typeof commonOptions> & Table>> =
    OPTIMIZER_TABLES;
  return checkedOptimizer(definitionOf(name), tables[name](), options);
}
