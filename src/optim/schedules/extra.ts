// The schedules, which are loaded where one is asked for: see browser/host/given.ts. A new one has its line in both lists.
import { COSINE_DECAY, COSINE_DECAY_OPTIONS } from "./cosine-decay.ts";
import { EXPONENTIAL_DECAY, EXPONENTIAL_DECAY_OPTIONS } from "./exponential-decay.ts";
import { ONE_CYCLE, ONE_CYCLE_OPTIONS } from "./one-cycle.ts";
import { PIECEWISE_CONSTANT_DECAY, PIECEWISE_CONSTANT_DECAY_OPTIONS } from "./piecewise-constant-decay.ts";
import type { Schedule, ScheduleOptions } from "./schedule.ts";

/** Every schedule's formula. */
const DEFINITIONS = {
  oneCycle: ONE_CYCLE,
  exponentialDecay: EXPONENTIAL_DECAY,
  cosineDecay: COSINE_DECAY,
  piecewiseConstantDecay: PIECEWISE_CONSTANT_DECAY,
};

export type ScheduleName = keyof typeof DEFINITIONS;

/** Every schedule's options. Workers, which have no use for them, leave them out. */
export const SCHEDULE_OPTIONS: Readonly<Record<ScheduleName, ScheduleOptions>> = {
  oneCycle: ONE_CYCLE_OPTIONS as ScheduleOptions,
  exponentialDecay: EXPONENTIAL_DECAY_OPTIONS as ScheduleOptions,
  cosineDecay: COSINE_DECAY_OPTIONS as ScheduleOptions,
  piecewiseConstantDecay: PIECEWISE_CONSTANT_DECAY_OPTIONS as ScheduleOptions,
};

/** Every schedule. */
export const SCHEDULES = /* @__PURE__ */ Object.keys(DEFINITIONS) as readonly ScheduleName[];

/** What gives the rate of a step of a schedule. Throws RangeError on one whose name none has. */
export function scheduleRate({ name, options, rate }: Schedule): (step: number) => number {
  const found: Schedule["rate"] = rate ?? (DEFINITIONS[name as ScheduleName] as Schedule | undefined)?.rate;
  if (!found)
    throw new RangeError(
      `no schedule is called '${name}', expected one of ${SCHEDULES.join(", ")}, or what defineSchedule() gave`,
    );
  return (step) => found(step, options);
}
