import type { Dataset } from "../../data/types.ts";
import type { LossName } from "../../nn/losses.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { verdict } from "../../report/verdict.ts";
import type { History, Logs } from "../../train/callbacks.ts";
import { TrainingDivergedError } from "../../train/errors.ts";
import { countsOf, type Part } from "../../train/validation.ts";
import type { Recorder } from "./history.ts";
import type { FinishedRun } from "./record.ts";

/** What a training was made of, as far as it matters for what went wrong with it. */
export interface Judged {
  readonly optimizer: Optimizer;
  readonly loss: LossName;
  readonly batchSize: number;
  readonly recipe: string | undefined;
  /** The figure that chose the weights to keep; undefined: none did. */
  readonly restoreBest: keyof Logs | undefined;
  readonly dataset: Dataset;
  readonly training: Part;
  readonly validation: Part | undefined;
}

/** The epoch whose weights were kept, and what went wrong. */
export function judge(
  { optimizer, dataset, training, validation, ...job }: Judged,
  recorder: Recorder,
  ended: History | TrainingDivergedError,
): Pick<FinishedRun, "kept" | "verdict"> {
  const diverged = ended instanceof TrainingDivergedError ? ended : undefined;
  const bestEpoch = ended instanceof TrainingDivergedError ? undefined : ended.bestEpoch;
  const classes = dataset.classNames.length;
  const { learningRate } = optimizer.config;
  return {
    kept: bestEpoch === undefined ? undefined : { epoch: bestEpoch, by: job.restoreBest },
    verdict: verdict({
      history: recorder.epochs,
      loss: job.loss,
      classes,
      classNames: dataset.classNames,
      trainCounts: countsOf(training, classes),
      validationCounts: validation && countsOf(validation, classes),
      optimizer: optimizer.name,
      // A recipe's rate follows a schedule.
      learningRate: typeof learningRate === "number" && !job.recipe ? learningRate : undefined,
      steps: Math.ceil(recorder.trainedImages / job.batchSize),
      firstLoss: recorder.firstLoss,
      diverged,
      keptEpoch: bestEpoch,
    }),
  };
}
