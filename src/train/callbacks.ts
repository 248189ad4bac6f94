import type { Graph } from "../compiler/graph.ts";
import type { LayerRow } from "../model/build.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { BatchInfo, EpochInfo, History, Logs, TrainInfo } from "./history.ts";
import type { TrainingState } from "./training-state.ts";

export type { BatchInfo, EpochInfo, History, Logs, TrainInfo } from "./history.ts";

/** A model to look at: its layers, and the graph of ops that they make. */
export interface ModelView {
  readonly name: string;
  readonly graph: Graph;
  readonly rows: readonly LayerRow[];
}

/**
 * A training as its callbacks see it: they can stop it, set its rate, read and set its weights. In a worker's training what
 * reads answers with a promise, and what sets takes effect before the next step.
 */
export interface TrainingHandle {
  /** What is trained. */
  readonly model: ModelView;
  /**
   * The optimizer's rate for the next step. Setting it throws TypeError where the rate follows a schedule, RangeError unless
   * it is a number >= 0. It stays until it is set again, or the model compiled.
   */
  learningRate: number;
  /** Ends the training after the step under way, as aborting its signal does. */
  stop(): void;
  getWeights(): NamedTensor[] | Promise<NamedTensor[]>;
  /** Throws as Model.setWeights. */
  setWeights(tensors: readonly NamedTensor[]): unknown;
  /** All that the training needs to go on from here to the same bits, for `initialState` or saveCheckpoint(). */
  state(): TrainingState | Promise<TrainingState>;
}

/** A promise that comes back is waited for. */
type Told = void | Promise<void>;

/** What fit reports while it runs. */
export interface Callbacks {
  /** Told before training what is odd about what was given, in a sentence. Where no callback has it: console.warn. */
  onWarning?(text: string): Told;
  onTrainBegin?(info: TrainInfo, training: TrainingHandle): Told;
  onEpochBegin?(epoch: number, training: TrainingHandle): Told;
  onBatchEnd?(info: BatchInfo, logs: Logs, training: TrainingHandle): Told;
  onEpochEnd?(info: EpochInfo, logs: Logs, training: TrainingHandle): Told;
  onTrainEnd?(history: History, training: TrainingHandle): Told;
  /** What it must remember to go on after a stop: plain data and typed arrays, kept in a training's state. */
  state?(): unknown;
  /** Takes what state() gave, before onTrainBegin. */
  restore?(state: unknown): void;
}

/** What callbacks of the package may have besides. */
export interface OwnCallbacks extends Callbacks {
  /** Where the loss or a weight is not finite, training ends with history.diverged rather than with TrainingDivergedError. */
  readonly terminatesOnNaN?: boolean;
  /** Told after all others, wherever it stands: it saves what they made of it. */
  readonly comesLast?: boolean;
}

/** The hooks by name, and what each is told besides the training. */
export interface Hooks {
  onWarning: [text: string];
  onTrainBegin: [info: TrainInfo];
  onEpochBegin: [epoch: number];
  onBatchEnd: [info: BatchInfo, logs: Logs];
  onEpochEnd: [info: EpochInfo, logs: Logs];
  onTrainEnd: [history: History];
}
