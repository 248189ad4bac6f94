// The names stand apart from what they mean: a page that trains has none of its own, see train/outputs.ts.
import { isObject } from "../options/kinds.ts";
import type { LossSettings } from "./loss.ts";

/** Every loss: what each computes, see its file in this folder. */
export const LOSSES = [
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "binaryCrossentropy",
  "meanSquaredError",
  "meanAbsoluteError",
  "binaryFocalCrossentropy",
  "categoricalFocalCrossentropy",
  "meanAbsolutePercentageError",
  "meanSquaredLogarithmicError",
  "huber",
  "logCosh",
  "klDivergence",
  "poisson",
  "hinge",
  "squaredHinge",
  "categoricalHinge",
  "cosineSimilarity",
] as const;
export type LossName = (typeof LOSSES)[number];

/** A built-in loss with its options as plain data: `{ name: "huber", delta: 0.5 }`. */
export interface LossData extends LossSettings {
  readonly name: LossName;
}

/** A built-in loss by name, or as plain data with its name and options. */
export function isBuiltInLoss(value: unknown): value is LossName | LossData {
  return LOSSES.includes((isObject(value) ? value.name : value) as LossName);
}

/** What a built-in loss is called. */
export function lossName(loss: LossName | LossData): LossName {
  return typeof loss === "string" ? loss : loss.name;
}
