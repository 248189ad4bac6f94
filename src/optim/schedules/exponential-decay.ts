import { flag, needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { power } from "./series.ts";

const table = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps in which the rate is multiplied by decayRate once. */
  decaySteps: needed(whole(), 1000),
  decayRate: needed(real(0, undefined, true), 0.96),
  /** All at once after decaySteps each, in place of a little each step. Default false. */
  staircase: optional(flag, false),
});
type Table = ReturnType<typeof table>;

export interface ExponentialDecayOptions extends OptionsOf<Table> {}

export const EXPONENTIAL_DECAY: ScheduleDefinition<Table> = {
  name: "exponentialDecay",
  table,
  rate(step, { initialLearningRate, decaySteps, decayRate, staircase }) {
    const times = step / decaySteps;
    return initialLearningRate * power(decayRate, staircase ? times - (times % 1) : times);
  },
};

/** Keras's ExponentialDecay: initialLearningRate * decayRate ** (step / decaySteps). Throws RangeError on options out of range. */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  return made(EXPONENTIAL_DECAY, options);
}
