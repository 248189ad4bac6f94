import { flag, needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

const table = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps after which the divisor is greater by decayRate. */
  decaySteps: needed(whole(), 1000),
  decayRate: needed(real(0), 0.5),
  /** All at once after decaySteps each, in place of a little each step. Default false. */
  staircase: optional(flag, false),
});
type Table = ReturnType<typeof table>;

export interface InverseTimeDecayOptions extends OptionsOf<Table> {}

export const INVERSE_TIME_DECAY: ScheduleDefinition<Table> = {
  name: "inverseTimeDecay",
  table,
  rate(step, { initialLearningRate, decaySteps, decayRate, staircase }) {
    const times = step / decaySteps;
    return initialLearningRate / (1 + decayRate * (staircase ? times - (times % 1) : times));
  },
};

/** Keras's InverseTimeDecay: initialLearningRate / (1 + decayRate * step / decaySteps). Throws RangeError on options out of range. */
export function inverseTimeDecay(options: InverseTimeDecayOptions): Schedule {
  return made(INVERSE_TIME_DECAY, options);
}
