import { scheduleRate } from "./extra.ts";
import type { LearningRate } from "./schedule.ts";

/** What gives the rate of a step. Throws RangeError on a schedule whose name none has. */
export function rateOf(rate: LearningRate): (step: number) => number {
  if (typeof rate === "object") return scheduleRate(rate);
  return typeof rate === "function" ? rate : () => rate;
}
