import { intersectionsOverUnions } from "../report/metrics.ts";
import type { Verdict } from "../report/verdict.ts";
import { figuresOf } from "./config.ts";
import type { EndedRun } from "./types.ts";

/** Those of an epoch, by name. */
type Figures = { readonly loss: number } & {
  readonly [figure in "accuracy" | "val_loss" | "val_accuracy"]?: number | undefined;
};

/** A run for programs: what its `result.json` holds, but for the machine and the memory. Epochs count from 1. */
export type RunResult = ReturnType<typeof resultOf>;

export function resultOf(run: EndedRun) {
  const { config, recorder, test, dataset, learner } = run;
  const figures = figuresOf(config);
  const names = [...figures, ...figures.map((name) => `val_${name}`)];
  return {
    dataset: dataset.name,
    model: learner.model.name,
    parameters: learner.model.countParams(),
    epochs: config.epochs,
    epochsCompleted: recorder.epochs.length,
    batchSize: config.batchSize,
    seed: config.seed,
    backend: learner.info.backend,
    threads: learner.info.threads,
    trainSeconds: recorder.trainSeconds,
    imagesPerSecond: recorder.imagesPerSecond,
    trainedImages: recorder.trainedImages,
    stopped: run.stoppedBy !== undefined,
    ...(run.stoppedBy && { stoppedBy: run.stoppedBy }),
    ...(run.kept && { bestEpoch: run.kept.epoch + 1 }),
    ...(run.verdict && { verdict: verdictOf(run.verdict) }),
    images: {
      train: run.training.count,
      validation: run.validation?.count ?? 0,
      test: dataset.test.count,
    },
    ...(test && {
      test: {
        loss: test.loss,
        accuracy: test.accuracy,
        ...test.figures,
        ...(test.images?.pixels && { iou: intersectionsOverUnions(test.images.pixels) }),
      },
      ...(test.confusion.length > 0 && { confusionMatrix: test.confusion }),
    }),
    ...(dataset.answers?.kind !== "numbers" && { classNames: dataset.classNames }),
    weightsSha256: run.weightsSha256,
    history: recorder.epochs.map((row) => ({
      epoch: row.epoch + 1,
      ...(Object.fromEntries(names.map((name) => [name, row[name]])) as Figures),
    })),
    configuration: config,
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
  };
}

function verdictOf({ kind, epoch, text, tryText }: Verdict) {
  return { kind, ...(epoch !== undefined && { epoch: epoch + 1 }), text, try: tryText };
}
