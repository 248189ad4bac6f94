import { needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made, share } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { halfCosine } from "./series.ts";

const table = () => ({
  /** The rate that the decay begins with; with a warmupTarget, the first one of the warm-up. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps of the decay, those of the warm-up not counted. */
  decaySteps: needed(whole(), 1000),
  /** The last rate, as a share of the one that the decay begins with. Default 0. */
  alpha: optional(share(), 0),
  /** The rate that rises linearly from initialLearningRate, to decay from. Default: no warm-up. */
  warmupTarget: real(0),
  /** Steps of the warm-up. Default 0. */
  warmupSteps: optional(whole(0), 0),
});
type Table = ReturnType<typeof table>;

export interface CosineDecayOptions extends OptionsOf<Table> {}

export const COSINE_DECAY: ScheduleDefinition<Table> = {
  name: "cosineDecay",
  table,
  rate(step, { initialLearningRate: first, decaySteps, alpha, warmupTarget, warmupSteps }) {
    if (warmupTarget !== undefined) {
      if (step < warmupSteps) return first + ((warmupTarget - first) * step) / warmupSteps;
      step -= warmupSteps;
    }
    const part = (1 - alpha) * halfCosine(step < decaySteps ? step / decaySteps : 1) + alpha;
    return (warmupTarget ?? first) * part;
  },
};

/**
 * Keras's CosineDecay (Loshchilov and Hutter 2017): the rate falls along half a cosine, to `alpha` of what it was, after a
 * linear warm-up where warmupTarget is given. Throws RangeError on options out of range.
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  return made(COSINE_DECAY, options);
}
