import { checkOptions } from "../../options/check.ts";
import { type Filled, type OptionsOf, some, type Table, withDefaults } from "../../options/kinds.ts";
import type { Schedule, ScheduleOptions } from "./schedule.ts";

/** The schedule of options that a caller gave. Throws RangeError on one that the table lacks or that is out of range. */
export function made<T extends Table>(
  { name, table: tableOf, problem }: ScheduleOptions<T>,
  given: OptionsOf<T>,
): Schedule {
  const table = tableOf();
  checkOptions({ call: `${name}(*)`, table }, given);
  const options: Filled<T> = withDefaults(table, given);
  const wrong = problem?.(options);
  if (wrong !== undefined) throw new RangeError(`${name}: ${wrong}`);
  return { name, options };
}

export const share = () =>
  some<number>("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, 0.1);
