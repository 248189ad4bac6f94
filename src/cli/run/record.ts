import type { Dataset } from "../../data/types.ts";
import { galleryItems, pickGallery } from "../../report/gallery.ts";
import type { KeptEpoch } from "../../report/kept.ts";
import type { Configuration, Report } from "../../report/types.ts";
import type { Verdict } from "../../report/verdict.ts";
import type { Model } from "../../train/model.ts";
import { firstFilters } from "../../train/report.ts";
import type { TestResult } from "../../train/test-model.ts";
import { machine } from "../version.ts";
import type { Recorder } from "./history.ts";

/** All that is known of a run when it has ended. */
export interface FinishedRun {
  readonly name: string;
  readonly model: Model;
  readonly dataset: Dataset;
  /** Every setting, defaults filled in. */
  readonly configuration: Configuration;
  readonly recorder: Recorder;
  readonly trainCount: number;
  readonly validationCount: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  /** undefined: the model's answers on the test set are not finite. */
  readonly test: TestResult | undefined;
  readonly weightsSha256: string;
  readonly startedAt: Date;
  /** Why training ended before its last epoch. */
  readonly stopped: "signal" | "diverged" | undefined;
  /** The epoch whose weights the model holds, where the best were asked for. */
  readonly kept: KeptEpoch | undefined;
  /** What went wrong, if anything. */
  readonly verdict: Verdict | undefined;
}

export type RunResult = ReturnType<typeof resultOf>;

/** What `result.json` holds. */
export function resultOf(run: FinishedRun) {
  const { model, recorder, test, dataset } = run;
  return {
    dataset: dataset.name,
    model: run.name,
    parameters: model.countParams(),
    epochs: run.epochs,
    epochsCompleted: recorder.epochs.length,
    batchSize: run.batchSize,
    seed: run.seed,
    backend: model.session.engine.backend,
    threads: model.session.engine.threads,
    trainSeconds: recorder.trainSeconds,
    imagesPerSecond: recorder.imagesPerSecond,
    trainedImages: recorder.trainedImages,
    stopped: run.stopped !== undefined,
    ...(run.stopped && { stoppedBy: run.stopped }),
    ...(run.kept && { bestEpoch: run.kept.epoch + 1 }),
    ...(run.verdict && { verdict: verdictOf(run.verdict) }),
    images: { train: run.trainCount, validation: run.validationCount, test: dataset.test.count },
    ...(test && { test: { loss: test.loss, accuracy: test.accuracy }, confusionMatrix: test.confusion }),
    classNames: dataset.classNames,
    weightsSha256: run.weightsSha256,
    history: recorder.epochs.map(({ epoch, loss, accuracy, val_loss, val_accuracy }) => ({
      epoch: epoch + 1,
      loss,
      accuracy,
      val_loss,
      val_accuracy,
    })),
    configuration: run.configuration,
    linearMemoryBytes: model.session.engine.bytes,
    machine: machine(),
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
  };
}

/** Epochs are numbered from 1 in what programs read. */
function verdictOf({ kind, epoch, text, tryText }: Verdict) {
  return { kind, ...(epoch !== undefined && { epoch: epoch + 1 }), text, try: tryText };
}

export function reportOf(run: FinishedRun): Report {
  const { model, recorder, dataset, test } = run;
  return {
    title: `${run.name} on ${dataset.name}`,
    dataset: {
      name: dataset.name,
      classNames: dataset.classNames,
      imageShape: dataset.train.shape,
      trainCount: run.trainCount,
      validationCount: run.validationCount,
      testCount: dataset.test.count,
    },
    model: { name: run.name, layers: model.rows, parameters: model.countParams() },
    configuration: run.configuration,
    machine: machine(),
    history: recorder.epochs,
    plannedEpochs: run.epochs,
    stoppedBy: run.stopped,
    kept: run.kept,
    verdict: run.verdict,
    ...(test && {
      test: { loss: test.loss, accuracy: test.accuracy },
      confusion: test.confusion,
      gallery: galleryItems(pickGallery(test.outputs, dataset.test.labels), dataset.test),
    }),
    filters: firstFilters(model.graph, model.getWeights()),
    weightsSha256: run.weightsSha256,
    timing: {
      trainSeconds: recorder.trainSeconds,
      imagesPerSecond: recorder.imagesPerSecond,
      date: new Date().toISOString(),
    },
  };
}
