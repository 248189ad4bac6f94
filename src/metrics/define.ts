import { checkOptions } from "../options/check.ts";
import { callable, needed, oneOf, some, type TableOf, whole } from "../options/kinds.ts";
import { METRICS, type Metric, type MetricBatch, type MetricName } from "./metric.ts";

/** What defineMetric() takes. */
export interface MetricDefinition {
  /** What its figure is called: a name of its own. */
  name: string;
  /** Numbers that it gathers over the batches of an epoch, 0 at first. Default 2. */
  accumulators?: number;
  /** Which of two figures is the better one. Default "more". */
  better?: Metric["better"];
  /** Adds a batch to the accumulators. */
  update(accumulators: Float64Array, batch: MetricBatch): void;
  /** The figure that they make. Default: the first over the second. */
  value?: Metric["value"];
}

const table = (): TableOf<MetricDefinition> => ({
  name: needed(
    some<string>(
      "a name that no built-in metric has",
      (value) =>
        typeof value === "string" && /^(?!val_|loss$)./.test(value) && !METRICS.includes(value as MetricName),
    ),
    "mine",
  ),
  accumulators: whole(),
  better: oneOf(["more", "less"]),
  update: needed(callable<MetricDefinition["update"]>("a function of accumulators and a batch")),
  value: callable<NonNullable<MetricDefinition["value"]>>("a function of accumulators"),
});

/**
 * A metric of your own, for compile() and, from a module, createTrainer(). Throws RangeError where the definition lacks
 * something.
 */
export function defineMetric(definition: MetricDefinition): Metric {
  checkOptions({ call: "defineMetric(*)", table }, definition);
  return { ...definition } as Metric;
}
