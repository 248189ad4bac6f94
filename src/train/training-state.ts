import type { ModelConfig } from "../nn/model-config.ts";
import type { OptimizerConfig } from "../optim/optimizer.ts";
import type { History } from "./history.ts";
import type { NamedTensor } from "./safetensors.ts";

/** What is there at once on the page's own thread, and comes as a promise from a worker. */
export type MaybePromise<T> = T | Promise<T>;

/** Raised when a state that is taken now could be misread by older versions. */
export const STATE_VERSION = 1;

/**
 * All that a training needs to go on to the same bits as if it had never been stopped: plain data of numbers, texts and typed
 * arrays, which structuredClone() and saveCheckpoint() take. Shuffles and dropout are drawn from the seed, the epoch and the
 * step: their numbers are not in it.
 */
export interface TrainingState {
  readonly version: number;
  /** The model's, as Model.toConfig() gives it. */
  readonly architecture: ModelConfig;
  readonly seed: number;
  readonly loss: string;
  /** What one epoch consists of. */
  readonly data: {
    readonly samples: number;
    readonly validationSamples: number;
    readonly batchSize: number;
    readonly shuffle: boolean;
  };
  /** All parameters, moving statistics included. */
  readonly weights: readonly NamedTensor[];
  readonly optimizer: {
    readonly name: string;
    readonly config: OptimizerConfig;
    /** Steps since compile(), or since a training diverged: what a schedule, Adam's correction and dropout count by. */
    readonly step: number;
    /** The rate that was set in place of the optimizer's own; null where none was. */
    readonly learningRate: number | null;
    /** Each of its vectors (momenta, means of squares) by the parameters that are trained. */
    readonly vectors: readonly (readonly NamedTensor[])[];
  };
  /** The epoch and the batch that come next. */
  readonly epoch: number;
  readonly batch: number;
  /** Whether callbacks were told that the epoch begins. */
  readonly begun: boolean;
  /** Seconds in training steps of the epoch so far, and the sums that its figures come from. */
  readonly seconds: number;
  readonly sums: readonly number[];
  readonly history: Pick<History, "history" | "epoch" | "trainSeconds" | "trainedSamples" | "steps">;
  /** What callbacks remember, by their names: best weights so far, how long there was no gain. */
  readonly callbacks: Readonly<Record<string, unknown>>;
}
