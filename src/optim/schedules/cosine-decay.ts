import type { FilledCosineDecayOptions } from "./make.ts";
import type { ScheduleDefinition } from "./schedule.ts";
import { halfCosine } from "./series.ts";

/** See make.ts. */
export const COSINE_DECAY: ScheduleDefinition<FilledCosineDecayOptions> = {
  rate(step, { initialLearningRate: first, decaySteps, alpha, warmupTarget, warmupSteps }) {
    if (warmupTarget !== undefined) {
      if (step < warmupSteps) return first + ((warmupTarget - first) * step) / warmupSteps;
      step -= warmupSteps;
    }
    const part = (1 - alpha) * halfCosine(step < decaySteps ? step / decaySteps : 1) + alpha;
    return (warmupTarget ?? first) * part;
  },
};
