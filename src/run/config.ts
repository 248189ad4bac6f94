import { type Preprocessing, TO_UNIT } from "../compiler/preprocessing.ts";
import { findArchive } from "../data/archives.ts";
import { findDataset, GENERATED } from "../data/datasets.ts";
import { PICTURE_KEYS, type PictureOptions, pictureTable } from "../data/picture-options.ts";
import { BACKEND_NAMES, type Backend, MAX_THREADS } from "../engine/kernels.ts";
import { DEFAULT_MAX_MEMORY, LEAST_MEMORY, MOST_MEMORY } from "../engine/memory-sizes.ts";
import { isBuiltInLoss, LOSSES, type LossData, type LossName, lossName } from "../losses/names.ts";
import { lossProblem } from "../losses/options.ts";
import type { MetricName } from "../metrics/metric.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { createOptimizer } from "../optim/create.ts";
import { type AnyOptimizerOptions, OPTIMIZERS, type OptimizerName } from "../optim/definitions.ts";
import type { OptimizerConfig } from "../optim/optimizer.ts";
import { scheduleFromConfig } from "../optim/schedules/from-config.ts";
import type { ScheduleData } from "../optim/schedules/schedule.ts";
import { optionProblem } from "../options/check.ts";
import {
  type Filled,
  flag,
  group,
  isObject,
  isOptions,
  type Kind,
  needed,
  type OptionsOf,
  oneOf,
  optional,
  some,
  whole,
  withDefaults,
} from "../options/kinds.ts";
import { show, written } from "../options/show.ts";
import { classWeight } from "../train/options.ts";
import { RECIPE_NAMES, RECIPES } from "../train/recipes.ts";
import { backboneTable } from "../train/transfer.ts";
import { VALIDATION_SOURCES } from "../train/validation.ts";
import { type CallbackData, type CallbackGiven, callbacksProblem, filledCallbacks } from "./callbacks.ts";

/** A model as plain data: what toConfig() gives, or its layers alone. */
export type ModelData = ModelConfig | ModelConfig["layers"];
/** An optimizer as plain data: its name beside its options, `{ name: "sgd", momentum: 0.9 }`. */
export type OptimizerData = { readonly name: OptimizerName } & OptimizerConfig;

/** An optimizer by name with its options; a schedule of the learning rate may be plain data. */
type OptimizerOptions = { readonly name: OptimizerName } & Omit<AnyOptimizerOptions, "learningRate"> & {
    readonly learningRate?: AnyOptimizerOptions["learningRate"] | ScheduleData;
  };

/** Most images that are drawn, and most epochs: more is a slip of the finger. */
const MILLION = 1_000_000;

const words = (what: string, example?: string) =>
  some<string>(what, (value) => typeof value === "string" && value !== "", example);
/** After so many epochs, or steps. */
export type CheckpointEvery = number | `${number}steps`;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

const images = (least: number, example: number) => ({ ...whole(least, MILLION), example });
const finite = () => some<number>("a finite number", Number.isFinite, 1);

/** What a model is to give for an image: its class, the image itself, a class for each pixel, or numbers that the dataset has. */
export const TARGETS = ["labels", "images", "masks", "numbers"] as const;
export type Targets = (typeof TARGETS)[number];

/** Metrics of a run, by what it is to learn. */
const METRICS = {
  labels: ["accuracy"],
  masks: ["accuracy", "meanIoU"],
  images: ["meanAbsoluteError", "meanSquaredError"],
  numbers: ["meanAbsoluteError", "meanSquaredError"],
} as const satisfies Record<Targets, readonly MetricName[]>;
type Figure = "loss" | (typeof METRICS)[Targets][number];

/** Figures that a run reports, by name: the loss, and its metrics. */
export function figuresOf({
  targets = "labels",
  loss,
}: Pick<RunOptions, "targets" | "loss">): readonly Figure[] {
  // What is lost is no metric once more.
  const own = METRICS[targets].filter((name) => name !== (loss && lossName(loss)));
  return ["loss", ...own];
}

/** What a training can be judged by: figures of the training images, and of those for validation. */
const watched = (figures: readonly Figure[]): readonly (Figure | `val_${Figure}`)[] => [
  ...figures,
  ...figures.map((name) => `val_${name}` as const),
];

/** The figures of all runs, each once. */
const FIGURES: readonly Figure[] = [...new Set(["loss", ...Object.values(METRICS).flat()] as const)];

/** Settings that other targets have in place of the usual ones. */
const USUAL: Readonly<Record<Targets, Partial<Pick<RunOptions, "model" | "loss">>>> = {
  labels: {},
  masks: { model: "unet" },
  images: { model: "autoencoder", loss: "meanSquaredError" },
  numbers: { model: "unet", loss: "meanSquaredError" },
};

/** Every setting of an experiment: its name, what it takes, its default. */
export const runTable = () => ({
  /** `digits` (the default), a dataset's name, or in Node the path of a folder of IDX files, or of pictures with a folder for each class. */
  dataset: optional(words("a dataset's name or a folder"), GENERATED),
  /**
   * What the model is to give for an image. `labels` (the default): its class. `images`: the image itself, as the model sees it. `masks`: a
   * class for each pixel, of a dataset that has such; of grey images of others those of their ink, brighter than a half, and `background`.
   * `numbers`: those that the dataset has.
   */
  targets: oneOf<Targets>(TARGETS),
  /**
   * A model's name (default "keras-mnist"; of images "autoencoder", of masks and numbers "unet"), a model as plain data, or where a JSON file of such is: a path in Node, an
   * address in a page.
   */
  model: optional(
    some<string | ModelData>(
      "a model's name, the place of a JSON file, or { layers: […] }",
      (value) => (typeof value === "string" && value !== "") || Array.isArray(value) || isOptions(value),
    ),
    "keras-mnist",
  ),
  /** Times through the training images. Default 10. */
  epochs: optional(whole(1, MILLION), 10),
  /** Images in a training step. Default 32. */
  batchSize: optional(whole(1, 65_536), 32),
  /** Settings that go well together: sets epochs, batchSize and validationSplit where they are not given, and the optimizer. */
  recipe: oneOf(RECIPE_NAMES),
  /** An optimizer's name (default "adam"), or `{ name, ...options }`. */
  optimizer: optional(
    {
      ...some<OptimizerName | OptimizerOptions>(
        `one of ${OPTIMIZERS.join(", ")}, or { name, … } with its options`,
        (value) => OPTIMIZERS.includes((isOptions(value) ? value.name : value) as OptimizerName),
      ),
      names: OPTIMIZERS,
    },
    "adam",
  ),
  /** What training minimizes: a loss's name (default "categoricalCrossentropy"; of images and numbers "meanSquaredError"), or `{ name, ...options }`. */
  loss: optional(
    {
      ...some<LossName | LossData>(
        `one of ${LOSSES.join(", ")}, or { name, … } with its options`,
        isBuiltInLoss,
      ),
      names: LOSSES,
      problem: (loss: LossName | LossData) => (typeof loss === "object" ? lossProblem(loss) : undefined),
    },
    "categoricalCrossentropy",
  ),
  /** Share of the training images that is kept for validation, 0 to below 1. Default 0.2. */
  validationSplit: optional(
    some<number>(
      "a number from 0 to below 1",
      (value) => typeof value === "number" && value >= 0 && value < 1,
    ),
    0.2,
  ),
  /** Which ones. Default: the last of a known dataset; the same share of each class of others, which may be sorted. */
  validationFrom: oneOf(VALIDATION_SOURCES),
  /** Fixes initial weights, shuffles and dropout, and so the trained weights. Default 1. */
  seed: optional(
    { ...whole(0), expected: `a whole number from 0 to ${Number.MAX_SAFE_INTEGER.toLocaleString("en-US")}` },
    1,
  ),
  /** Build of the kernels. "auto" (default): the fastest reproducible one. */
  backend: optional(oneOf<Backend | "auto">(BACKEND_NAMES), "auto"),
  /** Changes speed, never results. Default: all cores. */
  threads: whole(1, MAX_THREADS),
  /** What images of a class count in training, by its id, others 1; or "balanced": all classes the same. Default: all images the same. */
  classWeight: classWeight(),
  /** A new order each epoch, from the seed. Default true. */
  shuffle: optional(flag, true),
  /** A byte pixel becomes pixel * scale + offset. Default: 0 to 1. */
  preprocessing: optional(
    group<Preprocessing>({
      scale: needed(finite(), TO_UNIT.scale),
      offset: needed(finite(), TO_UNIT.offset),
    }),
    TO_UNIT,
  ),
  /**
   * Callbacks by name, or as { name, ...options }: earlyStopping, reduceLROnPlateau, terminateOnNaN, and in Node csvLogger, tensorBoard.
   * Default: none.
   */
  callbacks: {
    ...some<readonly CallbackGiven[]>("a list of callbacks", Array.isArray, ["earlyStopping"]),
    problem: callbacksProblem,
  } as Kind<readonly CallbackGiven[]>,
  /**
   * The figure that chooses the epoch whose weights are kept. Default: val_accuracy, of masks val_meanIoU, of images and numbers val_loss;
   * without validation, or where the optimizer averages weights, "none".
   */
  restoreBest: { ...oneOf([...watched(FIGURES), "none" as const]), example: "val_accuracy" as const },
  /**
   * Node: the path of a model's file, or of a run's folder, whose weights the training begins with, as far as names and shapes are
   * the same; the model is that one's, where none is named, with as many outputs as there are classes.
   */
  from: words("the path of a model's file or of a run's folder"),
  /**
   * Node: the path of a model's file, of any format that is read, or of a run's folder: transfer learning. Its layers up to `cut` begin the model, with
   * their weights, and `head` ends it. Of a file of weights alone `model` says the layers; of a JSON file of layers `from` the weights.
   */
  base: words("the path of a model's file or of a run's folder"),
  /** The layer that the backbone of `base` ends with. Default: before its classifier, see transferModel(). */
  cut: words("a layer's name"),
  /**
   * Which layers of the backbone training leaves as they are: "all" (default), "none", or the first N; below 0 all but the last -N. With `from` in
   * place of `base`: of all its layers; default: as they were.
   */
  freeze: backboneTable().freeze,
  /** Units of the dense layers behind the backbone: any with relu, and "classes", one for each class of the dataset. Default ["classes"]. */
  head: some<readonly (number | "classes")[]>(
    'numbers of units, and "classes" at the end',
    (value) =>
      Array.isArray(value) &&
      value.at(-1) === "classes" &&
      value.slice(0, -1).every((units) => Number.isSafeInteger(units) && units >= 1),
    [128, "classes"],
  ),
  /**
   * How often a checkpoint is made to go on from: after so many epochs, or as "500steps" training steps. Default: never.
   */
  checkpointEvery: some<CheckpointEvery>(
    'a number of epochs, or of steps as "500steps"',
    (value) =>
      isCount(value) || (typeof value === "string" && isCount(Number(/^(\d+)steps$/.exec(value)?.[1]))),
    1,
  ),
  /** Node: where the files of a known dataset are. */
  dataDir: words("the path of a folder"),
  /**
   * Node, of files at a path: leave the images where they are, and read them batch by batch, as loadDataset() does. The same bits. Default:
   * where they would take more than half of the memory that is free.
   */
  stream: flag,
  /** So many training images only, and so many test images: the first, or of images that may be sorted some of each class. */
  trainLimit: images(1, 1000),
  testLimit: images(1, 1000),
  /** Training and test images to draw, for `digits`. Default 12,000 and 2,000. */
  digitsCount: images(1, 12_000),
  digitsTestCount: images(1, 2000),
  /** Node, of folders of pictures: how they become images, as loadDataset() takes it. */
  ...pictureTable(),
  /** Bytes that the model may take. Default 2 GiB. */
  maxMemory: { ...whole(LEAST_MEMORY, MOST_MEMORY), example: DEFAULT_MAX_MEMORY },
});
type RunTable = ReturnType<typeof runTable>;

/** What describes an experiment: whatever is left out has its default. */
export interface RunOptions extends OptionsOf<RunTable> {}
/** An experiment as plain data, defaults filled in: `configuration` in a run's result.json. */
export type RunConfig = Omit<Filled<RunTable>, "optimizer" | "callbacks"> & {
  readonly callbacks?: readonly CallbackData[] | undefined;
  readonly optimizer: OptimizerData;
  readonly restoreBest: NonNullable<Filled<RunTable>["restoreBest"]>;
};

/** A setting that cannot be: the message names it, says what was got and expected, and what to write. */
export class RunConfigError extends RangeError {
  override readonly name = "RunConfigError";
}

/** How messages call a setting: the command line has flags. */
export type SettingName = (key: keyof RunOptions) => string;
const asKey: SettingName = (key) => key;

/**
 * An experiment with its defaults filled in: plain data that run() takes, and takes again later to the same weights. Takes
 * the result.json of a run as well.
 *
 * Throws RunConfigError on a setting that is none, cannot be, or does not go with another.
 */
export function checkRunConfig(given: RunOptions, nameOf: SettingName = asKey): RunConfig {
  const options = settingsIn(given);
  checkSettings(options);
  const recipe = recipeOf(options, nameOf);
  const { targets = "labels" } = options as RunOptions;
  const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const inMemory = targets === "labels" ? undefined : { stream: false };
  const filled = withDefaults(runTable(), { ...USUAL[targets], ...inMemory, ...recipe, ...set });
  const unbased = baseProblem(options as RunOptions, nameOf);
  if (unbased !== undefined) throw new RunConfigError(unbased);
  const optimizer = recipe ? recipe.optimizer : optimizerData(filled.optimizer);
  const { dataset, validationSplit } = filled;
  const misfit = dataProblem(filled, nameOf);
  if (misfit !== undefined) throw new RunConfigError(misfit);
  const averaged = isAveraged(optimizer);
  const unfitting = targets === "labels" ? undefined : unfitTargets(filled, nameOf);
  if (unfitting !== undefined) throw new RunConfigError(unfitting);
  const restoreBest = filled.restoreBest ?? (validationSplit > 0 && !averaged ? BEST[targets] : "none");
  const figures = figuresOf(filled);
  if (restoreBest !== "none" && !figures.includes(restoreBest.replace("val_", "") as Figure))
    throw new RunConfigError(
      `${nameOf("restoreBest")} is ${restoreBest}, but with ${nameOf("targets")} ${targets} figures are ${figures.join(", ")}`,
    );
  if (averaged && restoreBest !== "none")
    throw new RunConfigError(
      `${nameOf("restoreBest")} is ${restoreBest}, which gives the model an epoch's own weights, but useEma of the optimizer is for their average: leave one of them out`,
    );
  if (restoreBest.startsWith("val_") && validationSplit === 0)
    throw new RunConfigError(
      `${nameOf("restoreBest")} is ${restoreBest}, but ${nameOf("validationSplit")} 0 leaves nothing to validate on`,
    );
  const { validationFrom: from, callbacks: listed, ...others } = filled;
  const callbacks = listed && filledCallbacks(listed);
  const unfit = callbacks && unfitCallback(callbacks, { validationSplit, optimizer, figures }, nameOf);
  if (unfit !== undefined) throw new RunConfigError(unfit);
  // What a backbone says itself.
  const own = (["model", "preprocessing"] as const).filter(
    (key) => set.base !== undefined && set[key] === undefined,
  );
  for (const key of own) delete (others as Partial<typeof others>)[key];
  return {
    ...others,
    optimizer,
    ...(callbacks && { callbacks }),
    ...(validationSplit > 0 && {
      validationFrom: from ?? (isKnown(dataset) ? "last" : targets === "labels" ? "stratified" : "shuffled"),
    }),
    restoreBest,
  } as RunConfig;
}

/** The figure that chooses the best epoch. */
const BEST = {
  labels: "val_accuracy",
  masks: "val_meanIoU",
  images: "val_loss",
  numbers: "val_loss",
} as const satisfies Record<Targets, string>;

/** What is wrong with settings of a backbone. */
function baseProblem(
  { base, cut, freeze, head, targets = "labels", from, model }: RunOptions,
  nameOf: SettingName,
): string | undefined {
  if (base === undefined) {
    // Layers as plain data are those of a record, which has it in them.
    if (freeze !== undefined && from !== undefined && typeof model === "string")
      return `${nameOf("freeze")} is given beside ${nameOf("model")}: it is for the layers of ${nameOf("from")}. Leave one of them out`;
    const own = { cut, head, ...(from === undefined && { freeze }) };
    const [key] = Object.entries(own).find(([, value]) => value !== undefined) ?? [];
    const also = key === "freeze" ? `, or ${nameOf("from")} for a model that is trained on` : "";
    return key && `${nameOf(key as "cut")} is for a backbone, and none is named: ${nameOf("base")}${also}`;
  }
  if (targets === "images" || targets === "masks")
    return `${nameOf("targets")} is ${targets}, but a backbone gets a head of dense layers, for classes or numbers: leave ${nameOf("base")} out, and begin with its weights by ${nameOf("from")}`;
  if (from !== undefined && !base.endsWith(".json"))
    return `${nameOf("from")} is given beside ${nameOf("base")}, which has weights of its own: it goes with a JSON file of layers alone. Leave it out`;
  return undefined;
}

/** What is wrong with settings beside targets that are no labels of images. */
function unfitTargets(
  {
    targets,
    validationFrom,
    classWeight,
    stream,
  }: Pick<RunOptions, "targets" | "validationFrom" | "classWeight" | "stream">,
  nameOf: SettingName,
): string | undefined {
  if (validationFrom === "stratified")
    return `${nameOf("validationFrom")} is stratified, by classes of images, but with ${nameOf("targets")} ${targets} they have none: let it be shuffled`;
  if (stream)
    return `${nameOf("stream")} is for images with labels: with ${nameOf("targets")} ${targets} answers lie in memory, and images beside them. Leave it out`;
  if (classWeight !== undefined && targets !== "masks")
    return `${nameOf("classWeight")} is for classes, but with ${nameOf("targets")} ${targets} there are none: leave it out`;
  return undefined;
}

/** Whether the model gets an average of its weights, and that at the end of training alone. */
export function isAveraged({ useEma, emaOverwriteFrequency }: OptimizerConfig): boolean {
  return useEma === true && emaOverwriteFrequency === undefined;
}

/** What callbacks of a run of classes may watch. */
export const MONITORED: readonly string[] = watched(figuresOf({}));

/** What is wrong with callbacks beside other settings. */
function unfitCallback(
  callbacks: readonly CallbackData[],
  {
    validationSplit,
    optimizer,
    figures,
  }: Pick<RunConfig, "validationSplit" | "optimizer"> & { readonly figures: readonly Figure[] },
  nameOf: SettingName,
): string | undefined {
  for (const callback of callbacks) {
    const { monitor } = callback as { readonly monitor?: string };
    if (monitor !== undefined && !figures.includes(monitor.replace(/^val_/, "") as Figure))
      return `callbacks: ${callback.name}: monitor is ${show(monitor)}, expected one of ${watched(figures).join(", ")}`;
    if (monitor?.startsWith("val_") && validationSplit === 0)
      return `callbacks: ${callback.name}: monitor is ${monitor}, but ${nameOf("validationSplit")} 0 leaves nothing to validate on: let it be ${monitor.slice(4)}`;
    if (callback.name === "reduceLROnPlateau" && isObject(optimizer.learningRate))
      return "callbacks: reduceLROnPlateau sets the rate, but the optimizer's follows a schedule: leave one of them out";
  }
  return undefined;
}

/** Throws RunConfigError on a setting that is none, or cannot be. */
export function checkSettings(options: unknown): void {
  const problem = optionProblem(runTable(), options, (right) => written(mended(options, right), true));
  if (problem !== undefined)
    throw new RunConfigError(isOptions(options) ? problem : `configuration: ${problem}`);
}

/** Whether it is one of the datasets by name: their images come in no order; others' may well be sorted by class. */
export function isKnown(dataset: string): boolean {
  return dataset === GENERATED || findDataset(dataset) !== undefined || findArchive(dataset) !== undefined;
}

/** What is wrong with settings of a dataset that others have; undefined where nothing is. */
export function dataProblem(
  {
    dataset,
    dataDir,
    digitsCount,
    digitsTestCount,
    stream,
    ...options
  }: Pick<RunOptions, "dataDir" | "digitsCount" | "digitsTestCount" | "stream" | keyof PictureOptions> & {
    readonly dataset: string;
  },
  nameOf: SettingName = asKey,
): string | undefined {
  const picture = PICTURE_KEYS.find((key) => options[key] !== undefined);
  if (picture !== undefined && isKnown(dataset))
    return `${nameOf(picture)} is for folders of pictures, not for '${dataset}', whose images have a size`;
  if (stream && isKnown(dataset))
    return `${nameOf("stream")} is for files at a path, not for '${dataset}', which fits into memory`;
  const drawn = digitsCount !== undefined ? "digitsCount" : "digitsTestCount";
  if ((digitsCount ?? digitsTestCount) !== undefined && dataset !== GENERATED)
    return `${nameOf(drawn)} is for the generated dataset '${GENERATED}', not for '${dataset}'`;
  if (dataDir !== undefined && (dataset === GENERATED || !isKnown(dataset)))
    return `${nameOf("dataDir")} is for datasets that have files of their own, not for '${dataset}'; a folder of files is named by ${nameOf("dataset")} itself`;
  return undefined;
}

/** The settings of what may be a run's result. */
function settingsIn(given: unknown): Record<string, unknown> {
  const settings = isOptions(given) && isOptions(given.configuration) ? given.configuration : given;
  return settings as Record<string, unknown>;
}

/** What a recipe sets. An optimizer beside it must be its own, as a run's record has it. */
function recipeOf({ recipe: name, optimizer }: Record<string, unknown>, nameOf: SettingName) {
  if (name === undefined) return undefined;
  const recipe = RECIPES[name as keyof typeof RECIPES];
  const { epochs, batchSize, validationSplit, formerly } = recipe;
  const own = recipe.optimizer(1);
  const rate = withoutSteps(own.config.learningRate);
  const { learningRate } = isObject(optimizer) ? optimizer : {};
  const recorded = JSON.stringify(withoutSteps(learningRate)) === JSON.stringify(rate);
  if (optimizer !== undefined && !recorded && learningRate !== formerly)
    throw new RunConfigError(
      `${nameOf("optimizer")} is given beside ${nameOf("recipe")} ${name}, which brings its own optimizer: leave one of them out`,
    );
  return {
    epochs,
    batchSize,
    validationSplit,
    optimizer: {
      name: own.name as OptimizerName,
      ...own.config,
      // Of how many steps the training has, its images tell.
      learningRate: recorded ? (learningRate as typeof rate) : rate,
    },
  };
}

/** A schedule but for its steps, keys in their order. */
function withoutSteps(schedule: unknown): OptimizerConfig {
  const { name, options } = (isObject(schedule) ? schedule : {}) as Record<string, OptimizerConfig>;
  const { steps: _, ...others } = isObject(options) ? options : {};
  return { name: name!, options: Object.fromEntries(Object.entries(others).sort()) as OptimizerConfig };
}

/** An optimizer by name or with options, all of them filled in. */
function optimizerData(given: RunOptions["optimizer"] & {}): OptimizerData {
  const { name, learningRate, ...others }: OptimizerOptions =
    typeof given === "string" ? { name: given } : given;
  const scheduled = typeof learningRate === "function" || isObject(learningRate);
  try {
    const own = createOptimizer(name, {
      ...others,
      ...(learningRate !== undefined && { learningRate: scheduled ? 0 : (learningRate as number) }),
    });
    return {
      name,
      ...own.config,
      ...(scheduled && { learningRate: dataOf(learningRate) }),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RunConfigError(`optimizer: ${error.message}`, { cause: error });
  }
}

/** A schedule as the plain data that it is. Throws RangeError on what is none. */
function dataOf(schedule: unknown): OptimizerConfig {
  try {
    return scheduleFromConfig(schedule) as unknown as OptimizerConfig;
  } catch (error) {
    if (error instanceof RangeError) error.message = `learningRate: ${error.message}`;
    throw error;
  }
}

/** Of the settings as they should be, those that are not: the line to write is not to repeat the whole file. */
function mended(given: unknown, right: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const before = isOptions(given) ? given : {};
  return Object.fromEntries(Object.entries(right).filter(([key, value]) => before[key] !== value));
}
