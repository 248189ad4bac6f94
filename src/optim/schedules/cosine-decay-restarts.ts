import { needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made, share } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { halfCosine, power } from "./series.ts";

const atLeastOne = () => real(1);
const table = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps of the first fall. */
  firstDecaySteps: needed(whole(), 1000),
  /** What each fall is longer by. Default 2. */
  tMul: optional(atLeastOne(), 2),
  /** What each fall's first rate is multiplied by. Default 1. */
  mMul: optional(real(0, undefined, true), 1),
  /** The last rate of a fall, as a share of the first one. Default 0. */
  alpha: optional(share(), 0),
});
type Table = ReturnType<typeof table>;

export interface CosineDecayRestartsOptions extends OptionsOf<Table> {}

export const COSINE_DECAY_RESTARTS: ScheduleDefinition<Table> = {
  name: "cosineDecayRestarts",
  table,
  rate(step, { initialLearningRate, firstDecaySteps, tMul, mMul, alpha }) {
    let done = step / firstDecaySteps;
    let length = 1;
    let top = 1;
    if (tMul === 1) {
      top = power(mMul, done - (done % 1));
      done %= 1;
    } else
      for (; done >= length; length *= tMul) {
        done -= length;
        top *= mMul;
      }
    return initialLearningRate * ((1 - alpha) * top * halfCosine(done / length) + alpha);
  },
};

/**
 * Keras's CosineDecayRestarts (Loshchilov and Hutter 2017): falls along half a cosine, again and again. Throws RangeError on options
 * out of range.
 */
export function cosineDecayRestarts(options: CosineDecayRestartsOptions): Schedule {
  return made(COSINE_DECAY_RESTARTS, options);
}
