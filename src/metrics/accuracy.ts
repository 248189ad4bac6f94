import type { Metric } from "./metric.ts";

/** Share of samples whose class is right: the one with the greatest output; of one output, class 1 above 0.5. */
export const ACCURACY = {
  name: "accuracy",
  emit(p, args) {
    const out = p.tensor(4);
    p.call("countCorrect", { out, ...args });
    return out;
  },
} as const satisfies Metric;
