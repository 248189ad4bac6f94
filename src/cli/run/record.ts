import { reportOf } from "../../report/report-of.ts";
import type { Configuration, Report } from "../../report/types.ts";
import type { RunOutcome } from "../../run/run.ts";
import { galleryOf } from "../../train/gallery-of.ts";
import { machine } from "../version.ts";

export type RunRecord = ReturnType<typeof recordOf>;

/** What `result.json` holds. */
export function recordOf({ result, learner }: RunOutcome) {
  const { startedAt, endedAt, ...figures } = result;
  const linearMemoryBytes = learner.model.session.engine.bytes;
  return { ...figures, linearMemoryBytes, machine: machine(), startedAt, endedAt };
}

/** What `report.html` is made of. */
export async function reportOfRun(run: RunOutcome): Promise<Report> {
  const { learner, recorder, config, stoppedBy } = run;
  const { trainSeconds, imagesPerSecond } = recorder;
  return reportOf({
    dataset: run.dataset,
    images: { train: run.training.count, validation: run.validation?.count ?? 0 },
    model: learner.model,
    weights: await learner.getWeights(),
    configuration: config as unknown as Configuration,
    machine: machine(),
    history: recorder.epochs,
    plannedEpochs: config.epochs,
    stopped: stoppedBy && (stoppedBy === "diverged" ? "diverged" : "early"),
    kept: run.kept,
    verdict: run.verdict,
    test: run.test && {
      ...run.test,
      ...(!run.test.images && { gallery: await galleryOf(run.test.outputs, run.dataset.test) }),
    },
    weightsSha256: run.weightsSha256,
    timing: { trainSeconds, imagesPerSecond },
  });
}
