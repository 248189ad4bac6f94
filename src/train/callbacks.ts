import type { AskedModel } from "./asked-model.ts";
import type { History } from "./history.ts";
import type { Logs } from "./logs.ts";
import type { NamedTensor } from "./safetensors.ts";
import type { MaybePromise, TrainingState } from "./training-state.ts";

export type { History } from "./history.ts";
export type { Logs } from "./logs.ts";

export interface TrainInfo {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Training samples in an epoch, validation excluded. */
  readonly samples: number;
  readonly validationSamples: number;
  readonly batchSize: number;
}

export interface BatchInfo {
  /** From 0. */
  readonly epoch: number;
  readonly batch: number;
  /** Training samples done in this epoch. */
  readonly seen: number;
  /** Of the epoch so far: samples per second of training steps. */
  readonly imagesPerSecond: number;
}

export interface EpochInfo {
  readonly epoch: number;
  /** Seconds in training steps, batch assembly and optimizer included, and in validation. */
  readonly trainSeconds: number;
  readonly validationSeconds: number;
  readonly imagesPerSecond: number;
  readonly learningRate: number;
}

/**
 * The training under way, as callbacks have it in hand: the last argument of their hooks. What is set holds from the next
 * step on. In a page the training is in a worker: what is asked of it comes as a promise.
 */
export interface TrainingHandle {
  /** What can be asked meanwhile: evaluate(), predict(), … */
  readonly model: AskedModel;
  /** The epoch and the batch that come next, from 0: of an epoch that has ended, the one after it. */
  readonly epoch: number;
  readonly batch: number;
  /** Training steps done, those before a restored state included. */
  readonly steps: number;
  /** Figures that onEpochEnd is told, by name, and which of their values are the better. */
  readonly figures: Readonly<Record<string, "min" | "max">>;
  /**
   * The rate of the next step. A rate that is set takes the place of the optimizer's number or schedule until another is
   * set, or this training ends. Throws RangeError unless it is a number >= 0.
   */
  learningRate: number;
  /** Ends training after the step under way: fit resolves, with `stopped: true`. */
  stop(): void;
  getWeights(): MaybePromise<NamedTensor[]>;
  /** As Model.setWeights. */
  setWeights(tensors: readonly NamedTensor[]): MaybePromise<void>;
  /** All that the training needs to go on later as if it had never been stopped. */
  state(): MaybePromise<TrainingState>;
}

/**
 * What fit reports while it runs, and what may act on it through the training's handle. A hook may return a promise: fit
 * waits for it.
 */
export interface Callbacks {
  /** What its state goes by in a training's state. Default "callback"; several of one name are numbered. */
  readonly name?: string | undefined;
  /** Called after those that are not last, wherever it stands in the list: what saves states sees what all others did. */
  readonly last?: boolean | undefined;
  /** Told before training what is odd about what was given, in a sentence. Where no callback has it: console.warn. */
  onWarning?(text: string): void | Promise<void>;
  onTrainBegin?(info: TrainInfo, training: TrainingHandle): void | Promise<void>;
  onEpochBegin?(epoch: number, training: TrainingHandle): void | Promise<void>;
  onBatchEnd?(info: BatchInfo, logs: Logs, training: TrainingHandle): void | Promise<void>;
  onEpochEnd?(info: EpochInfo, logs: Logs, training: TrainingHandle): void | Promise<void>;
  onTrainEnd?(history: History, training: TrainingHandle): void | Promise<void>;
  /** What it remembers, as plain data: it travels in the training's state. */
  state?(): unknown;
  /** Takes back what state() gave: after onTrainBegin, where a training is restored. */
  restore?(state: unknown, training: TrainingHandle): void | Promise<void>;
}
