import type { DataError } from "../data/errors.ts";
import type { Dataset } from "../data/types.ts";
import type { KeptEpoch } from "../report/kept.ts";
import type { Verdict } from "../report/verdict.ts";
import type { History } from "../train/callbacks.ts";
import type { WeightsTaken } from "../train/check-weights.ts";
import type { NonFiniteError, TrainingDivergedError } from "../train/errors.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import type { TestResult } from "../train/test-model.ts";
import type { Part } from "../train/validation.ts";
import type { BackboneSummary } from "./base.ts";
import type { RunConfig } from "./config.ts";
import type { Learner } from "./learner.ts";
import type { Recorder } from "./recorder.ts";

/** What a training consists of, once all is loaded. */
export interface ReadyRun<L extends Learner = Learner> {
  /** With the backend and the threads that compute. */
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly learner: L;
  readonly training: Part;
  /** undefined: no validation. */
  readonly validation: Part | undefined;
  /** What the model's file says besides the weights. */
  readonly metadata: ModelMetadata;
  readonly startedAt: Date;
  /** Whose weights it began with, and which of them. */
  readonly from?: WeightsTaken | undefined;
  /** What it has of the backbone that its settings name. */
  readonly backbone?: BackboneSummary | undefined;
  /** What is recorded of it: of a run that goes on, what was before. */
  readonly recorder: Recorder;
}

export interface TrainedRun<L extends Learner = Learner> extends ReadyRun<L> {
  /** What fit() gave; or, where the loss was no longer finite, its error: the model has its last good weights then. */
  readonly ended: History | TrainingDivergedError;
  /** Why training ended before its last epoch; undefined where it did not. */
  readonly stoppedBy: StoppedBy | undefined;
}

/** signal: it was aborted. callback: one of them called training.stop(). diverged: the loss was no longer finite. */
export type StoppedBy = "signal" | "callback" | "diverged";

/** What became of a training. */
export interface Judgement {
  /** The epoch whose weights the model holds, where the best were asked for. */
  readonly kept: KeptEpoch | undefined;
  /** What went wrong, if anything. */
  readonly verdict: Verdict | undefined;
}

/** A run that was tested. */
export interface EndedRun<L extends Learner = Learner> extends TrainedRun<L>, Judgement {
  /** undefined: the model's answers on the test set are not finite, or images of it could not be read. */
  readonly test: TestResult | undefined;
  /** What kept the run from a good end: the loss, or the test, is not finite; images of the test could not be read. */
  readonly failure: TrainingDivergedError | NonFiniteError | DataError | undefined;
  readonly weightsSha256: string;
}
