import { isOptions, type Kind, type Table } from "./kinds.ts";
import { adviceOn, nearest } from "./names.ts";
import { show, written } from "./show.ts";

/** A function's options, as checkOptions() needs to know them. */
export interface Checked {
  /** The call as code, * for the options: "conv2d(*)". */
  readonly call: string;
  readonly table: Table | (() => Table);
  /** What to do with a list or typed array that was given in their place. Default: nothing is said of it. */
  readonly lists?: string;
  /** Makes the error of what is wrong and of the function's name. Default: a RangeError that starts with the name. */
  readonly error?: (problem: string, who: string) => Error;
}

/** Names of options that a corrected line repeats: an object of thousands is no object of options. */
const MOST_REPEATED = 20;

/**
 * Throws unless `given` is an object of options that the table has, each of the kind it takes. For callers whom no
 * compiler told: the message names the option, what was got and expected, the nearest right name, and the line to write.
 */
export function checkOptions({ call, table, lists, error = asRangeError }: Checked, given: unknown): void {
  const write = (options: Record<string, unknown>) =>
    call.replace(/(, )?\*/, (_, comma = "") =>
      Object.keys(options).length > 0 ? comma + written(options) : "",
    );
  const who = /(\w+)\(/.exec(call)?.[1] ?? call;
  if (lists !== undefined && (Array.isArray(given) || ArrayBuffer.isView(given)))
    throw error(`got ${show(given)}, expected an object of options; ${lists}`, who);
  const problem = optionProblem(typeof table === "function" ? table() : table, given, write);
  if (problem !== undefined) throw error(problem, who);
}

/** Throws RangeError unless `name` is one of `names`; `call` is what to write, * for the right name. */
export function checkName(what: string, name: unknown, names: readonly string[], call: string): void {
  if (names.includes(name as string)) return;
  const right = (typeof name === "string" && nearest(name, names)) || names[0]!;
  throw new RangeError(
    `${what} is ${show(name)}, expected one of ${names.join(", ")}. Write: ${call.replace("*", () => JSON.stringify(right))}`,
  );
}

/** What is wrong with the options, and what to write instead; undefined where nothing is wrong. */
export function optionProblem(
  table: Table,
  given: unknown,
  write: (options: Record<string, unknown>) => string,
): string | undefined {
  const right = () => `. Write: ${write(corrected(table, isOptions(given) ? given : {}))}`;
  if (!isOptions(given)) return `got ${show(given)}, expected an object of options${right()}`;
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(table, key) || given[key] === undefined) continue;
    const names = Object.keys(table);
    const advice = adviceOn(key, names);
    return `no option is called ${show(key)}: ${advice}${nearest(key, names) === undefined ? "" : right().slice(1)}`;
  }
  for (const [key, kind] of Object.entries(table)) {
    const value = given[key];
    if (value === undefined) {
      if ("needed" in kind) return `${key} is missing, expected ${kind.expected}${right()}`;
      continue;
    }
    if (!kind.accepts(value)) return `${key} is ${show(value)}, expected ${kind.expected}${right()}`;
    const inner = kind.table
      ? optionProblem(kind.table, value, (options) => write({ [key]: options }))
      : kind.problem?.(value);
    if (inner !== undefined) return `${key}: ${inner}`;
  }
  return undefined;
}

/** What was meant, as far as one can tell: right names, values that fit, and what was missing. */
function corrected(table: Table, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const right: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given).slice(0, MOST_REPEATED)) {
    const name = Object.hasOwn(table, key) ? key : nearest(key, Object.keys(table));
    if (name === undefined || name in right || value === undefined) continue;
    if (name === key || given[name] === undefined) right[name] = fitting(table[name]!, value);
  }
  for (const [key, kind] of Object.entries(table))
    if ("needed" in kind && !(key in right)) right[key] = kind.example;
  return right;
}

/** The value, if it fits; a number given as text; the nearest name; or else an example. */
function fitting(kind: Kind<unknown>, value: unknown): unknown {
  const fits: (value: unknown) => boolean = kind.accepts;
  if (fits(value)) return value;
  // A function that was meant to be called: optimizer: adam.
  const name = typeof value === "function" ? value.name : value;
  if (typeof name !== "string") return kind.example;
  if (name.trim() !== "" && fits(Number(name))) return Number(name);
  return (kind.names && nearest(name, kind.names)) ?? kind.example;
}

function asRangeError(problem: string, who: string): RangeError {
  return new RangeError(`${who}: ${problem}`);
}
