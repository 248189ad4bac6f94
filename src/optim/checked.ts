import { checkOptions } from "../options/check.ts";
import { type OptionsOf, type Table, withDefaults } from "../options/kinds.ts";
import { type commonOptions, makeOptimizer, type Optimizer, type OptimizerDefinition } from "./optimizer.ts";

const CLIPS = ["clipNorm", "globalClipNorm", "clipValue"];

/**
 * The optimizer of options that a caller gave. Throws RangeError on an option that the table lacks or that is out of
 * range, and where more than one way of clipping is given.
 */
export function checkedOptimizer<T extends ReturnType<typeof commonOptions> & Table>(
  definition: OptimizerDefinition<T>,
  table: T,
  given: OptionsOf<T>,
): Optimizer {
  const { name } = definition;
  checkOptions({ call: `${name}(*)`, table }, given);
  const options = withDefaults(table, given);
  const clips = CLIPS.filter((key) => key in options);
  if (clips.length > 1)
    throw new RangeError(`${name}: ${clips.join(" and ")} are given, expected at most one`);
  return makeOptimizer(definition, options);
}
