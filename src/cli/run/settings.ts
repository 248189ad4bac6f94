import { readFile } from "node:fs/promises";
import { PICTURE_KEYS } from "../../data/picture-options.ts";
import { isOptions } from "../../options/kinds.ts";
import { parseJson } from "../../options/strict-json.ts";
import {
  checkRunConfig,
  isAveraged,
  type RunConfig,
  RunConfigError,
  type RunOptions,
  runTable,
} from "../../run/config.ts";
import type { RecipeName } from "../../train/recipes.ts";
import { type CallbackFlags, callbacksOfFlags } from "../callback-options.ts";
import { flagOf } from "../datasets.ts";
import { fileReason, UsageError } from "../errors.ts";
import { OPTIMIZER_FLAGS, type OptimizerFlags, optimizerOptions } from "../optimizer-options.ts";
import { printable } from "../output.ts";

/** What flags say of a run, those alone that were given. */
export interface RunFlags
  extends Omit<RunOptions, "optimizer" | "shuffle" | "callbacks">,
    CallbackFlags,
    Partial<OptimizerFlags> {
  /** A file of settings, or a run's result.json: flags go before what it says. */
  readonly config?: string;
}

/** Where they begin with the weights of a model, and name none, that one is meant. */
export type Settings = Omit<RunConfig, "model"> & { readonly model: RunConfig["model"] | undefined };

/** What a recipe brings, and follows from it. */
const OF_RECIPE = ["optimizer", "epochs", "batchSize", "validationSplit", "validationFrom", "restoreBest"];
/** What a backbone says, or is said of it. */
const OF_BASE = ["model", "from", "cut", "freeze", "preprocessing", "imageSize", "colorMode"];
const OF_TARGETS = ["model", "loss", "restoreBest", "validationFrom"] as const;
const OF_DATASET = [
  "validationFrom",
  "dataDir",
  "stream",
  "trainLimit",
  "testLimit",
  "digitsCount",
  "digitsTestCount",
  ...PICTURE_KEYS,
];

/**
 * The experiment that flags, and a file that they name, describe.
 * Throws UsageError on what cannot be.
 */
export async function settingsOf(flags: RunFlags): Promise<Settings> {
  const file = flags.config === undefined ? {} : await settingsIn(flags.config, flags);
  // The flags that are settings, each by its name.
  const { optimizer: _, ...table } = runTable();
  const given = Object.fromEntries(Object.entries(flags).filter(([key]) => Object.hasOwn(table, key)));
  const base: RunOptions = without(file, superseded(file, flags));
  const recipe = flags.recipe ?? base.recipe;
  refuseBeside(recipe, flags);
  const optimizer = recipe === undefined ? optimizerOf(base, flags) : base.optimizer;
  const callbacks = callbacksOfFlags(flags, base.callbacks);
  const all = {
    ...base,
    ...given,
    ...(optimizer && { optimizer }),
    ...(callbacks && { callbacks }),
  };
  const config = usage(() => checkRunConfig(all, flagOf));
  return config.from !== undefined && (flags.model ?? base.model) === undefined
    ? { ...config, model: undefined }
    : config;
}

/** Throws UsageError where a flag of an optimizer stands beside a recipe. */
function refuseBeside(recipe: RecipeName | undefined, flags: RunFlags): void {
  if (recipe === undefined) return;
  const extra = OPTIMIZER_FLAGS.find(({ key }) => flags[key as keyof RunFlags] !== undefined);
  if (extra)
    throw new UsageError(
      `${extra.flag} is given beside --recipe ${recipe}, which brings its own optimizer: leave one of them out`,
    );
}

/** The file's optimizer with the options that are given; or the one that is given. */
function optimizerOf({ optimizer }: RunOptions, flags: RunFlags): RunOptions["optimizer"] {
  const own = typeof optimizer === "string" ? { name: optimizer } : optimizer;
  const name = flags.optimizer ?? own?.name ?? "adam";
  return { ...(own?.name === name && own), ...optimizerOptions(name, flags), name };
}

/** Settings of a file that followed from others, which flags have changed. */
function superseded(file: RunConfig | Record<string, never>, flags: RunFlags): readonly string[] {
  const { recipe, dataset, validationSplit: split = file.validationSplit } = flags;
  // Figures of training can be had either way.
  const { restoreBest = "none" } = file;
  const chosen = restoreBest !== "none" && !restoreBest.startsWith("val_");
  const unaveraged = flags.optimizer !== undefined && file.optimizer && isAveraged(file.optimizer);
  const other = (split ?? 0) > 0 !== (file.validationSplit ?? 0) > 0 || unaveraged;
  return [
    ...(recipe === undefined || recipe === file.recipe ? [] : OF_RECIPE),
    ...(dataset === undefined || dataset === file.dataset ? [] : OF_DATASET),
    // What was a head on a backbone is trained on as a whole.
    ...(flags.from === undefined || flags.base !== undefined || !file.base || file.base.endsWith(".json")
      ? []
      : ["base", "cut", "head", "freeze", "model"]),
    ...(flags.base === undefined || flags.base === file.base ? [] : OF_BASE),
    ...(other && !chosen ? ["restoreBest"] : []),
    ...(flags.targets === undefined || flags.targets === file.targets ? [] : usualIn(file)),
  ];
}

/** Settings of a file that are the usual ones for what it has to learn: something else has others. */
function usualIn(file: RunConfig | Record<string, never>): readonly string[] {
  const { targets } = file as RunConfig;
  const usual = checkRunConfig(targets === undefined ? {} : { targets });
  return OF_TARGETS.filter((key) => JSON.stringify(file[key]) === JSON.stringify(usual[key]));
}

function without(settings: RunOptions, keys: readonly string[]): RunOptions {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)));
}

/** The settings that a file holds, defaults filled in. One that names no dataset is for the one of the flag. */
async function settingsIn(path: string, { dataset }: RunFlags): Promise<RunConfig> {
  const name = `--config ${printable(path)}`;
  let given: unknown;
  try {
    given = parseJson((await readFile(path, "utf8")).replace(/^\ufeff/, ""));
  } catch (error) {
    const unread = (error as NodeJS.ErrnoException).code !== undefined;
    throw new UsageError(
      unread
        ? `${name}: cannot be read: ${fileReason(error)}; expected a file of settings, or the result.json of a run`
        : `${name}: is no JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const settings = isOptions(given) ? { dataset, ...given } : given;
  const config = usage(() => checkRunConfig(settings as RunOptions), `${name}: `);
  const { from, model } =
    (settings as RunOptions & { configuration?: RunOptions }).configuration ?? (settings as RunOptions);
  return from !== undefined && model === undefined ? (without(config, ["model"]) as RunConfig) : config;
}

function usage<T>(work: () => T, where = ""): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RunConfigError)) throw error;
    throw new UsageError(where + error.message, { cause: error });
  }
}
