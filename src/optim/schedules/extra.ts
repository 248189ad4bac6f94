// The schedules, which are loaded where one is asked for: see browser/host/given.ts.
import { COSINE_DECAY } from "./cosine-decay.ts";
import { EXPONENTIAL_DECAY } from "./exponential-decay.ts";
import { ONE_CYCLE } from "./one-cycle.ts";
import { PIECEWISE_CONSTANT_DECAY } from "./piecewise-constant-decay.ts";
import type { Schedule, ScheduleName } from "./schedule.ts";

/** Every schedule's formula. */
const DEFINITIONS: Record<ScheduleName, { rate(step: number, options: never): number }> = {
  oneCycle: ONE_CYCLE,
  exponentialDecay: EXPONENTIAL_DECAY,
  cosineDecay: COSINE_DECAY,
  piecewiseConstantDecay: PIECEWISE_CONSTANT_DECAY,
};

/** What gives the rate of a step of a schedule. Throws RangeError on one whose name none has. */
export function scheduleRate({ name, options, rate }: Schedule): (step: number) => number {
  const found = rate ?? DEFINITIONS[name as ScheduleName]?.rate;
  if (!found)
    throw new RangeError(
      `no schedule is called '${name}', expected one of ${Object.keys(DEFINITIONS).join(", ")}, or what defineSchedule() gave`,
    );
  return (step) => found(step, options as never);
}
