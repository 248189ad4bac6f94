import { verdict } from "../report/verdict.ts";
import type { History } from "../train/callbacks.ts";
import { TrainingDivergedError } from "../train/errors.ts";
import { countsOf } from "../train/validation.ts";
import type { Recorder } from "./recorder.ts";
import type { Judgement, ReadyRun } from "./types.ts";

/** The epoch whose weights were kept, and what went wrong. */
export function judge(
  { config, dataset, training, validation }: Pick<ReadyRun, "config" | "dataset" | "training" | "validation">,
  recorder: Recorder,
  ended: History | TrainingDivergedError,
): Judgement {
  const diverged = ended instanceof TrainingDivergedError ? ended : undefined;
  const bestEpoch = ended instanceof TrainingDivergedError ? undefined : ended.bestEpoch;
  const { restoreBest, optimizer } = config;
  const classes = dataset.classNames.length;
  return {
    kept:
      bestEpoch === undefined
        ? undefined
        : { epoch: bestEpoch, by: restoreBest === "none" ? undefined : restoreBest },
    verdict: verdict({
      history: recorder.epochs,
      loss: config.loss,
      classes,
      classNames: dataset.classNames,
      trainCounts: countsOf(training, classes),
      validationCounts: validation && countsOf(validation, classes),
      optimizer: optimizer.name,
      // A recipe's rate follows a schedule.
      learningRate: typeof optimizer.learningRate === "number" ? optimizer.learningRate : undefined,
      steps: Math.ceil(recorder.trainedImages / config.batchSize),
      firstLoss: recorder.firstLoss,
      diverged,
      keptEpoch: bestEpoch,
    }),
  };
}
