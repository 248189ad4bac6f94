import { galleryItems, pickGallery } from "../../report/gallery.ts";
import type { Configuration, Report } from "../../report/types.ts";
import type { RunOutcome } from "../../run/run.ts";
import { firstFilters } from "../../train/report.ts";
import { machine } from "../version.ts";

export type RunRecord = ReturnType<typeof recordOf>;

/** What `result.json` holds. */
export function recordOf({ result, learner }: RunOutcome) {
  const { startedAt, endedAt, ...figures } = result;
  const linearMemoryBytes = learner.model.session.engine.bytes;
  return { ...figures, linearMemoryBytes, machine: machine(), startedAt, endedAt };
}

export function reportOf(run: RunOutcome): Report {
  const { learner, recorder, dataset, test, config } = run;
  const { model } = learner;
  return {
    title: `${model.name} on ${dataset.name}`,
    dataset: {
      name: dataset.name,
      classNames: dataset.classNames,
      imageShape: dataset.train.shape,
      trainCount: run.training.count,
      validationCount: run.validation?.count ?? 0,
      testCount: dataset.test.count,
    },
    model: { name: model.name, layers: model.rows, parameters: model.countParams() },
    configuration: config as unknown as Configuration,
    machine: machine(),
    history: recorder.epochs,
    plannedEpochs: config.epochs,
    stoppedBy: run.stoppedBy,
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
