import { CSV_LOGGER_DATA, TENSOR_BOARD } from "../formats/logs/options.ts";
import { optionProblem } from "../options/check.ts";
import { isOptions, type OptionsOf, type Table, withDefaults } from "../options/kinds.ts";
import { adviceOn, nearest } from "../options/names.ts";
import { show, written } from "../options/show.ts";
import { EARLY_STOPPING, earlyStopping } from "../train/callbacks/early-stopping.ts";
import { REDUCE_LR_ON_PLATEAU, reduceLROnPlateau } from "../train/callbacks/reduce-lr-on-plateau.ts";
import { TERMINATE_ON_NAN, terminateOnNaN } from "../train/callbacks/terminate-on-nan.ts";
import type { Callbacks } from "../train/callbacks.ts";

/** Callbacks that a run's settings may name, and their options. */
export const CALLBACK_TABLES = {
  earlyStopping: EARLY_STOPPING,
  reduceLROnPlateau: REDUCE_LR_ON_PLATEAU,
  terminateOnNaN: TERMINATE_ON_NAN,
  csvLogger: CSV_LOGGER_DATA,
  tensorBoard: TENSOR_BOARD,
};
export type CallbackName = keyof typeof CALLBACK_TABLES;
export const CALLBACKS = Object.keys(CALLBACK_TABLES) as CallbackName[];
/** Those of them that write files: pages have none. */
export const WRITES_FILES = ["csvLogger", "tensorBoard"] as const satisfies CallbackName[];

/** A callback as plain data: its name beside its options. */
export type CallbackData = {
  readonly [Name in CallbackName]: { readonly name: Name } & Readonly<
    OptionsOf<(typeof CALLBACK_TABLES)[Name]>
  >;
}[CallbackName];
/** Or by its name alone, with its defaults. */
export type CallbackGiven = CallbackData | CallbackName;

/** Callbacks that write files: what makes each, of its options, where there are files. */
export type FileCallbacks = {
  readonly [Name in (typeof WRITES_FILES)[number]]: (
    options: OptionsOf<(typeof CALLBACK_TABLES)[Name]>,
  ) => Callbacks | Promise<Callbacks>;
};

/** What is wrong with callbacks of settings, and what to write; undefined where nothing is. */
export function callbacksProblem(given: readonly unknown[]): string | undefined {
  const write = (item: Record<string, unknown>) => `{"callbacks": [${written(item, true)}]}`;
  for (const item of given) {
    const { name, ...options } = isOptions(item) ? item : { name: item };
    if (typeof name !== "string")
      return `got ${show(item)}, expected one of ${CALLBACKS.join(", ")}. Write: ${write({ name: "earlyStopping", patience: 3 })}`;
    if (!Object.hasOwn(CALLBACK_TABLES, name)) {
      const right = nearest(name, CALLBACKS);
      return `no callback is called ${show(name)}: ${adviceOn(name, CALLBACKS)}${right ? ` Write: ${write({ name: right })}` : ""}`;
    }
    const table: Table = CALLBACK_TABLES[name as CallbackName];
    const problem = optionProblem(table, options, (right) => write({ name, ...right }));
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

/** With all defaults. */
export function filledCallbacks(given: readonly CallbackGiven[]): CallbackData[] {
  return given.map((item) => {
    const { name, ...options } = typeof item === "string" ? { name: item } : item;
    return { name, ...withDefaults(CALLBACK_TABLES[name] as Table, options) } as unknown as CallbackData;
  });
}

/** The callbacks themselves. Throws Error on one that writes files where there are none. */
export async function callbacksOf(
  data: readonly CallbackData[],
  files: FileCallbacks | undefined,
): Promise<Callbacks[]> {
  const made: Callbacks[] = [];
  for (const { name, ...options } of data) {
    if (name === "earlyStopping") made.push(earlyStopping(options));
    else if (name === "reduceLROnPlateau") made.push(reduceLROnPlateau(options));
    else if (name === "terminateOnNaN") made.push(terminateOnNaN(options));
    else if (files) made.push(await files[name](options as never));
    else
      throw new Error(
        `the callback ${name} writes files, which there are in Node alone: leave it out of callbacks`,
      );
  }
  return made;
}
