import { checkOptions } from "../../options/check.ts";
import { callable, needed, some, type TableOf } from "../../options/kinds.ts";
import type { Schedule } from "./schedule.ts";
import { SCHEDULES, type ScheduleName } from "./schedules.ts";

const ownTable = (): TableOf<OwnSchedule<Schedule["options"]>> => ({
  name: needed(
    some<string>(
      "a name that no built-in schedule has",
      (value) => typeof value === "string" && value !== "" && !SCHEDULES.includes(value as ScheduleName),
    ),
    "mine",
  ),
  rate: needed(callable<OwnSchedule<Schedule["options"]>["rate"]>("a function of the step and the options")),
});

/** What defineSchedule() takes: a name of its own, and the rate of a step, counted from 0. */
export interface OwnSchedule<Options> {
  readonly name: string;
  /** With + - * / alone it gives the same bits everywhere. */
  rate(step: number, options: Options): number;
}

/**
 * A schedule of your own: the function that makes it of its options, which records tell beside its name. Throws RangeError
 * where the definition lacks something.
 *
 *     const linear = defineSchedule({ name: "linear", rate: (step, { first, steps }) => first * Math.max(0, 1 - step / steps) });
 *     adam({ learningRate: linear({ first: 0.01, steps: 1000 }) });
 */
export function defineSchedule<Options extends object = Readonly<Record<string, number>>>(
  definition: OwnSchedule<Options>,
): (options: Options) => Schedule {
  checkOptions({ call: "defineSchedule(*)", table: ownTable }, definition);
  const { name, rate } = definition;
  return (options) => ({
    name,
    options: { ...options } as unknown as Schedule["options"],
    rate: rate as unknown as Schedule["rate"],
  });
}
