import { BINARY_CROSSENTROPY } from "./binary-crossentropy.ts";
import { CATEGORICAL_CROSSENTROPY, SPARSE_CATEGORICAL_CROSSENTROPY } from "./categorical-crossentropy.ts";
import { FURTHER_LOSSES } from "./further.ts";
import type { Loss } from "./loss.ts";
import { MEAN_ABSOLUTE_ERROR } from "./mean-absolute-error.ts";
import { MEAN_SQUARED_ERROR } from "./mean-squared-error.ts";
import type { LossData, LossName } from "./names.ts";

/** Every loss. Of those that take a kind of output, the first is the usual one. */
const DEFINITIONS = [
  CATEGORICAL_CROSSENTROPY,
  SPARSE_CATEGORICAL_CROSSENTROPY,
  BINARY_CROSSENTROPY,
  MEAN_SQUARED_ERROR,
  MEAN_ABSOLUTE_ERROR,
  // A worker that has no use for them is not given them.
  ...(FURTHER_LOSSES ?? []),
] as const;

export const LOSS_DEFINITIONS: readonly (Loss & { readonly name: LossName })[] = DEFINITIONS;

/** The loss of a name, or of a name and options, or a user's own, which is one already; undefined where there is none of that name. */
export function lossDefinition(loss: string | LossData | Loss): Loss | undefined {
  if (typeof loss === "object" && "compute" in loss) return loss;
  const { name, ...own } = (typeof loss === "object" ? loss : { name: loss }) as LossData;
  const found = LOSS_DEFINITIONS.find((definition) => definition.name === name);
  return (
    found && {
      ...found,
      allKernels: found.allKernels || !!own.labelSmoothing,
      options: { ...found.defaults, ...own },
    }
  );
}

/** Names of the metrics that are reported next to a loss unless one asks: the share of right classes, where outputs are those of classes. */
export function defaultMetrics({ metrics, takes }: Loss): readonly string[] {
  return metrics ?? ((takes ?? "numbers") === "numbers" ? [] : ["accuracy"]);
}
