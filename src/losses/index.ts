import { BINARY_CROSSENTROPY } from "./binary-crossentropy.ts";
import { CATEGORICAL_CROSSENTROPY, SPARSE_CATEGORICAL_CROSSENTROPY } from "./categorical-crossentropy.ts";
import type { Loss } from "./loss.ts";
import { MEAN_ABSOLUTE_ERROR } from "./mean-absolute-error.ts";
import { MEAN_SQUARED_ERROR } from "./mean-squared-error.ts";

/** Every loss. Of those that take a kind of output, the first is the usual one. */
const DEFINITIONS = [
  CATEGORICAL_CROSSENTROPY,
  SPARSE_CATEGORICAL_CROSSENTROPY,
  BINARY_CROSSENTROPY,
  MEAN_SQUARED_ERROR,
  MEAN_ABSOLUTE_ERROR,
] as const;

/** What each computes: see its file in this folder. */
export type LossName = (typeof DEFINITIONS)[number]["name"];
export const LOSSES = /* @__PURE__ */ DEFINITIONS.map(({ name }) => name) as readonly LossName[];
export const LOSS_DEFINITIONS: readonly Loss[] = DEFINITIONS;

/** The loss of a name, or a user's own, which is one already; undefined where there is none of that name. */
export function lossDefinition(loss: string | Loss): Loss | undefined {
  return typeof loss === "object" ? loss : LOSS_DEFINITIONS.find(({ name }) => name === loss);
}

/** Names of the metrics that are reported next to a loss unless one asks: the share of right classes, where outputs are those of classes. */
export function defaultMetrics({ metrics, takes }: Loss): readonly string[] {
  return metrics ?? ((takes ?? "numbers") === "numbers" ? [] : ["accuracy"]);
}
