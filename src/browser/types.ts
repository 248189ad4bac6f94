import type { Backend } from "../engine/engine.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { BatchInfo, Callbacks, EpochInfo, History, Logs, TrainInfo } from "../train/callbacks.ts";
import type { SetWeightsOptions, WeightsTaken } from "../train/check-weights.ts";
import type { CompileOptions, LayerActivation } from "../train/compiled-options.ts";
import type { EvaluateOptions, Evaluation, PredictOptions } from "../train/evaluate.ts";
import type { FitOptions } from "../train/fit.ts";
import type { Model } from "../train/model.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import type { Asking, Pixels, Samples } from "../train/samples.ts";
import type { Trainable } from "../train/trainable.ts";

export type {
  Backend,
  BatchInfo,
  Callbacks,
  EpochInfo,
  EvaluateOptions,
  Evaluation,
  FitOptions,
  History,
  LayerActivation,
  Logs,
  ModelMetadata,
  NamedTensor,
  Pixels,
  Samples,
  TrainInfo,
};

/** Where the worker script comes from. */
export interface WorkerOptions {
  /**
   * URL of the package's dist/browser/worker.js (`wasmgrad/worker`), for pages whose Content-Security-Policy forbids
   * blob: workers. Default: a blob of the script that the package embeds.
   */
  workerUrl?: string | URL | undefined;
}

export interface TrainerOptions extends CompileOptions, WorkerOptions {
  /**
   * URLs of ES modules, as the page sees them, that export losses and metrics of your own: the worker imports them, and
   * finds by its name each that `loss` and `metrics` hold. What they export may come from defineLoss() and defineMetric(),
   * or be a plain object as these take.
   */
  modules?: readonly (string | URL)[] | undefined;
}

/** What a trainer runs on. */
export interface TrainerInfo {
  readonly backend: Backend;
  /** Threads that compute, the training worker included. */
  readonly threads: number;
  readonly crossOriginIsolated: boolean;
  /** Why fewer threads compute than were asked for, where that is so. */
  readonly notice?: string;
}

/**
 * "paused": training sleeps between two steps. "failed": the worker ended, nothing but dispose() works any more;
 * `lastWeights` are still there.
 */
export type TrainerState = "idle" | "training" | "paused" | "failed" | "disposed";

/** Weights as they were at the end of an epoch. */
export interface EpochWeights {
  /** From 0. */
  readonly epoch: number;
  readonly tensors: readonly NamedTensor[];
}

/**
 * A model that trains in a worker: Model's methods, all asynchronous, and pause. Calls made while it trains are
 * served between two steps. Calls under way reject when the worker ends, or on dispose().
 */
export interface Trainer extends Trainable {
  /** The model given, after setTrainable() another: shapes, rows, configuration. The weights are in the worker. */
  readonly model: Model;
  readonly info: TrainerInfo;
  readonly state: TrainerState;
  /** Weights of the last finished epoch, kept on the page, so that they outlive a worker that was killed. */
  readonly lastWeights: EpochWeights | undefined;
  /**
   * As Model.fit. The arrays of a Samples object are sent to the worker once: what changes in them later is not
   * seen. onBatchEnd comes at most some 20 times a second, always for the first batch and an epoch's last, and is not waited for;
   * training waits for the other callbacks.
   */
  fit(samples: Samples, options?: FitOptions): Promise<History>;
  /** Training sleeps after the step under way, until resume() or stop(). Does nothing when idle. */
  pause(): void;
  resume(): void;
  /** Ends training after the step under way: fit resolves, with `stopped: true`. */
  stop(): void;
  evaluate(samples: Samples, options?: EvaluateOptions): Promise<Evaluation>;
  predict(images: Asking, options?: PredictOptions): Promise<Float32Array>;
  predict<Outputs extends Float32Array[]>(images: Asking, options?: PredictOptions): Promise<Outputs>;
  getWeights(): Promise<NamedTensor[]>;
  setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): Promise<WeightsTaken>;
  /**
   * As Model.setTrainable, in another worker: what is asked meanwhile the one before it answers. The model that the trainer was made of stays
   * as it is, `model` is one whose layers are so.
   */
  setTrainable(layers: string | readonly string[], trainable: boolean): Promise<void>;
  weightsSha256(): Promise<string>;
  /** Bytes of a model.safetensors, as saveModel() writes it. */
  save(metadata?: ModelMetadata): Promise<Uint8Array<ArrayBuffer>>;
  /** What each layer gives for one image; for a model of several inputs a list, or a record by their names. */
  activations(image: Samples["images"]): Promise<LayerActivation[]>;
  /** Ends all workers at once. */
  dispose(): void;
}
