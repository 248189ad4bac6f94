// The metrics that are loaded where one is asked for: see browser/host/given.ts.
import { MEAN_ABSOLUTE_ERROR } from "./mean-absolute-error.ts";
import { MEAN_SQUARED_ERROR } from "./mean-squared-error.ts";
import type { Metric, MetricName } from "./metric.ts";
import { TOP_K } from "./top-k.ts";

export const EXTRA_METRICS = {
  topKCategoricalAccuracy: TOP_K,
  meanAbsoluteError: MEAN_ABSOLUTE_ERROR,
  meanSquaredError: MEAN_SQUARED_ERROR,
} satisfies Record<Exclude<MetricName, "accuracy">, Metric>;
