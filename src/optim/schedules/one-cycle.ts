import type { FilledOneCycleOptions } from "./make.ts";
import type { ScheduleDefinition } from "./schedule.ts";

/** See make.ts. */
export const ONE_CYCLE: ScheduleDefinition<FilledOneCycleOptions> = {
  rate(step, { peak, steps, warmUp, start }) {
    const top = warmUp * steps;
    if (step < top) return peak * (start + ((1 - start) * step) / top);
    return step < steps ? (peak * (steps - step)) / (steps - top) : 0;
  },
};
