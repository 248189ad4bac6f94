import type { FilledPiecewiseConstantDecayOptions } from "./make.ts";
import type { ScheduleDefinition } from "./schedule.ts";

/** See make.ts. */
export const PIECEWISE_CONSTANT_DECAY: ScheduleDefinition<FilledPiecewiseConstantDecayOptions> = {
  rate(step, { boundaries, values }) {
    const at = boundaries.findIndex((boundary) => step <= boundary);
    return values.at(at)!;
  },
};
