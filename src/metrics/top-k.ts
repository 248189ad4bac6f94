import type { Metric } from "./metric.ts";

/** See make.ts. */
export const TOP_K = {
  name: "topKCategoricalAccuracy",
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
} as const satisfies Metric;
