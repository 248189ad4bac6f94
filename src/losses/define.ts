import { checkOptions } from "../options/check.ts";
import { callable, needed, oneOf, some, type TableOf, text } from "../options/kinds.ts";
import type { Loss, LossBatch } from "./loss.ts";
import { LOSSES, type LossName } from "./names.ts";

/** What defineLoss() takes. */
export interface LossDefinition {
  /** A name of its own. */
  name: string;
  /**
   * What outputs it takes: "numbers", any; "probabilities", those of softmax or sigmoid; "classes", those of softmax or sigmoid, two
   * at least. Default "numbers".
   */
  takes?: Loss["takes"];
  /** Names of metrics that are reported unless compile() is given some. Default: accuracy, for numbers none. */
  metrics?: readonly string[] | undefined;
  /**
   * Fills `losses`, the loss of each sample, and `gradient`, where there is one: the derivative of a sample's loss by each of
   * its outputs. Both are 0 before. Runs in the middle of a step; with + - * / and comparisons alone, it gives the same
   * bits everywhere.
   */
  compute(batch: LossBatch): void;
}

const table = (): TableOf<LossDefinition> => ({
  name: needed(
    some<string>(
      "a name that no built-in loss has",
      (value) => typeof value === "string" && value !== "" && !LOSSES.includes(value as LossName),
    ),
    "mine",
  ),
  takes: oneOf(["numbers", "probabilities", "classes"]),
  metrics: some<readonly string[]>(
    "a list of metrics' names",
    (value) => Array.isArray(value) && value.every(text.accepts),
    ["accuracy"],
  ),
  compute: needed(callable<LossDefinition["compute"]>("a function of a batch")),
});

/**
 * A loss of your own, for compile() and, from a module, createTrainer(). Throws RangeError where the definition lacks
 * something.
 */
export function defineLoss(definition: LossDefinition): Loss {
  checkOptions({ call: "defineLoss(*)", table }, definition);
  return { takes: "numbers", ...definition } as Loss;
}
