import { findDataset, GENERATED } from "../../data/datasets.ts";
import type { Dataset } from "../../data/types.ts";
import type { LossName } from "../../nn/losses.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { pictureTraits } from "../../picture/centred.ts";
import { missingClasses } from "../../report/verdict.ts";
import type { Callbacks, History, Logs } from "../../train/callbacks.ts";
import { NonFiniteError, TrainingDivergedError } from "../../train/errors.ts";
import type { Model } from "../../train/model.ts";
import { RECIPES, type RecipeName } from "../../train/recipes.ts";
import { testModel } from "../../train/test-model.ts";
import {
  countsOf,
  type Part,
  splitForValidation,
  type ValidationSource,
  wholePart,
} from "../../train/validation.ts";
import { type DataOptions, describeDataset, openDataset } from "../datasets.ts";
import { type EngineFlags, engineOptions } from "../engine-options.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import { withInterrupt } from "../interrupt.ts";
import { layerTable } from "../layer-table.ts";
import { findModel } from "../models.ts";
import { type OptimizerFlags, optimizerFrom } from "../optimizer-options.ts";
import { formatCount, formatSeconds, type Output, printable, wrap } from "../output.ts";
import { trainProgress } from "../progress.ts";
import { RunFolder } from "./folder.ts";
import { Recorder } from "./history.ts";
import { judge } from "./judge.ts";
import { nextSteps } from "./next-steps.ts";
import { testLine } from "./print.ts";
import { type FinishedRun, resultOf } from "./record.ts";
import { RunWriter } from "./save.ts";
import { RUN_FILES } from "./swap.ts";

export interface TrainOptions extends DataOptions, EngineFlags, OptimizerFlags {
  /** A model's name or a JSON file. */
  readonly model: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly loss: LossName;
  /** 0: no validation. */
  readonly validationSplit: number;
  /** Default: see validationSource(). */
  readonly validationFrom?: ValidationSource;
  /** Sets epochs, batch size and validation split where they were not given, and the optimizer. */
  readonly recipe?: RecipeName;
  readonly seed: number;
  /** Figure that chooses the epoch whose weights are kept. Default: see bestFigure(). */
  readonly restoreBest?: keyof Logs | "none";
  readonly out?: string;
  readonly overwrite?: boolean;
}

/** What a training consists of, once all is loaded. */
interface Job {
  readonly options: TrainOptions;
  readonly name: string;
  readonly model: Model;
  readonly optimizer: Optimizer;
  readonly dataset: Dataset;
  readonly training: Part;
  /** undefined: no validation. */
  readonly validation: Part | undefined;
  readonly folder: RunFolder;
  readonly progress: ReturnType<typeof trainProgress>;
  readonly output: Output;
}

/** Byte pixels become numbers from 0 to 1. */
const PREPROCESSING = { scale: 1 / 255, offset: 0 };

/** The figure that chooses the weights to keep; undefined: the last epoch's stay. Default: validation accuracy, if there is one. */
function bestFigure({ restoreBest, validationSplit }: TrainOptions): keyof Logs | undefined {
  const figure = restoreBest ?? (validationSplit > 0 ? "val_accuracy" : "none");
  return figure === "none" ? undefined : figure;
}

/**
 * Which images are for validation. The known datasets come in no order: the last ones, as in Keras. In a folder they may
 * well be sorted by class: the same share of each.
 */
function validationSource({ validationFrom, dataset }: TrainOptions): ValidationSource {
  return validationFrom ?? (findDataset(dataset) || dataset === GENERATED ? "last" : "stratified");
}

/** Trains a model and fills a run folder. Returns the exit status: that of the signal which stopped it, if one did. */
export async function train(options: TrainOptions, output: Output): Promise<number> {
  const { restoreBest, validationSplit } = options;
  if (restoreBest?.startsWith("val_") && validationSplit === 0)
    throw new UsageError(
      `--restore-best is ${restoreBest}, but --validation-split 0 leaves nothing to validate on`,
    );
  const source = await findModel(options.model);
  const chosen = options.recipe === undefined ? optimizerFrom(options) : undefined;
  const progress = trainProgress(output);
  const onStop = () => {
    progress.stop();
    const saving = progress.begun() ? " after this step, then saving" : "";
    output.notice(`Stopping${saving}; Ctrl-C again quits at once.`);
  };
  return withInterrupt(onStop, async (signal) => {
    const folder = await RunFolder.claim({
      out: options.out,
      overwrite: options.overwrite === true,
      name: `${options.dataset.split(/[\\/]/).filter(Boolean).at(-1) ?? "data"}-${source.name}`,
    });
    const tell = () => tellOfKept(folder, output);
    // A second Ctrl-C ends the process before the code below is reached.
    process.once("exit", tell);
    try {
      const dataset = await openDataset(options, output, signal);
      const model = source.build(dataset.train.shape, dataset.classNames.length);
      try {
        const { name } = source;
        const { train: training, validation } =
          validationSplit > 0
            ? splitForValidation(dataset.train, validationSplit, validationSource(options), options.seed)
            : { train: wholePart(dataset.train), validation: undefined };
        const optimizer = chosen ?? recipeOptimizer(options, training);
        const data = { dataset, training, validation };
        return await perform({ options, name, model, optimizer, ...data, folder, progress, output }, signal);
      } finally {
        model.dispose();
      }
    } finally {
      progress.stop();
      folder.close();
      process.off("exit", tell);
      tell();
    }
  });
}

/** A run that was to replace another, and came to an end before it was complete, is kept for a while. */
function tellOfKept(folder: RunFolder, output: Output): void {
  if (folder.saved === undefined || folder.saved === folder.path) return;
  output.notice(
    printable(
      `${folder.path} still holds the run that it held before; the last model saved of this one is in ${folder.saved}, until the next training there.`,
    ),
  );
}

/** The optimizer of the recipe that is asked for, its schedule stretched over the whole training. */
function recipeOptimizer({ recipe, epochs, batchSize }: TrainOptions, training: Part): Optimizer {
  return RECIPES[recipe!].optimizer(epochs * Math.ceil(training.count / batchSize));
}

async function perform(job: Job, signal: AbortSignal): Promise<number> {
  const { options, model, optimizer, dataset, training, validation, folder, output, name } = job;
  const { loss, seed, epochs, batchSize, recipe } = options;
  const startedAt = new Date();
  const preprocessing = PREPROCESSING;
  // Of classes, whatever the loss.
  const metrics = ["accuracy"] as const;
  await model.compile({ optimizer, loss, metrics, seed, preprocessing, ...engineOptions(options) });
  introduce(job);

  const recorder = new Recorder();
  const writer = new RunWriter(folder, model, recorder, output, {
    preprocessing,
    classNames: dataset.classNames,
    loss,
    dataset: dataset.name,
    ...pictureTraits(dataset.train),
  });
  const checkpoint: Callbacks = { onEpochEnd: () => writer.checkpoint() };
  const ended = await fit(job, [job.progress, recorder, checkpoint], signal);
  if (recorder.trainedImages === 0 && signal.aborted) throw untrained(signal);

  // Weights first: whatever fails after this, the training is not lost.
  await writer.saveWeights();
  const tested = await testModel(model, dataset.test, dataset.classNames.length).catch((error: unknown) => {
    if (error instanceof NonFiniteError) return error;
    throw error;
  });
  const failure = [ended, tested].find((outcome) => outcome instanceof Error);
  const run: FinishedRun = {
    name,
    model,
    dataset,
    configuration: configuration(job),
    recorder,
    trainCount: training.count,
    validationCount: validation?.count ?? 0,
    epochs,
    batchSize,
    seed,
    test: tested instanceof Error ? undefined : tested,
    weightsSha256: await model.weightsSha256(),
    startedAt,
    stopped: ended instanceof TrainingDivergedError ? "diverged" : ended.stopped ? "signal" : undefined,
    ...judge(
      { optimizer, dataset, training, validation, loss, batchSize, recipe, restoreBest: bestFigure(options) },
      recorder,
      ended,
    ),
  };
  printOutcome(run, output);
  const result = resultOf(run);
  await writer.saveReport(run, result, failure !== undefined);
  output.print(`\n${nextSteps(folder.saved!, options)}`);
  if (failure) throw savedIn(folder, failure);
  output.document({ run: folder.path, files: RUN_FILES, ...result });
  return run.stopped ? (signal.reason as InterruptedError).exitCode : 0;
}

/** The error that ends a run whose weights are saved. */
function savedIn(folder: RunFolder, error: Error): Error {
  error.message += `. The weights are saved in ${printable(folder.saved ?? folder.path)}`;
  return error;
}

/** The history, or the error where the loss diverged: there is something to save then, too. */
async function fit(
  { model, options, progress, dataset }: Job,
  callbacks: Callbacks[],
  signal: AbortSignal,
): Promise<History | TrainingDivergedError> {
  const { epochs, batchSize, validationSplit } = options;
  const restoreBest = bestFigure(options);
  try {
    return await model.fit(dataset.train, {
      epochs,
      batchSize,
      validationSplit,
      validationFrom: validationSource(options),
      ...(restoreBest && { restoreBestWeights: restoreBest }),
      // What there is to warn of was said, with the classes' names.
      callbacks: [...callbacks, { onWarning: () => {} }],
      signal,
    });
  } catch (error) {
    if (error instanceof TrainingDivergedError) return error;
    throw error;
  } finally {
    progress.stop();
  }
}

function introduce({ options, dataset, model, optimizer, output, ...job }: Job): void {
  const { epochs, batchSize, recipe, loss, seed } = options;
  const validation = job.validation?.count ?? 0;
  const { backend, threads } = model.session.engine;
  const { columns } = output;
  output.print(`${wrap(describeDataset(dataset), columns)}\n`);
  output.print(`${layerTable(model.name, model.rows, columns)}\n`);
  const plan =
    `Training on ${formatCount(job.training.count)} images${validation > 0 ? `, validating on ${formatCount(validation)}` : ""}: ` +
    `${epochs} epoch${epochs > 1 ? "s" : ""}, batch size ${batchSize}, ${optimizer.name}${recipe ? ` (recipe ${recipe})` : ""}, ${loss}, seed ${seed} ` +
    `(${backend}, ${threads} thread${threads > 1 ? "s" : ""})`;
  output.print(wrap(plan, columns));
  const { classNames } = dataset;
  const missing = missingClasses({
    classNames,
    trainCounts: countsOf(job.training, classNames.length),
    validationCounts: job.validation && countsOf(job.validation, classNames.length),
  });
  const advice =
    validationSource(options) === "stratified"
      ? ""
      : " --validation-from stratified takes the same share of each class.";
  if (missing) output.notice(`Warning: ${missing.text}${advice}`);
}

function printOutcome({ stopped, kept, verdict, recorder, test }: FinishedRun, output: Output): void {
  const { trainedImages, trainSeconds, imagesPerSecond } = recorder;
  const outcome =
    `${stopped ? "Stopped early" : "Trained"}: ${formatCount(trainedImages)} images in ${formatSeconds(trainSeconds)}, ` +
    `${formatCount(imagesPerSecond)} images/s${kept ? `; kept the weights of epoch ${kept.epoch + 1}` : ""}`;
  output.print(`\n${wrap(outcome, output.columns)}`);
  if (test) output.print(output.paint.bold(`Test ${testLine(test)}`));
  if (verdict) output.print(`\n${wrap(printable(`${verdict.text} ${verdict.tryText}`), output.columns)}`);
}

/** Every setting of the run, defaults filled in. */
function configuration({ options, optimizer, model }: Job): FinishedRun["configuration"] {
  const { dataset, epochs, batchSize, loss, validationSplit, seed } = options;
  const { dataDir, trainLimit, digitsCount, recipe } = options;
  const { backend, threads } = model.session.engine;
  return {
    dataset,
    model: options.model,
    epochs,
    batchSize,
    ...(recipe && { recipe }),
    optimizer: {
      name: optimizer.name,
      ...optimizer.config,
      ...(recipe && { learningRate: RECIPES[recipe].schedule }),
    },
    loss,
    validationSplit,
    ...(validationSplit > 0 && { validationFrom: validationSource(options) }),
    seed,
    backend,
    threads,
    shuffle: true,
    preprocessing: PREPROCESSING,
    restoreBest: bestFigure(options) ?? "none",
    ...(dataDir !== undefined && { dataDir }),
    ...(trainLimit !== undefined && { trainLimit }),
    ...(digitsCount !== undefined && { digitsCount }),
  };
}

function untrained(signal: AbortSignal): InterruptedError {
  const { signal: name } = signal.reason as InterruptedError;
  return new InterruptedError(name, "stopped before the first training step: there is nothing to save");
}
