import { checkOptions } from "../options/check.ts";
import {
  flag,
  type OptionsOf,
  oneOf,
  optional,
  some,
  type Table,
  text,
  whole,
  withDefaults,
} from "../options/kinds.ts";
import type { Metric, MetricName } from "./metric.ts";

const named = {
  /** What the figure is called. Default: as the metric. */
  name: text,
};
const threshold = () =>
  some<number>("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, 0.5);

const topKTable = () => ({
  /** How many of the greatest outputs count. Default 5. */
  k: optional(whole(), 5),
  ...named,
});
const binaryTable = () => ({
  /** Outputs above it say yes. Default 0.5. */
  threshold: optional(threshold(), 0.5),
  ...named,
});
const answersTable = () => ({
  /** Outputs above it say yes. Default 0.5; with topK all of these do. */
  threshold: threshold(),
  /** Of a sample only the greatest so many outputs say yes. Default: any. */
  topK: whole(),
  /** Only this class, from 0. Default: all, counted together. */
  classId: whole(0),
  ...named,
});
const f1Table = () => ({
  /**
   * What becomes one figure of the classes' scores: their mean ("macro"), weighted by how often each class is wanted ("weighted"), or the
   * score of all answers counted together ("micro"). Default "macro", where Keras gives a list.
   */
  average: optional(oneOf(["macro", "micro", "weighted"]), "macro"),
  /** Outputs above it say yes. Default: the greatest of a sample does; of one output 0.5. */
  threshold: threshold(),
  ...named,
});
const aucTable = () => ({
  /** Default 200. */
  numThresholds: optional(whole(2, 100_000), 200),
  /** True over false positives, or precision over recall. Default "ROC". */
  curve: optional(oneOf(["ROC", "PR"]), "ROC"),
  /** "interpolation" (default); "minoring" and "majoring" take the lower or the upper of two points. */
  summationMethod: optional(oneOf(["interpolation", "minoring", "majoring"]), "interpolation"),
  /** The mean of each output's own area, in place of the area of all outputs together. Default false. */
  multiLabel: optional(flag, false),
  ...named,
});

export interface TopKOptions extends OptionsOf<ReturnType<typeof topKTable>> {}
export interface BinaryAccuracyOptions extends OptionsOf<ReturnType<typeof binaryTable>> {}
export interface AnswersOptions extends OptionsOf<ReturnType<typeof answersTable>> {}
export interface F1Options extends OptionsOf<ReturnType<typeof f1Table>> {}
export interface AucOptions extends OptionsOf<ReturnType<typeof aucTable>> {}

/** Throws RangeError on an option that the table lacks, or that is out of range. */
function made(type: MetricName, table: () => Table, given: object): Metric {
  checkOptions({ call: `${type}(*)`, table }, given);
  const { name = type, ...options } = withDefaults(table(), given as Record<string, unknown>);
  return { name: name as string, type, options };
}

/**
 * Share of samples whose class is among the k with the greatest outputs; outputs that are equal to the class's do not push
 * it out. With k = 1 the accuracy but for such ties. Throws RangeError on an option out of range, as all here do.
 */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  return made("topKCategoricalAccuracy", topKTable, options);
}

/** Share of outputs that are above the threshold where their target is 1, and not where it is 0. */
export function binaryAccuracy(options: BinaryAccuracyOptions = {}): Metric {
  return made("binaryAccuracy", binaryTable, options);
}

/** Share of right ones among outputs that say yes; 0 where none does. */
export function precision(options: AnswersOptions = {}): Metric {
  return made("precision", answersTable, options);
}

/** Share of outputs that say yes among those that should; 0 where none should. */
export function recall(options: AnswersOptions = {}): Metric {
  return made("recall", answersTable, options);
}

/** 2 precision recall / (precision + recall) of each class, averaged. */
export function f1Score(options: F1Options = {}): Metric {
  return made("f1Score", f1Table, options);
}

/**
 * Area under the ROC or the precision-recall curve, from the counts at evenly spread thresholds. Outputs are probabilities: what is
 * beyond 0 and 1 counts as those.
 */
export function auc(options: AucOptions = {}): Metric {
  return made("auc", aucTable, options);
}
