import type { TrainerInfo } from "../browser/types.ts";
import type { RunResult } from "../run/result.ts";
import type { EpochInfo, History, Logs } from "../train/callbacks.ts";
import type { Evaluation } from "../train/evaluate.ts";

/** `ready`: dataset and trainer are there, training begins. */
export interface ReadyDetail {
  readonly info: TrainerInfo;
  readonly parameters: number;
  readonly trainImages: number;
  readonly validationImages: number;
  readonly testImages: number;
}

/** `progress`: some 20 times a second, and at each epoch's last batch. Figures are means of the epoch so far. */
export interface ProgressDetail extends Logs {
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  /** Images done in this epoch, of `images`. */
  readonly seen: number;
  readonly images: number;
  readonly imagesPerSecond: number;
}

/** `epoch`: one is finished, validation included. */
export interface EpochDetail extends EpochInfo, Logs {
  readonly epochs: number;
}

/** `complete`: training has ended, by itself or by stop(), and the model is tested. */
export interface CompleteDetail {
  readonly history: History;
  readonly test: Evaluation;
  /** Training was stopped before its last epoch. */
  readonly stopped: boolean;
  /** The run for programs, as the command line's result.json has it: `result.configuration` is what repeats it. */
  readonly result: RunResult;
}

/** `warning`: what may keep the training from its best: training goes on. The element shows it, too. */
export interface WarningDetail {
  readonly message: string;
}

/** `error`: an attribute that can't be, data that can't be had, training that failed. */
export interface ErrorDetail {
  readonly error: Error;
  readonly message: string;
}

/** The element's events. All bubble and leave shadow trees. */
export interface TrainerEventMap {
  ready: CustomEvent<ReadyDetail>;
  progress: CustomEvent<ProgressDetail>;
  epoch: CustomEvent<EpochDetail>;
  complete: CustomEvent<CompleteDetail>;
  warning: CustomEvent<WarningDetail>;
  error: CustomEvent<ErrorDetail>;
}
