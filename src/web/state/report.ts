import { galleryItems } from "../../report/gallery.ts";
import type { Configuration, Report } from "../../report/types.ts";
import { partsOf } from "../../run/run.ts";
import { firstFilters } from "../../train/report.ts";
import { download } from "./files.ts";
import { announce, dismiss, fault } from "./notices.ts";
import { bestOfAll, outcome } from "./outcome.ts";
import { runConfig } from "./settings.ts";
import { epochs, progress, type Subject, subject, totals } from "./subject.ts";
import { type TestResult, testResult } from "./test.ts";

/** Gives the visitor `report.html`: the same page as the command line's, of this run. */
export async function saveReport(): Promise<void> {
  const current = subject.value;
  const result = testResult.value;
  if (!current || !result) return;
  dismiss("file");
  try {
    const { reportHtml } = await import("../../report/html.ts");
    const gallery = galleryItems(result.picks, result.set);
    const report = { ...(await reportOf(current, result)), gallery };
    download("report.html", reportHtml(report), "text/html");
    announce("report.html was saved");
  } catch (error) {
    fault("file", error);
  }
}

async function reportOf(current: Subject, result: TestResult): Promise<Report> {
  const { trainer, name, classNames, data, settings } = current;
  const { model } = trainer;
  const { training, validation } = partsOf(data!.set, runConfig(settings));
  const trained = totals.value;
  return {
    title: `${name} on ${data!.set.name}`,
    dataset: {
      name: data!.set.name,
      classNames,
      imageShape: result.set.shape,
      trainCount: training.count,
      validationCount: validation?.count ?? 0,
      testCount: result.set.count,
    },
    model: { name, layers: model.rows, parameters: model.countParams() },
    configuration: configurationOf(current),
    machine: { cores: navigator.hardwareConcurrency, runtimes: { browser: navigator.userAgent } },
    history: epochs.value,
    plannedEpochs: progress.value?.epochs,
    stoppedBy: trained?.stopped ? "signal" : undefined,
    kept:
      trained?.bestEpoch === undefined
        ? undefined
        : { epoch: trained.bestEpoch, ...(bestOfAll.value && { by: "val_accuracy" as const }) },
    verdict: outcome.value,
    test: { loss: result.loss, accuracy: result.accuracy },
    confusion: result.confusion,
    filters: firstFilters(model.graph, await trainer.getWeights()),
    weightsSha256: await trainer.weightsSha256(),
    timing: {
      trainSeconds: trained?.trainSeconds ?? Number.NaN,
      imagesPerSecond: trained ? trained.trainedSamples / trained.trainSeconds : Number.NaN,
      date: trained?.date ?? new Date().toISOString(),
    },
  };
}

/** Every setting of the run, defaults filled in. */
function configurationOf({ settings, trainer, metadata }: Subject): Configuration {
  const { preprocessing, ...config } = runConfig(settings);
  const { backend, threads } = trainer.info;
  return {
    ...config,
    model: settings.model,
    epochs: epochs.value.length,
    backend,
    threads,
    preprocessing: { ...(metadata.preprocessing ?? preprocessing) },
  };
}
