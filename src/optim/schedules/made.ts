import { checkOptions } from "../../options/check.ts";
import { type Filled, type OptionsOf, some, type Table, withDefaults } from "../../options/kinds.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

/** The schedule of options that a caller gave. Throws RangeError on one that the table lacks or that is out of range. */
export function made<T extends Table>(definition: ScheduleDefinition<T>, given: OptionsOf<T>): Schedule {
  const { name, problem } = definition;
  const table = definition.table();
  checkOptions({ call: `${name}(*)`, table }, given);
  const options: Filled<T> = withDefaults(table, given);
  const wrong = problem?.(options);
  if (wrong !== undefined) throw new RangeError(`${name}: ${wrong}`);
  return scheduleOf(definition, options);
}

/** A schedule is its data: what gives its rates is there, but in no copy, record or message. */
export function scheduleOf<T extends Table>(
  { name, rate }: ScheduleDefinition<T>,
  options: Filled<T>,
): Schedule {
  return Object.defineProperty({ name, options } as unknown as Schedule, "rate", { value: rate });
}

export const share = () =>
  some<number>("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, 0.1);
