import type { LearningRate } from "./schedule.ts";

/** What gives the rate of a step. */
export function rateOf(rate: LearningRate): (step: number) => number {
  if (typeof rate === "object") return (step) => rate.rate(step, rate.options);
  return typeof rate === "function" ? rate : () => rate;
}
