// Learning rates that change with the step, as Keras's configs have them: those of Keras's names are the same functions here.

import { scheduleFromConfig } from "../../optim/schedules/from-config.ts";
import type { LearningRate, Schedule, ScheduleData } from "../../optim/schedules/schedule.ts";
import { SCHEDULE_DEFINITIONS, type ScheduleName } from "../../optim/schedules/schedules.ts";
import { isObject } from "../../options/kinds.ts";
import { camel, snake } from "./names.ts";
import { object } from "./values.ts";

type Config = Readonly<Record<string, unknown>>;

/** Those that Keras has, too. */
const SHARED: readonly ScheduleName[] = [
  ...(["exponentialDecay", "cosineDecay", "cosineDecayRestarts", "piecewiseConstantDecay"] as const),
  ...(["polynomialDecay", "inverseTimeDecay"] as const),
];

const classOf = (name: string) => name[0]!.toUpperCase() + name.slice(1);

/** Undefined of one that there is none of, or whose options are no such here. */
export function readSchedule({ class_name, config }: Config): Schedule | undefined {
  const name = SHARED.find((one) => classOf(one) === class_name);
  if (!name || !isObject(config)) return undefined;
  const known = SCHEDULE_DEFINITIONS[name].table();
  const options = Object.entries(config)
    .map(([key, value]) => [camel(key), value] as const)
    .filter(([key, value]) => Object.hasOwn(known, key) && value !== null);
  try {
    return scheduleFromConfig({ name, options: Object.fromEntries(options) });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A rate as Keras has it: a number, or an object; undefined of one that Keras has none of. */
export function writeSchedule(rate: LearningRate): unknown {
  if (typeof rate === "number") return rate;
  const same = typeof rate === "object" ? inKeras(rate) : undefined;
  if (typeof same !== "object") return same;
  const { name, options } = same;
  const table = SCHEDULE_DEFINITIONS[name as ScheduleName].table();
  const config = Object.keys(table).map((key) => [snake(key), options[key] ?? null]);
  const called = classOf(name);
  // Of Keras 2, too: without the module Keras 3 finds none.
  return object("keras.optimizers.schedules", called, { ...Object.fromEntries(config), name: called }, 3);
}

/** The schedule, or the number, of Keras's that gives the same rates. */
function inKeras({ name, options }: ScheduleData): ScheduleData | number | undefined {
  if (SHARED.includes(name as ScheduleName)) return { name, options };
  switch (name) {
    case "constantRate":
      return options.learningRate as number;
    case "stepDecay":
      return { name: "exponentialDecay", options: { ...options, staircase: true } };
    case "warmUp": {
      const { initialLearningRate, warmupSteps, schedule } = options;
      const after = typeof schedule === "number" ? schedule : inKeras(schedule as ScheduleData);
      const rise = { initialLearningRate, warmupSteps };
      // A decay that goes nowhere.
      if (typeof after === "number")
        return { name: "cosineDecay", options: { ...rise, warmupTarget: after, decaySteps: 1, alpha: 1 } };
      if (after?.name !== "cosineDecay" || after.options.warmupTarget !== undefined) return undefined;
      const { initialLearningRate: warmupTarget, decaySteps, alpha } = after.options;
      return { name: "cosineDecay", options: { ...rise, warmupTarget, decaySteps, alpha } };
    }
  }
  return undefined;
}
