// What a run does beside its steps: callbacks, and a learning rate that changes. Made of the tables of their definitions.

import type { ScheduleData } from "../../optim/schedules/schedule.ts";
import { SCHEDULE_DEFINITIONS, SCHEDULES, type ScheduleName } from "../../optim/schedules/schedules.ts";
import { isOptions, type Kind, type Table } from "../../options/kinds.ts";
import {
  CALLBACK_TABLES,
  CALLBACKS,
  type CallbackGiven,
  type CallbackName,
  WRITES_FILES,
} from "../../run/callbacks.ts";
import { MONITORED } from "../../run/config.ts";
import {
  type LayerOption,
  labelOf,
  optionProblem,
  optionsOf,
  optionText,
  parseOption,
  same,
} from "./layers.ts";

/** A callback or a schedule: its name, and the options that differ from their defaults. */
export interface NamedOptions {
  readonly name: string;
  readonly [option: string]: unknown;
}

export interface NamedType {
  readonly label: string;
  readonly options: readonly LayerOption[];
}

/** Figures are texts elsewhere, too, but a run's are few. */
const plainly = (key: string, { names, accepts, expected }: Kind<unknown>) => {
  const takes: (value: unknown) => boolean = accepts;
  if (key === "monitor") return { kind: "choice", choices: MONITORED } as const;
  if (names) return { kind: "choice", choices: names } as const;
  return takes(true) ? ({ kind: "flag" } as const) : ({ kind: "numbers", takes, expected } as const);
};
const typesOf = (tables: Readonly<Record<string, Table>>): Readonly<Record<string, NamedType>> =>
  Object.fromEntries(
    Object.entries(tables).map(([name, options]) => [
      name,
      { label: labelOf(name), options: optionsOf({ type: name, options }, plainly) },
    ]),
  );

/** Every callback that a page can have: it has no files. */
export const CALLBACK_TYPES = typesOf(
  Object.fromEntries(
    CALLBACKS.filter((name) => !WRITES_FILES.includes(name as never)).map((name) => [
      name,
      CALLBACK_TABLES[name] as Table,
    ]),
  ),
);

/** Every schedule of the learning rate. */
export const SCHEDULE_TYPES = typesOf(
  Object.fromEntries(SCHEDULES.map((name) => [name, SCHEDULE_DEFINITIONS[name].table() as Table])),
);

/** The option of a schedule that may be one itself, which begins when this one has ended. */
export const THEN = "schedule";

/** Without options at their defaults. */
export function withoutUsual(
  types: Readonly<Record<string, NamedType>>,
  { name, ...options }: NamedOptions,
): NamedOptions {
  const usual = (key: string, value: unknown) => {
    const fallback = types[name]!.options.find((option) => option.key === key)?.default;
    return value === undefined || (fallback !== undefined && same(fallback, value));
  };
  return {
    name,
    ...Object.fromEntries(Object.entries(options).filter(([key, value]) => !usual(key, value))),
  };
}

/** Callbacks as a run's settings have them, in the page's own form. */
export function callbacksFrom(given: readonly CallbackGiven[]): NamedOptions[] {
  return given.map((item) => withoutUsual(CALLBACK_TYPES, isOptions(item) ? item : { name: item as string }));
}

/** And a schedule. */
export function scheduleFrom({ name, options }: ScheduleData): NamedOptions {
  const then = options[THEN];
  const own = isOptions(then)
    ? { ...options, [THEN]: scheduleFrom(then as unknown as ScheduleData) }
    : options;
  return withoutUsual(SCHEDULE_TYPES, { name, ...own });
}

/** A schedule as a run's settings have it. */
export function scheduleData({ name, ...options }: NamedOptions): ScheduleData {
  const then = options[THEN];
  return {
    name,
    options: isOptions(then) ? { ...options, [THEN]: scheduleData(then as NamedOptions) } : options,
  };
}

/** The first thing wrong with options, in a sentence; undefined where nothing is. */
export function namedProblem(
  types: Readonly<Record<string, NamedType>>,
  given: NamedOptions,
): string | undefined {
  const { label, options } = types[given.name]!;
  for (const option of options) {
    const value = given[option.key];
    if (option.key === THEN && isOptions(value)) {
      const problem = namedProblem(types, value as NamedOptions);
      if (problem !== undefined) return problem;
    } else {
      const problem = optionProblem(option, value);
      if (problem !== undefined) return `${label}, ${option.label}: ${problem}.`;
    }
  }
  const definition = SCHEDULE_DEFINITIONS[given.name as ScheduleName] as
    | { problem?(options: never): string | undefined }
    | undefined;
  const problem = definition?.problem?.(given as never);
  return problem === undefined ? undefined : `${label}: ${problem}.`;
}

/** As an address has them: `earlyStopping:patience=3;terminateOnNaN`. Of a schedule within another, one behind the other. */
export function namedToText(list: readonly NamedOptions[]): string {
  return list
    .flatMap(({ [THEN]: then, ...one }) =>
      isOptions(then)
        ? [textOf(one), namedToText([then as NamedOptions])]
        : [textOf({ ...one, ...(then !== undefined && { [THEN]: then }) })],
    )
    .join(";");
}

function textOf({ name, ...options }: NamedOptions): string {
  const list = Object.entries(options).map(([key, value]) => `${key}=${optionText(value)}`);
  return list.length > 0 ? `${name}:${list.join(",")}` : name!;
}

/** Undefined where a part of it says nothing here. */
export function callbacksFromText(text: string): NamedOptions[] | undefined {
  const list = text.split(";").map((part) => namedFromText(CALLBACK_TYPES, part));
  const right = list.every((one) => one && namedProblem(CALLBACK_TYPES, one) === undefined);
  return right && new Set(list.map((one) => one!.name)).size === list.length
    ? (list as NamedOptions[])
    : undefined;
}

export function scheduleFromText(text: string): NamedOptions | undefined {
  const parts = text.split(";").map((part) => namedFromText(SCHEDULE_TYPES, part));
  const whole = parts.reduceRight<NamedOptions | undefined>((then, one, i) => {
    if (!one || i === parts.length - 1) return one;
    const follows = SCHEDULE_TYPES[one.name]!.options.some(({ key }) => key === THEN);
    return then && follows ? { ...one, [THEN]: then } : undefined;
  }, undefined);
  return whole && namedProblem(SCHEDULE_TYPES, whole) === undefined ? whole : undefined;
}

function namedFromText(types: Readonly<Record<string, NamedType>>, text: string): NamedOptions | undefined {
  const [name = "", list = ""] = text.split(":");
  if (!Object.hasOwn(types, name)) return undefined;
  const found: Record<string, unknown> = {};
  for (const item of list === "" ? [] : list.split(",")) {
    const [key, value = ""] = item.split("=");
    const option = types[name]!.options.find((candidate) => candidate.key === key);
    if (!option) return undefined;
    found[option.key] = parseOption(option, value);
  }
  return { name, ...found };
}

/** What a schedule is when it is chosen: from the rate that there is, over the steps that there are. */
export function scheduleStart(name: string, rate: number, steps: number, epochs: number): NamedOptions {
  const epoch = Math.max(1, Math.round(steps / epochs));
  const starts: Readonly<Record<string, unknown>> = {
    initialLearningRate: rate,
    learningRate: rate,
    [THEN]: rate,
    peak: 4 * rate,
    steps,
    decaySteps: /^(step|exponential|inverseTime)/.test(name) ? epoch : steps,
    firstDecaySteps: epoch,
    warmupSteps: Math.min(epoch, 500),
    boundaries: [Math.ceil(steps / 2), Math.ceil((3 * steps) / 4) + 1],
    values: [rate, rate / 10, rate / 100],
  };
  const table: Table = SCHEDULE_DEFINITIONS[name as ScheduleName].table();
  const needed = Object.entries(table).filter(([, kind]) => "needed" in kind);
  return { name, ...Object.fromEntries(needed.map(([key, kind]) => [key, starts[key] ?? kind.example])) };
}

export type { CallbackName };
