import { DATASETS, findDataset, GENERATED } from "../../data/datasets.ts";
import type { Backend } from "../../engine/engine.ts";
import { type LossName, lossName } from "../../losses/names.ts";
import { OPTIMIZERS, type OptimizerName } from "../../optim/definitions.ts";
import type { CallbackGiven } from "../../run/callbacks.ts";
import { checkRunConfig, type RunConfig, RunConfigError, runTable } from "../../run/config.ts";
import { isChain, modelConfig } from "./branches.ts";
import {
  CALLBACK_TYPES,
  type NamedOptions,
  namedProblem,
  SCHEDULE_TYPES,
  scheduleData,
} from "./callbacks.ts";
import type { LayerSpec } from "./layers.ts";

/** Files that the visitor brings, in place of a dataset by name. */
export const OWN_FILES = "files";
/** Layers that no named model has. */
export const CUSTOM = "custom";

/** All that decides a training run. */
export interface Settings {
  /** `digits`, a downloadable dataset's name, or OWN_FILES. */
  readonly dataset: string;
  /** Training images: the first so many, or for `digits` so many drawn. Undefined: all there are, or 12,000. */
  readonly images: number | undefined;
  /** A name of MODELS, or CUSTOM. */
  readonly model: string;
  /** Of a CUSTOM model; by name they follow from the dataset. */
  readonly layers: readonly LayerSpec[];
  readonly optimizer: OptimizerName;
  /** Undefined: the optimizer's own. */
  readonly learningRate: number | undefined;
  /** In place of the rate: how it changes. Undefined: it does not. */
  readonly schedule: NamedOptions | undefined;
  readonly loss: LossName;
  readonly batchSize: number;
  readonly epochs: number;
  readonly validationSplit: number;
  /** Whether the weights of the best validation epoch are kept at the end. */
  readonly keepBest: boolean;
  /** Each at most once. */
  readonly callbacks: readonly NamedOptions[];
  readonly seed: number;
  readonly backend: Backend | "auto";
  /** Undefined: all cores. */
  readonly threads: number | undefined;
}

const TABLE = runTable();
const USUAL = checkRunConfig({});

export const DEFAULTS: Settings = {
  dataset: USUAL.dataset,
  images: undefined,
  model: String(USUAL.model),
  layers: [],
  optimizer: USUAL.optimizer.name,
  learningRate: undefined,
  schedule: undefined,
  loss: lossName(USUAL.loss),
  batchSize: USUAL.batchSize,
  epochs: 5,
  validationSplit: USUAL.validationSplit,
  keepBest: true,
  callbacks: [],
  seed: USUAL.seed,
  backend: USUAL.backend,
  threads: undefined,
};

/** The rate that each optimizer has of itself. */
export const DEFAULT_RATE = Object.fromEntries(
  OPTIMIZERS.map((name) => [name, checkRunConfig({ optimizer: name }).optimizer.learningRate]),
) as Readonly<Record<OptimizerName, number>>;

/** Training images that are drawn where none are asked for. */
export const DIGITS_IMAGES = 12_000;
const DIGITS_TEST_IMAGES = 2_000;

/** How many digits are drawn where so many are asked for. */
export function digitsSizes(images: number | undefined): { train: number; test: number } {
  const train = images ?? DIGITS_IMAGES;
  // A test set as large as the training set says enough of a small one.
  return { train, test: Math.min(DIGITS_TEST_IMAGES, Math.max(train, 100)) };
}

/** Of a dataset's images: a chain takes any, a model with branches says what it takes. */
const shapeOf = (dataset: string) => findDataset(dataset)?.shape ?? [28, 28, 1];

/** The run that they describe. */
export function runConfig(settings: Settings): RunConfig {
  const { dataset, images, model, layers, optimizer, schedule, keepBest, callbacks, ...others } = settings;
  const { learningRate: rate, ...rest } = others;
  const learningRate = schedule ? scheduleData(schedule) : rate;
  const { train, test } = digitsSizes(images);
  return checkRunConfig({
    ...rest,
    dataset,
    ...(dataset === GENERATED ? { digitsCount: train, digitsTestCount: test } : { trainLimit: images }),
    model: model !== CUSTOM ? model : isChain(layers) ? layers : modelConfig(layers, shapeOf(dataset)),
    optimizer: { name: optimizer, ...(learningRate !== undefined && { learningRate }) },
    ...(callbacks.length > 0 && { callbacks: callbacks as readonly CallbackGiven[] }),
    restoreBest: keepBest && others.validationSplit > 0 ? "val_accuracy" : "none",
  });
}

/** A setting that is a number, and its range. */
export interface NumberSetting {
  readonly key: "images" | "learningRate" | "batchSize" | "epochs" | "validationSplit" | "seed" | "threads";
  readonly label: string;
  readonly whole: boolean;
  readonly least: number;
  readonly most: number;
  /** May be left empty. */
  readonly optional?: boolean;
}

export const NUMBERS: Readonly<Record<NumberSetting["key"], NumberSetting>> = {
  images: { key: "images", label: "Training images", whole: true, least: 2, most: 1_000_000, optional: true },
  learningRate: {
    key: "learningRate",
    label: "Learning rate",
    whole: false,
    least: 0,
    most: 1000,
    optional: true,
  },
  batchSize: { key: "batchSize", label: "Batch size", whole: true, least: 1, most: 65_536 },
  epochs: { key: "epochs", label: "Epochs", whole: true, least: 1, most: 10_000 },
  validationSplit: {
    key: "validationSplit",
    label: "Validation share",
    whole: false,
    least: 0,
    most: 0.9,
  },
  seed: { key: "seed", label: "Seed", whole: true, least: 0, most: Number.MAX_SAFE_INTEGER },
  threads: { key: "threads", label: "Threads", whole: true, least: 1, most: 256, optional: true },
};

/** What is wrong with a number; undefined where nothing is. */
export function numberProblem(
  { whole, least, most, optional }: NumberSetting,
  value: number | undefined,
): string | undefined {
  if (value === undefined && optional) return undefined;
  const fits =
    value !== undefined && value >= least && value <= most && (!whole || Number.isSafeInteger(value));
  if (fits) return undefined;
  const kind = whole ? "a whole number" : "a number";
  return most === Number.MAX_SAFE_INTEGER
    ? `expected ${kind} from ${least}`
    : `expected ${kind} from ${least} to ${most.toLocaleString("en-US")}`;
}

/** The first thing wrong with the numbers, in a sentence; undefined where nothing is. */
export function settingsProblem(settings: Settings): string | undefined {
  for (const setting of Object.values(NUMBERS)) {
    const problem = numberProblem(setting, settings[setting.key]);
    if (problem) return `${setting.label}: ${problem}.`;
  }
  const { schedule, callbacks } = settings;
  const wrong = [
    schedule && namedProblem(SCHEDULE_TYPES, schedule),
    ...callbacks.map((callback) => namedProblem(CALLBACK_TYPES, callback)),
  ].find((problem) => problem !== undefined);
  return wrong ?? misfit(settings);
}

/** What does not go together, though each by itself is right. */
function misfit(settings: Settings): string | undefined {
  const { schedule, callbacks, validationSplit } = settings;
  for (const { name, monitor = "val_loss" } of callbacks) {
    const { label, options } = CALLBACK_TYPES[name]!;
    if (
      options.some(({ key }) => key === "monitor") &&
      `${monitor}`.startsWith("val_") &&
      validationSplit === 0
    )
      return `${label} watches ${monitor}, but no images are held back for validation: let it watch ${`${monitor}`.slice(4)}, or hold some back.`;
    if (name === "reduceLROnPlateau" && schedule)
      return `${label} sets the rate, and so does ${SCHEDULE_TYPES[schedule.name]!.label}: leave one of them out.`;
  }
  try {
    runConfig(settings);
    return undefined;
  } catch (error) {
    if (error instanceof RunConfigError) return `${error.message}.`;
    throw error;
  }
}

/** Settings that are one of a few words. */
export const CHOICES: Readonly<Record<"dataset" | "optimizer" | "loss" | "backend", readonly string[]>> = {
  dataset: [GENERATED, ...Object.keys(DATASETS), OWN_FILES],
  optimizer: TABLE.optimizer.names!,
  loss: TABLE.loss.names!,
  backend: TABLE.backend.names!,
};
