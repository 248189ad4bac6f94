import { needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made, share } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

const table = () => ({
  /** The highest rate. */
  peak: needed(real(0, undefined, true), 0.004),
  /** Training steps in all: batches of an epoch times epochs. */
  steps: needed(whole(), 1000),
  /** Share of the steps in which the rate rises, 0 to 1. Default 0.3. */
  warmUp: optional(share(), 0.3),
  /** The first rate, as a share of the peak. Default 0.1. */
  start: optional(share(), 0.1),
});
type Table = ReturnType<typeof table>;

export interface OneCycleOptions extends OptionsOf<Table> {}

export const ONE_CYCLE: ScheduleDefinition<Table> = {
  name: "oneCycle",
  table,
  rate(step, { peak, steps, warmUp, start }) {
    const top = warmUp * steps;
    if (step < top) return peak * (start + ((1 - start) * step) / top);
    return step < steps ? (peak * (steps - step)) / (steps - top) : 0;
  },
};

/**
 * One cycle (Smith and Topin 2018): the rate rises linearly from `start * peak` to `peak`, then falls linearly to 0 with
 * the last step. Short trainings get further with it than with any constant rate: the high rate finds the way, the fall
 * settles.
 *
 * Throws RangeError on options out of range.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  return made(ONE_CYCLE, options);
}
