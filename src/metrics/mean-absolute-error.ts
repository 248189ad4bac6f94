import type { Metric } from "./metric.ts";

/** Mean over outputs and samples of |y - t|, summed in f64. */
export const MEAN_ABSOLUTE_ERROR = {
  name: "meanAbsoluteError",
  better: "less",
  update(accumulators, { outputs, targets }) {
    for (let i = 0; i < outputs.length; i++) accumulators[0]! += Math.abs(outputs[i]! - targets[i]!);
    accumulators[1]! += outputs.length;
  },
} as const satisfies Metric;
