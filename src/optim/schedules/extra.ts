// The formulas of schedules, which are loaded where one is asked for: see browser/host/given.ts. They stand apart from the
// options, which every page has.
import type { Filled } from "../../options/kinds.ts";
import type { Schedule } from "./schedule.ts";
import type { SCHEDULE_OPTIONS, ScheduleName } from "./schedules.ts";
import { halfCosine, power } from "./series.ts";

type Formulas = {
  readonly [K in ScheduleName]: (
    step: number,
    options: Filled<ReturnType<(typeof SCHEDULE_OPTIONS)[K]["table"]>>,
  ) => number;
};

/** The rate of a step, of options that are right, defaults filled in. + - * / alone: the same bits everywhere. */
const FORMULAS: Formulas = {
  oneCycle(step, { peak, steps, warmUp, start }) {
    const top = warmUp * steps;
    if (step < top) return peak * (start + ((1 - start) * step) / top);
    return step < steps ? (peak * (steps - step)) / (steps - top) : 0;
  },

  exponentialDecay(step, { initialLearningRate, decaySteps, decayRate, staircase }) {
    const times = step / decaySteps;
    return initialLearningRate * power(decayRate, staircase ? times - (times % 1) : times);
  },

  cosineDecay(step, { initialLearningRate: first, decaySteps, alpha, warmupTarget, warmupSteps }) {
    if (warmupTarget !== undefined) {
      if (step < warmupSteps) return first + ((warmupTarget - first) * step) / warmupSteps;
      step -= warmupSteps;
    }
    const part = (1 - alpha) * halfCosine(step < decaySteps ? step / decaySteps : 1) + alpha;
    return (warmupTarget ?? first) * part;
  },

  piecewiseConstantDecay(step, { boundaries, values }) {
    const at = boundaries.findIndex((boundary) => step <= boundary);
    return values.at(at)!;
  },
};

/** What gives the rate of a step of a schedule. Throws RangeError on one whose name none has. */
export function scheduleRate({ name, options, rate }: Schedule): (step: number) => number {
  const found = rate ?? (FORMULAS[name as ScheduleName] as Schedule["rate"]);
  if (!found)
    throw new RangeError(
      `no schedule is called '${name}', expected one of ${Object.keys(FORMULAS).join(", ")}, or what defineSchedule() gave`,
    );
  return (step) => found(step, options);
}
