import type { Dataset } from "../data/types.ts";
import { CheckpointError, decodeCheckpoint, encodeCheckpoint } from "../formats/checkpoint.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { isObject } from "../options/kinds.ts";
import { quoted, show } from "../options/show.ts";
import type { OwnCallbacks, TrainInfo, TrainingHandle } from "../train/callbacks.ts";
import { dataOf, likenessOf, markOf } from "../train/mark.ts";
import type { TrainingState } from "../train/training-state.ts";
import {
  type CheckpointEvery,
  checkRunConfig,
  checkSettings,
  type RunConfig,
  RunConfigError,
  type RunOptions,
  type SettingName,
} from "./config.ts";
import type { EpochRow, Recorder } from "./recorder.ts";
import type { ReadyRun } from "./types.ts";

/** Where a checkpoint was taken. */
export interface RunCheckpointInfo {
  /** The epoch under way, from 0, and how many of its batches are done. */
  readonly epoch: number;
  readonly batch: number;
  /** Training steps done in all. */
  readonly steps: number;
}

/** What a run's checkpoint has beside the training's state: all that is needed to go on, and to end with the same report. */
interface Kept {
  readonly config: RunConfig;
  readonly model: ModelConfig;
  readonly epochs: readonly EpochRow[];
  readonly firstLoss: number | undefined;
  /** What tells the test images from others, see markOf(). */
  readonly test: string;
  /** What tells them by their labels, see likenessOf(). */
  readonly testLikeness?: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** A run that goes on. */
export interface Resumed extends Kept {
  readonly state: TrainingState;
  /** Its training had been ended by a callback: there is nothing left but to test it. */
  readonly ended: boolean;
}

/** Settings that a run may go on with others of: the rate apart, they change no bit, or how long it trains. */
const FREE: ReadonlySet<string> = new Set<keyof RunOptions>([
  "epochs",
  "checkpointEvery",
  "backend",
  "threads",
  "maxMemory",
  "dataset",
  "dataDir",
]);

/**
 * A callback that hands over the run, as the bytes of a file, whenever it is due, at the end of training, and where that was
 * stopped. `failed`: to be told where it ended as samples could not be read, to hand over what it had done.
 */
export function checkpoints(
  ready: ReadyRun,
  every: CheckpointEvery,
  recorder: Recorder,
  save: (bytes: Uint8Array<ArrayBuffer>, info: RunCheckpointInfo) => unknown,
): OwnCallbacks & { failed(): Promise<void> } {
  const inSteps = typeof every === "string";
  const length = Number.parseInt(String(every), 10);
  let info: TrainInfo;
  let handle: TrainingHandle | undefined;
  /** How often it was due up to the last batch: a page is not told of every one. */
  let due: number | undefined;
  const hand = async (training: TrainingHandle) => {
    const state = await training.state();
    const { epoch, batch, history } = state;
    const epochs = recorder.epochs.slice(0, history.epoch.length);
    // A worker may have gone on meanwhile.
    if (epoch >= info.epochs || epochs.length < history.epoch.length) return;
    // The one before is what to go on from: this one has weights of another step.
    if (history.diverged) return;
    // One that nobody can go on from must not take the place of one that is good.
    const tensors = [state.weights, ...state.optimizer.vectors].flat();
    if (!tensors.every(({ data }) => data.every(Number.isFinite))) return;
    const { config, learner, startedAt } = ready;
    const kept: Kept = {
      config,
      model: learner.model.toConfig(),
      epochs,
      firstLoss: recorder.firstLoss,
      test: markOf(ready.dataset.test),
      testLikeness: likenessOf(ready.dataset.test),
      startedAt: startedAt.toISOString(),
    };
    await save(encodeCheckpoint(state, kept), { epoch, batch, steps: history.steps });
  };
  return {
    comesLast: true,
    onTrainBegin(train, training) {
      info = train;
      handle = training;
    },
    onBatchEnd({ epoch, batch }, _logs, training) {
      const { stepsPerEpoch, epochs } = info;
      const step = epoch * stepsPerEpoch + batch + 1;
      const before = due ?? Math.floor((step - 1) / length);
      due = Math.floor(step / length);
      // The last one of all before its epoch ends: from there a run that was killed in its test is tested again.
      const last = step === epochs * stepsPerEpoch;
      const passed = inSteps && due > before;
      return last || passed ? hand(training) : undefined;
    },
    onEpochEnd({ epoch }, _logs, training) {
      if (!inSteps && (epoch + 1) % length === 0) return hand(training);
    },
    async failed() {
      if (handle) await hand(handle);
    },
    onTrainEnd({ stopped, diverged }, training) {
      // The last one before is what to go on from.
      if (stopped && !diverged) return hand(training);
    },
  };
}

/**
 * A run to go on with, from a file of its checkpoints(), with the settings that are given in place of its own.
 * Throws CheckpointError on another file; RunConfigError on a setting that cannot be changed, or where nothing is left to do.
 */
export function resumed(file: Uint8Array, options: RunOptions, nameOf?: SettingName): Resumed {
  const { state, beside } = decodeCheckpoint(file);
  if (!isKept(beside))
    throw new CheckpointError(
      "the checkpoint is of a training, not of a run: give fit(train, { initialState: loadCheckpoint(bytes) }) what it had then",
    );
  const { recipe, ...own } = beside.config;
  const rate = isObject(options.optimizer) ? options.optimizer.learningRate : undefined;
  checkSettings({ ...options, optimizer: undefined });
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config = checkRunConfig(
    {
      ...own,
      // A rate of one's own takes the place of a recipe's.
      ...(recipe !== undefined && rate === undefined && { recipe }),
      ...given,
      optimizer: { ...own.optimizer, ...(rate !== undefined && { learningRate: rate }) },
    } as RunOptions,
    nameOf,
  );
  const problem = changed(beside.config, config, options, nameOf ?? ((key) => key));
  if (problem !== undefined) throw new RunConfigError(problem);
  const { epochs } = config;
  const more = epochs !== own.epochs || rate !== undefined;
  const { setting, optimizer, history, batch } = state;
  if (epochs <= history.epoch.length) {
    // The last one's checkpoint is from before its end.
    const done = history.epoch.length + Number(batch * setting.batchSize >= history.trainSamples);
    throw new RunConfigError(
      `${nameOf?.("epochs") ?? "epochs"} is ${epochs}, and the run has done ${done}: give more`,
    );
  }
  return {
    ...beside,
    config,
    ended: state.stopping === true && !more,
    state:
      rate === undefined
        ? state
        : {
            ...state,
            setting: {
              ...setting,
              optimizer: { ...setting.optimizer, learningRate: config.optimizer.learningRate! },
            },
            // What callbacks had made of the other rate.
            optimizer: { ...optimizer, learningRate: undefined },
          },
  };
}

/** Throws RunConfigError unless a dataset has the images that the run had: it would end with other bits. */
export function requireSameImages(
  { state: { setting }, test: kept, testLikeness }: Pick<Resumed, "state" | "test" | "testLikeness">,
  { name, train, validation, test }: Dataset,
): void {
  // Empty where an image could not be read, which is to be mended: shapes and labels are to be the same.
  const same = setting.data
    ? dataOf(train, validation) === setting.data && markOf(test) === kept
    : likenessOf(train, validation) === setting.likeness && likenessOf(test) === testLikeness;
  if (same) return;
  throw new RunConfigError(
    `the images of ${quoted(name)} are not those that the run to go on with has: give it those, or begin a new run from its weights`,
  );
}

/** What is given and cannot be changed. */
function changed(
  before: RunConfig,
  after: RunConfig,
  { optimizer }: RunOptions,
  nameOf: SettingName,
): string | undefined {
  const text = (value: unknown) => JSON.stringify(value);
  const { learningRate: _, ...was } = before.optimizer;
  const { learningRate: __, ...is } = { ...was, ...(isObject(optimizer) ? optimizer : {}) };
  if (typeof optimizer === "string" ? optimizer !== was.name : text(was) !== text(is))
    return `${nameOf("optimizer")} is ${show(optimizer)}, but the run to go on with has ${show(was)}: its learningRate alone may be another one`;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof RunConfig>) {
    if (FREE.has(key) || key === "optimizer" || key === "recipe" || text(before[key]) === text(after[key]))
      continue;
    return `${nameOf(key)} is ${show(after[key])}, but the run to go on with has ${show(before[key])}: leave it out`;
  }
  if (after.recipe !== undefined && before.epochs !== after.epochs)
    return `${nameOf("epochs")} is ${after.epochs}, but the rate of ${nameOf("recipe")} ${after.recipe} is stretched over the ${before.epochs} epochs of the run to go on with: leave it out, or give a rate of your own, too`;
  return undefined;
}

function isKept(value: unknown): value is Kept {
  return isObject(value) && isObject(value.config) && isObject(value.model) && Array.isArray(value.epochs);
}
