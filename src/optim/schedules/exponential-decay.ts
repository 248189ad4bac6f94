import type { FilledExponentialDecayOptions } from "./make.ts";
import type { ScheduleDefinition } from "./schedule.ts";
import { power } from "./series.ts";

/** See make.ts. */
export const EXPONENTIAL_DECAY: ScheduleDefinition<FilledExponentialDecayOptions> = {
  rate(step, { initialLearningRate, decaySteps, decayRate, staircase }) {
    const times = step / decaySteps;
    return initialLearningRate * power(decayRate, staircase ? times - (times % 1) : times);
  },
};
