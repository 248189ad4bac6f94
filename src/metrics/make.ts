import { checkOptions } from "../options/check.ts";
import { type OptionsOf, optional, text, whole } from "../options/kinds.ts";
import type { Metric } from "./metric.ts";

const table = () => ({
  /** How many of the greatest outputs count. Default 5. */
  k: optional(whole(), 5),
  /** What the figure is called. Default "topKCategoricalAccuracy". */
  name: text,
});

export interface TopKOptions extends OptionsOf<ReturnType<typeof table>> {}

/**
 * Share of samples whose class is among the k with the greatest outputs; outputs that are equal to the class's do not push
 * it out. With k = 1 the accuracy but for such ties. Throws RangeError on an option out of range.
 */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  checkOptions({ call: "topKCategoricalAccuracy(*)", table }, options);
  const type = "topKCategoricalAccuracy";
  const { k = 5, name = type } = options;
  return { name, type, options: { k } };
}
