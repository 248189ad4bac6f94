import { optionProblem } from "../../options/check.ts";
import { isOptions, withDefaults } from "../../options/kinds.ts";
import { nearest } from "../../options/names.ts";
import { show, written } from "../../options/show.ts";
import { scheduleOf } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { SCHEDULE_DEFINITIONS, SCHEDULES, type ScheduleName } from "./schedules.ts";

/**
 * The schedule of plain data, `{ name, options }`, which is what JSON keeps of one. Defaults are filled in.
 * Throws RangeError on what is none.
 */
export function scheduleFromConfig(given: unknown): Schedule {
  const { name, options, ...others } = isOptions(given) ? given : {};
  const own = typeof given === "function" || typeof others.rate === "function";
  const known = !own && SCHEDULES.includes(name as ScheduleName);
  const right = known ? (name as ScheduleName) : nearestName(name);
  const definition = SCHEDULE_DEFINITIONS[right] as unknown as ScheduleDefinition;
  const table = definition.table();
  /** The line to write: with those of `from` that fit, and an example of each that is needed. */
  const line = (from: unknown) => {
    const needed = Object.entries(table).filter(([, kind]) => "needed" in kind);
    const fitting = Object.entries(isOptions(from) ? from : {}).filter(([key, value]) =>
      Object.hasOwn(table, key) ? table[key]!.accepts(value) : false,
    );
    return lineOf(right, {
      ...Object.fromEntries(needed.map(([key, { example }]) => [key, example])),
      ...Object.fromEntries(fitting),
    });
  };
  if (own)
    throw new RangeError(
      `got a function, but settings are plain data: expected a number, or one of ${SCHEDULES.join(", ")} with its options. Write: ${line({})}`,
    );
  if (!known)
    throw new RangeError(
      `name is ${show(name)}, expected one of ${SCHEDULES.join(", ")}. Write: ${line(options)}`,
    );
  const chosen = withSchedules((options ?? {}) as Record<string, unknown>);
  const [stray] = Object.keys(others);
  if (stray !== undefined)
    throw new RangeError(
      `${right}: got ${show(stray)} beside the name, expected name and options alone. Write: ${line({ ...others, ...(isOptions(options) && options) })}`,
    );
  const wrong =
    optionProblem(table, chosen, (mended) => lineOf(right, mended)) ??
    definition.problem?.(withDefaults(table, chosen));
  if (wrong !== undefined) throw new RangeError(`${right}: ${wrong}`);
  return scheduleOf(definition, withDefaults(table, chosen));
}

/** Options, those made schedules that are plain data of one. */
function withSchedules(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (!isOptions(options)) return options;
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      isOptions(value) && typeof value.rate !== "function" && "name" in value
        ? scheduleFromConfig(value)
        : value,
    ]),
  );
}

function nearestName(name: unknown): ScheduleName {
  return ((typeof name === "string" && nearest(name, SCHEDULES)) || SCHEDULES[0]) as ScheduleName;
}

function lineOf(name: string, options: Readonly<Record<string, unknown>>): string {
  return `{"learningRate": {"name": ${JSON.stringify(name)}, "options": ${written(options, true)}}}`;
}
