import type { Metric } from "./metric.ts";

/** Mean over outputs and samples of (y - t)^2, summed in f64. */
export const MEAN_SQUARED_ERROR = {
  name: "meanSquaredError",
  better: "less",
  update(accumulators, { outputs, targets }) {
    for (let i = 0; i < outputs.length; i++) {
      const difference = outputs[i]! - targets[i]!;
      accumulators[0]! += difference * difference;
    }
    accumulators[1]! += outputs.length;
  },
} as const satisfies Metric;
