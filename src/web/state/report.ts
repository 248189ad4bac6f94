import { reportOf } from "../../report/report-of.ts";
import type { Configuration, Report } from "../../report/types.ts";
import { partsOf } from "../../run/run.ts";
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
    download("report.html", reportHtml(await pageReport(current, result)), "text/html");
    announce("report.html was saved");
  } catch (error) {
    fault("file", error);
  }
}

async function pageReport(current: Subject, result: TestResult): Promise<Report> {
  const { trainer, name, classNames, data, settings } = current;
  const { set } = data!;
  const { training, validation } = partsOf(set, runConfig(settings));
  const trained = totals.value;
  return reportOf({
    dataset: { name: set.name, classNames, train: set.train, test: result.set },
    images: { train: training.count, validation: validation?.count ?? 0 },
    model: trainer.model,
    modelName: name,
    weights: await trainer.getWeights(),
    configuration: configurationOf(current),
    machine: { cores: navigator.hardwareConcurrency, runtimes: { browser: navigator.userAgent } },
    history: epochs.value,
    plannedEpochs: progress.value?.epochs,
    stopped: trained?.stopped ? "early" : undefined,
    kept:
      trained?.bestEpoch === undefined
        ? undefined
        : { epoch: trained.bestEpoch, ...(bestOfAll.value && { by: "val_accuracy" as const }) },
    verdict: outcome.value,
    test: result,
    weightsSha256: await trainer.weightsSha256(),
    timing: {
      trainSeconds: trained?.trainSeconds ?? Number.NaN,
      imagesPerSecond: trained ? trained.trainedSamples / trained.trainSeconds : Number.NaN,
      date: trained?.date,
    },
  });
}

/** Every setting of the run, defaults filled in. */
function configurationOf({ settings, trainer, metadata }: Subject): Configuration {
  const { preprocessing, ...config } = runConfig(settings);
  const { backend, threads } = trainer.info;
  return {
    ...config,
    loss: settings.loss,
    model: settings.model,
    epochs: epochs.value.length,
    backend,
    threads,
    preprocessing: { ...(metadata.preprocessing ?? preprocessing) },
  };
}
