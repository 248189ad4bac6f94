// The metrics that are loaded where one is asked for: see browser/host/given.ts. They stand apart from their names, which every
// page has: metric.ts.
import type { Metric, MetricName } from "./metric.ts";

export const EXTRA_METRICS = {
  /** See topKCategoricalAccuracy(). */
  topKCategoricalAccuracy: {
    options: { k: 5 },
    update(accumulators, { outputs, targets, rows, cols }, { k }) {
      for (let first = 0; first < rows * cols; first += cols) {
        let right = 0;
        for (let i = 1; i < cols; i++) if (targets[first + i]! > targets[first + right]!) right = i;
        const wanted = outputs[first + right]!;
        let greater = 0;
        for (let i = 0; i < cols; i++) if (outputs[first + i]! > wanted) greater++;
        // NaN is greater than nothing, and right in nothing.
        if (greater < (k as number) && !Number.isNaN(wanted)) accumulators[0]!++;
      }
      accumulators[1]! += rows;
    },
  },

  /** Mean over outputs and samples of |y - t|, summed in f64. */
  meanAbsoluteError: {
    better: "less",
    update(accumulators, { outputs, targets }) {
      for (let i = 0; i < outputs.length; i++) accumulators[0]! += Math.abs(outputs[i]! - targets[i]!);
      accumulators[1]! += outputs.length;
    },
  },

  /** Mean over outputs and samples of (y - t)^2, summed in f64. */
  meanSquaredError: {
    better: "less",
    update(accumulators, { outputs, targets }) {
      for (let i = 0; i < outputs.length; i++) {
        const difference = outputs[i]! - targets[i]!;
        accumulators[0]! += difference * difference;
      }
      accumulators[1]! += outputs.length;
    },
  },
} satisfies Record<Exclude<MetricName, "accuracy">, Omit<Metric, "name">>;
