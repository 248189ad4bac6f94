import { lossName } from "../losses/names.ts";
import { type VerdictInput, verdict } from "../report/verdict.ts";
import type { History } from "../train/callbacks.ts";
import { TrainingDivergedError } from "../train/errors.ts";
import { countsOf } from "../train/validation.ts";
import type { RunConfig } from "./config.ts";
import type { Recorder } from "./recorder.ts";
import type { Judgement, ReadyRun } from "./types.ts";

/** The epoch whose weights were kept, and what went wrong. */
export function judge(
  { config, dataset, training, validation }: Pick<ReadyRun, "config" | "dataset" | "training" | "validation">,
  recorder: Recorder,
  ended: History | TrainingDivergedError,
): Judgement {
  const diverged = ended instanceof TrainingDivergedError ? ended : ended.diverged;
  const bestEpoch = ended instanceof TrainingDivergedError ? undefined : ended.bestEpoch;
  const { restoreBest } = config;
  return {
    kept:
      bestEpoch === undefined
        ? undefined
        : { epoch: bestEpoch, by: restoreBest === "none" ? undefined : restoreBest },
    verdict: verdict({
      ...circumstances(config, dataset.classNames, { training, validation }),
      history: recorder.epochs,
      steps: Math.ceil(recorder.trainedImages / config.batchSize),
      firstLoss: recorder.firstLoss,
      diverged,
      keptEpoch: bestEpoch,
    }),
  };
}

/** What a verdict needs to know of a run, however it went. `parts` undefined: nothing is known of its images. */
export function circumstances(
  { loss, targets = "labels", optimizer: { name, learningRate } }: RunConfig,
  classNames: readonly string[],
  parts: Pick<ReadyRun, "training" | "validation"> | undefined,
): Omit<VerdictInput, "history"> {
  const classes = classNames.length;
  return {
    loss: lossName(loss),
    // Of images guesses are not known.
    ...(targets === "labels" && { classes }),
    classNames,
    trainCounts: parts && countsOf(parts.training, classes),
    validationCounts: parts?.validation && countsOf(parts.validation, classes),
    optimizer: name,
    // A recipe's rate follows a schedule.
    learningRate: typeof learningRate === "number" ? learningRate : undefined,
  };
}
