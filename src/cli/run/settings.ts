import { readFile } from "node:fs/promises";
import { parseJson } from "../../nn/strict-json.ts";
import { checkRunConfig, type RunConfig, RunConfigError, type RunOptions } from "../../run/config.ts";
import type { RecipeName } from "../../train/recipes.ts";
import { flagOf } from "../datasets.ts";
import { fileReason, UsageError } from "../errors.ts";
import { OPTIMIZER_FLAGS, type OptimizerFlags, optimizerOptions } from "../optimizer-options.ts";
import { printable } from "../output.ts";

/** What flags say of a run, those alone that were given. */
export interface RunFlags
  extends Omit<RunOptions, "optimizer" | "shuffle" | "preprocessing">,
    Partial<OptimizerFlags> {
  /** A file of settings, or a run's result.json: flags go before what it says. */
  readonly config?: string;
}

/** Settings of a run, each also the name of its flag as commander has it. */
const KEYS = [
  "dataset",
  "model",
  "epochs",
  "batchSize",
  "recipe",
  "loss",
  "validationSplit",
  "validationFrom",
  "seed",
  "backend",
  "threads",
  "restoreBest",
  "dataDir",
  "trainLimit",
  "digitsCount",
  "maxMemory",
] as const satisfies readonly (keyof RunOptions)[];

/** What a recipe brings, and follows from it. */
const OF_RECIPE = ["optimizer", "epochs", "batchSize", "validationSplit", "validationFrom", "restoreBest"];
const OF_DATASET = ["validationFrom", "dataDir", "trainLimit", "testLimit", "digitsCount", "digitsTestCount"];

/**
 * The experiment that flags, and a file that they name, describe.
 * @throws UsageError on what cannot be
 */
export async function settingsOf(flags: RunFlags): Promise<RunConfig> {
  const file = flags.config === undefined ? {} : await settingsIn(flags.config);
  const given = Object.fromEntries(
    KEYS.flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]])),
  );
  const base: RunOptions = without(file, superseded(file, flags));
  const recipe = flags.recipe ?? base.recipe;
  refuseBeside(recipe, flags);
  const optimizer = recipe === undefined ? optimizerOf(base, flags) : base.optimizer;
  return usage(() => checkRunConfig({ ...base, ...given, ...(optimizer && { optimizer }) }, flagOf));
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
  const { recipe, dataset, validationSplit: split } = flags;
  const without = split !== undefined && split > 0 !== (file.validationSplit ?? 0) > 0;
  return [
    ...(recipe === undefined ? [] : OF_RECIPE),
    ...(dataset === undefined || dataset === file.dataset ? [] : OF_DATASET),
    ...(without ? ["restoreBest"] : []),
  ];
}

function without(settings: RunOptions, keys: readonly string[]): RunOptions {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)));
}

/** The settings that a file holds, defaults filled in. */
async function settingsIn(path: string): Promise<RunConfig> {
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
  return usage(() => checkRunConfig(given as RunOptions), `${name}: `);
}

function usage<T>(work: () => T, where = ""): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RunConfigError)) throw error;
    throw new UsageError(where + error.message, { cause: error });
  }
}
