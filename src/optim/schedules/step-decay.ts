import { needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { power } from "./series.ts";

const table = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps after which the rate is multiplied by decayRate, again and again. */
  decaySteps: needed(whole(), 1000),
  /** Default 0.1. */
  decayRate: optional(real(0, undefined, true), 0.1),
});
type Table = ReturnType<typeof table>;

export interface StepDecayOptions extends OptionsOf<Table> {}

export const STEP_DECAY: ScheduleDefinition<Table> = {
  name: "stepDecay",
  table,
  rate(step, { initialLearningRate, decaySteps, decayRate }) {
    const times = step / decaySteps;
    return initialLearningRate * power(decayRate, times - (times % 1));
  },
};

/** A stair: initialLearningRate * decayRate ** floor(step / decaySteps). Throws RangeError on options out of range. */
export function stepDecay(options: StepDecayOptions): Schedule {
  return made(STEP_DECAY, options);
}
