import { DataError } from "../data/errors.ts";
import { take, takeOfEach } from "../data/split.ts";
import { inMemory, isStreamed } from "../data/streamed.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import type { LoadedModel } from "../formats/model-file.ts";
import type { MetricName } from "../metrics/metric.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { MODELS } from "../model/models.ts";
import { createOptimizer } from "../optim/create.ts";
import type { OptimizerName } from "../optim/definitions.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { scheduleFromConfig } from "../optim/schedules/from-config.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { callable, isObject, signal as signalKind, some, type TableOf, url } from "../options/kinds.ts";
import { quoted, show } from "../options/show.ts";
import { LOOKED_AT, pictureTraits } from "../picture/centred.ts";
import type { Callbacks } from "../train/callbacks.ts";
import type { WeightsTaken } from "../train/check-weights.ts";
import type { CompileOptions } from "../train/compiled-options.ts";
import { NonFiniteError, TrainingDivergedError } from "../train/errors.ts";
import { isModel, type Model } from "../train/model.ts";
import { RECIPES } from "../train/recipes.ts";
import { testOn } from "../train/test-model.ts";
import type { TrainingState } from "../train/training-state.ts";
import { frozenAnew } from "../train/transfer.ts";
import { splitForValidation, wholePart } from "../train/validation.ts";
import { baseOf } from "./base.ts";
import { modelLike, modelOfData } from "./build-model.ts";
import { callbacksOf } from "./callbacks.ts";
import {
  checkpoints,
  type Resumed,
  type RunCheckpointInfo,
  requireSameImages,
  resumed,
} from "./checkpoint.ts";
import {
  checkRunConfig,
  figuresOf,
  isKnown,
  type RunConfig,
  RunConfigError,
  type RunOptions,
} from "./config.ts";
import { judge } from "./judge.ts";
import type { Learner, Platform } from "./learner.ts";
import { Recorder } from "./recorder.ts";
import { type RunResult, resultOf } from "./result.ts";
import { rangeOf, wantedFor, withTargets } from "./targets.ts";
import type { EndedRun, ReadyRun, TrainedRun } from "./types.ts";

/** Whom a run tells how it goes. What returns a promise is waited for. */
export interface RunHooks<L extends Learner = Learner> {
  /** Images of one's own in place of a dataset by name. They may be sorted by class, and are taken for that. */
  readonly dataset?: Dataset | undefined;
  /** Loads the dataset in place of loadDataset(): from a server of one's own, say. */
  readonly load?: Platform["load"] | undefined;
  /** Pages: URL of the package's dist/browser/worker.js, where the Content-Security-Policy forbids blob: workers. */
  readonly workerUrl?: string | URL | undefined;
  /** Aborted before the first step, the run rejects with its reason; later it ends after the step under way, and is tested. */
  readonly signal?: AbortSignal | undefined;
  /** `what` is loaded: a dataset, one of its files with the `share` that is here, 0 to 1, where that is known. */
  onLoading?(what: string, share?: number): void;
  /** What a user should know but need not act on, in a sentence. */
  onNotice?(text: string): void;
  /** The model is built, and its engine starts. */
  onBuilt?(model: Model, dataset: Dataset): void;
  /** Everything is there; training begins. */
  onReady?(run: ReadyRun<L>): void | Promise<void>;
  /** Told of batches and epochs, as fit() tells. */
  readonly callbacks?: Callbacks | readonly Callbacks[] | undefined;
  /** A model whose weights to begin with, in place of `from` of the settings: what loadModel() gave. */
  readonly from?: LoadedModel | undefined;
  /** The backbone that `base` of the settings names: what loadModel() gave. */
  readonly base?: LoadedModel | undefined;
  /**
   * Takes a checkpoint as the bytes of a file, for `resume`: as often as checkpointEvery says, by default after each epoch; at
   * the end of training; and where that was stopped.
   */
  onCheckpoint?(bytes: Uint8Array<ArrayBuffer>, info: RunCheckpointInfo): unknown;
  /**
   * A checkpoint to go on from: the run ends with the same bits as one that was never interrupted. Its settings are those of the
   * file; of those given beside it, epochs and the optimizer's learningRate may be others, and what changes no result.
   */
  readonly resume?: Uint8Array | undefined;
  /** Training has ended, of itself or not: the time to save what was learned, before anything else can fail. */
  onTrained?(run: TrainedRun<L>): void | Promise<void>;
}

/** All that is known of a run when it has ended. dispose() of its learner ends its workers. */
export interface RunOutcome<L extends Learner = Learner> extends EndedRun<L> {
  /** The same for programs. */
  readonly result: RunResult;
}

const HOOKS: Checked = {
  call: "run(config, *)",
  table: (): TableOf<RunHooks> => ({
    dataset: some<Dataset>("a dataset: { name, classNames, train, test }", isObject),
    load: callable(),
    workerUrl: url,
    signal: signalKind,
    onLoading: callable(),
    onNotice: callable(),
    onBuilt: callable(),
    onReady: callable(),
    callbacks: some<Callbacks | readonly Callbacks[]>(
      "callbacks, or a list of them",
      (value) => isObject(value) || Array.isArray(value),
    ),
    from: some<LoadedModel>("what loadModel() gives", (value) => isObject(value) && isModel(value.model)),
    base: some<LoadedModel>("what loadModel() gives", (value) => isObject(value) && isModel(value.model)),
    onCheckpoint: callable(),
    resume: some<Uint8Array>("the bytes of a checkpoint", (value) => value instanceof Uint8Array),
    onTrained: callable(),
  }),
};

/**
 * An experiment: loads its data, builds and trains its model, tests it. A training that is stopped, or whose loss is no
 * longer finite, is a result as well.
 *
 * Throws RunConfigError, DataError, ModelError on what cannot be; the signal's reason where that came before the first step.
 */
export async function runOn<L extends Learner>(
  platform: Platform<L>,
  options: RunOptions,
  hooks: RunHooks<L> = {},
): Promise<RunOutcome<L>> {
  checkOptions(HOOKS, hooks);
  const { resume, onCheckpoint } = hooks;
  const kept = resume && resumed(resume, options);
  const ready = await prepareRun(platform, kept?.config ?? options, hooks, kept);
  const { recorder, config } = ready;
  try {
    await hooks.onReady?.(ready);
    const callbacks = (await callbacksOf(config.callbacks ?? [], platform.files)).concat(
      hooks.callbacks ?? [],
    );
    const keeper = onCheckpoint && checkpoints(ready, config.checkpointEvery ?? 1, recorder, onCheckpoint);
    if (keeper) callbacks.push(keeper);
    if (kept?.ended) callbacks.push({ onTrainBegin: (_, training) => training.stop() });
    const training = trainRun(ready, { ...hooks, callbacks }, 0, recorder, kept?.state);
    const trained = await training.catch(async (error: unknown) => {
      // A file that has disappeared may be put back; which one is said also where nothing can be handed over.
      if (error instanceof DataError) await keeper?.failed().catch(() => {});
      throw error;
    });
    if (trained.recorder.trainedImages === 0) hooks.signal?.throwIfAborted();
    await hooks.onTrained?.(trained);
    return await finishRun(trained);
  } catch (error) {
    ready.learner.dispose();
    throw error;
  }
}

/** Loads, splits, builds and compiles. */
export async function prepareRun<L extends Learner>(
  platform: Platform<L>,
  options: RunOptions,
  hooks: RunHooks<L>,
  kept?: Resumed,
): Promise<ReadyRun<L>> {
  const { dataset: own, load = platform.load, signal } = hooks;
  const checked = checkRunConfig(own ? ofOwnImages(options, own) : options);
  signal?.throwIfAborted();
  // What is wrong with it is said before data is loaded. A run that goes on has its layers, and all that followed from it.
  const base = kept ? undefined : await baseOf(platform, hooks.base, checked);
  const asked = base?.config ?? checked;
  if (!own) hooks.onLoading?.(asked.dataset);
  const whole =
    own ??
    // What fitted into memory, or did not, when a run began is not asked again.
    (await load(kept ? { ...asked, stream: asked.stream ?? false } : asked, {
      signal,
      onProgress: ({ file, received, total }) =>
        hooks.onLoading?.(`${asked.dataset}: ${file}`, total ? received / total : undefined),
      onNotice: (text) => hooks.onNotice?.(text),
    }));
  signal?.throwIfAborted();
  const sorted = own !== undefined || !isKnown(asked.dataset);
  const dataset = withTargets(withLimits(whole, asked, sorted), asked);
  if (kept) requireSameImages(kept, dataset);
  const { classNames } = dataset;
  if (
    classNames.length === 1 &&
    !dataset.answers &&
    typeof asked.model === "string" &&
    Object.hasOwn(MODELS, asked.model)
  )
    throw new DataError(
      "bad-classes",
      `${asked.dataset}: all images are of one class, ${show(classNames[0])}; ${asked.model} tells two or more apart. Put images of another beside them: of pictures, in a folder of its name.`,
    );
  const from = kept || base ? undefined : (hooks.from ?? (await opened(platform, asked.from)));
  const config =
    from && options.model === undefined
      ? { ...asked, model: frozenLike(from, modelLike(from, wantedFor(dataset), asked.loss), asked) }
      : asked;
  const model = base
    ? base.build(dataset)
    : kept || config !== asked
      ? modelOfData(kept?.model ?? config.model)(dataset.train.shape, wantedFor(dataset))
      : await platform.build(asked, dataset, signal);
  const { training, validation } = partsOf(dataset, asked);
  const streamed = isStreamed(dataset.train);
  const first = Uint32Array.from({ length: Math.min(dataset.train.count, LOOKED_AT) }, (_, i) => i);
  const traits = dataset.pictures
    ? { pictures: dataset.pictures }
    : pictureTraits(streamed ? await inMemory(dataset.train, first) : dataset.train);
  hooks.onBuilt?.(model, dataset);
  const startedAt = kept ? new Date(kept.startedAt) : new Date();
  const recorder = new Recorder();
  if (kept) recorder.resume(kept.epochs, kept.firstLoss, kept.state);
  const compiled = compileOptions(asked, training.count);
  const learner = await platform.ready(model, compiled);
  if (signal?.aborted) {
    learner.dispose();
    signal.throwIfAborted();
  }
  const taken = from && (await takeWeights(learner, from));
  const range = asked.targets === "numbers" ? rangeOf(dataset) : undefined;
  const { info } = learner;
  const { name, config: rates } = compiled.optimizer;
  return {
    config: {
      ...config,
      // A recipe's schedule with its steps.
      optimizer: { name: name as OptimizerName, ...rates },
      backend: info.backend,
      threads: info.threads,
      ...(streamed && { stream: true }),
    },
    dataset,
    learner,
    training,
    validation,
    metadata: {
      preprocessing: asked.preprocessing,
      ...(dataset.answers?.kind !== "numbers" && { classNames }),
      ...(asked.targets && asked.targets !== "labels" && { targets: asked.targets }),
      ...(range?.every(Number.isFinite) && { range }),
      loss: asked.loss,
      dataset: dataset.name,
      ...traits,
    },
    startedAt,
    from: taken,
    ...(base && { backbone: base.summary }),
    recorder,
  };
}

/** The model that settings begin with. Throws RunConfigError where there is none. */
async function opened(
  { open }: Pick<Platform, "open">,
  place: string | undefined,
): Promise<LoadedModel | undefined> {
  if (place === undefined) return undefined;
  if (!open)
    throw new RunConfigError(
      `from is ${show(place)}, a path, which a page cannot open. Write: run(settings, { from: await loadModel(bytes) })`,
    );
  return open(place).catch((error: Error) => {
    throw new RunConfigError(`from is ${show(place)}: ${error.message}`, { cause: error });
  });
}

/** A model like another one, with what settings freeze of it. */
function frozenLike({ model }: LoadedModel, like: ModelConfig, { freeze, from }: RunConfig): ModelConfig {
  return freeze === undefined
    ? like
    : frozenAnew(like, model.rows, freeze, `from ${quoted(from ?? model.name)}`);
}

/** Gives a model the weights that another one has for it. */
async function takeWeights(learner: Learner, { tensors }: LoadedModel): Promise<WeightsTaken> {
  try {
    return await learner.setWeights(tensors, { partial: true });
  } catch (error) {
    learner.dispose();
    if (!(error instanceof RangeError)) throw error;
    throw new RunConfigError(`from: ${error.message.replace(/^setWeights: /, "")}`, { cause: error });
  }
}

/** Trains from `initialEpoch` on, for as many epochs as the configuration says; or goes on from a state. */
export async function trainRun<R extends Pick<ReadyRun, "config" | "dataset" | "learner">>(
  ready: R,
  { callbacks = [], signal }: Pick<RunHooks, "callbacks" | "signal">,
  initialEpoch = 0,
  recorder = new Recorder(),
  initialState?: TrainingState,
): Promise<R & Pick<TrainedRun, "recorder" | "ended" | "stoppedBy">> {
  const { learner, dataset, config } = ready;
  const { epochs, batchSize, validationSplit, validationFrom, classWeight, shuffle, restoreBest } = config;
  let aborted = false;
  // Asked at the end of training: one that is aborted later has stopped nothing.
  const onTrainEnd = () => {
    aborted = signal?.aborted === true;
  };
  try {
    const ended = await learner.fit(dataset.train, {
      epochs: initialEpoch + epochs,
      initialEpoch,
      batchSize,
      ...(dataset.validation
        ? { validationData: dataset.validation }
        : validationSplit > 0 && { validationSplit, validationFrom: validationFrom! }),
      ...(classWeight !== undefined && { classWeight }),
      shuffle,
      ...(restoreBest !== "none" && { restoreBestWeights: restoreBest }),
      callbacks: [recorder, { onTrainEnd }, ...([] as Callbacks[]).concat(callbacks)],
      ...(signal && { signal }),
      ...(initialState && { initialState }),
    });
    const stoppedBy = ended.diverged
      ? "diverged"
      : !ended.stopped
        ? undefined
        : aborted
          ? "signal"
          : "callback";
    return { ...ready, recorder, ended, stoppedBy };
  } catch (error) {
    if (!(error instanceof TrainingDivergedError)) throw error;
    return { ...ready, recorder, ended: error, stoppedBy: "diverged" };
  }
}

/** Tests and judges. */
async function finishRun<L extends Learner>(trained: TrainedRun<L>): Promise<RunOutcome<L>> {
  const { learner, dataset, ended, recorder, config } = trained;
  const tested = await testOn(learner, dataset.test, dataset, config.loss).catch((error: unknown) => {
    // What was trained is not lost with a file that cannot be read.
    if (error instanceof NonFiniteError || error instanceof DataError) return error;
    throw error;
  });
  const diverged = ended instanceof TrainingDivergedError ? ended : undefined;
  const untested = tested instanceof Error ? tested : undefined;
  const run = {
    ...trained,
    ...judge(trained, recorder, ended),
    test: tested instanceof Error ? undefined : tested,
    failure: diverged ?? untested,
    weightsSha256: await learner.weightsSha256(),
  };
  return { ...run, result: resultOf(run) };
}

function ofOwnImages(options: RunOptions, { name }: Dataset): RunOptions {
  const { targets = "labels", validationFrom = targets === "labels" ? "stratified" : "shuffled" } = options;
  return { ...options, dataset: name || "own", validationFrom };
}

/** The training images, and those for validation. */
export function partsOf(
  { train, validation: own }: Pick<Dataset, "train" | "validation">,
  { validationSplit, validationFrom = "last", seed }: RunConfig,
): Pick<ReadyRun, "training" | "validation"> {
  if (own || validationSplit === 0) return { training: wholePart(train), validation: own && wholePart(own) };
  const { train: training, validation } = splitForValidation(train, validationSplit, validationFrom, seed);
  return { training, validation };
}

/** What compile() takes of it. @param images that are trained on: a recipe's rates follow from their number */
export function compileOptions(
  config: RunConfig,
  images: number,
): CompileOptions & { readonly optimizer: Optimizer } {
  const { loss, seed, preprocessing, backend, threads, maxMemory } = config;
  return {
    optimizer: optimizerOf(config, images),
    loss,
    // Of classes, whatever the loss.
    metrics: figuresOf(config).slice(1) as MetricName[],
    seed,
    preprocessing,
    backend,
    ...(threads !== undefined && { threads }),
    ...(maxMemory !== undefined && { maxMemory }),
  };
}

/** The optimizer, that of a recipe with its schedule stretched over the whole training. */
function optimizerOf({ recipe, optimizer, epochs, batchSize }: RunConfig, images: number): Optimizer {
  if (recipe) return RECIPES[recipe].optimizer(epochs * Math.ceil(images / batchSize));
  const { name, learningRate, ...options } = optimizer;
  return createOptimizer(name, {
    ...options,
    learningRate: isObject(learningRate) ? scheduleFromConfig(learningRate) : (learningRate as number),
  });
}

/** With so many images only: the first, or of images that have classes and may be sorted by them some of each. */
export function withLimits(
  dataset: Dataset,
  { trainLimit = Number.POSITIVE_INFINITY, testLimit = Number.POSITIVE_INFINITY }: Limits,
  sorted: boolean,
): Dataset {
  const { train, test } = dataset;
  if (trainLimit >= train.count && testLimit >= test.count) return dataset;
  const some = sorted ? takeOfEach : take;
  const upTo = (set: ImageSet, limit: number) => (limit >= set.count ? set : some(set, limit));
  return { ...dataset, train: upTo(train, trainLimit), test: upTo(test, testLimit) };
}

interface Limits {
  readonly trainLimit?: number | undefined;
  readonly testLimit?: number | undefined;
}
