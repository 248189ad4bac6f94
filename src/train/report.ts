import type { Dataset } from "../data/types.ts";
import { isBuiltInLoss, type LossData, type LossName } from "../losses/names.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { isObject, isOptions, needed, some, type TableOf, text } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import type { EpochRecord } from "../report/epoch-record.ts";
import type { Configuration, ReportMachine } from "../report/types.ts";
import type { VerdictInput } from "../report/verdict.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Asked } from "./asked.ts";
import type { History } from "./callbacks.ts";
import { galleryOf } from "./gallery-of.ts";
import { isModel, type Model } from "./model.ts";
import { testOn } from "./test-model.ts";

/** What was trained: a compiled Model, or in a page the Trainer. */
export type Reported =
  | Model
  | (Asked & {
      readonly model: Model;
      readonly info: { readonly backend: string; readonly threads: number };
      getWeights(): Promise<NamedTensor[]>;
      weightsSha256(): Promise<string>;
    });

export interface ReportOptions {
  /** What the model was trained on. Its `test` images are asked about: for figures, confusion matrix and gallery. */
  readonly dataset: Dataset;
  /** What fit() returned. */
  readonly history: History;
  /** Default: "<model> on <dataset>". */
  readonly title?: string | undefined;
  /** Settings to list beside those that are known: those of fit(), say. `epochs` tells how many were planned. */
  readonly configuration?: Configuration | undefined;
  /** What it ran on. Default: what the runtime says of itself. */
  readonly machine?: ReportMachine | undefined;
}

const REPORT: Checked = {
  call: "createReport(model, *)",
  table: (): TableOf<ReportOptions> => ({
    dataset: needed(
      some<Dataset>(
        "a dataset: { name, classNames, train, test }",
        (value) => isObject(value) && isObject(value.test),
      ),
    ),
    history: needed(
      some<History>("what fit() returned", (value) => isObject(value) && Array.isArray(value.epoch)),
    ),
    title: text,
    configuration: some<Configuration>("an object of settings", isOptions, { batchSize: 32 }),
    machine: some<ReportMachine>("an object such as { cpu, cores, os }", isOptions),
  }),
};

/**
 * Tests a trained model and writes the report of its training, the same as the command line's: one HTML file with
 * curves, confusion matrix, figures by class, right and wrong answers, first filters and all settings.
 *
 * Throws RangeError on an option that is none; TypeError on what is no model; Error where the model is not compiled.
 */
export async function createReport(reported: Reported, options: ReportOptions): Promise<string> {
  const compiled = isModel(reported);
  if (!compiled && !(isObject(reported) && isModel(reported.model)))
    throw new TypeError(
      `createReport: got ${show(reported)}, expected a model that was trained, or a Trainer. Write: createReport(model, { dataset, history })`,
    );
  checkOptions(REPORT, options);
  // On demand: pages that train but write no report do not load it.
  const { reportHtml, reportOf, verdict } = await import("../report/index.ts");
  const { dataset, history, title, machine = runtime() } = options;
  const { classNames, test } = dataset;
  const model = compiled ? reported : reported.model;
  const loss = compiled ? reported.session.options.outputs[0]!.loss : options.configuration?.loss;
  const ranked = (isBuiltInLoss(loss) ? loss : "meanSquaredError") as LossName | LossData;
  const result = await testOn(reported, test, dataset, ranked);
  const given = Object.entries(options.configuration ?? {}).filter(([, setting]) => setting !== undefined);
  const configuration: Configuration = { ...settingsOf(reported), ...Object.fromEntries(given) };
  const { epochs, restoreBestWeights: by } = configuration;
  const records = recordsOf(history);
  const kept = history.bestEpoch;
  const found = verdict({
    history: records,
    // Without the loss nothing is known of what guessing costs.
    loss: typeof configuration.loss === "string" ? configuration.loss : undefined,
    ...(!dataset.answers && { classes: classNames.length }),
    classNames,
    ...optimizerOf(configuration),
    steps: history.steps,
    trainCounts: history.trainCounts,
    validationCounts: history.validationCounts,
    keptEpoch: kept,
  });
  const report = reportOf({
    title,
    dataset,
    images: { train: history.trainSamples, validation: history.validationSamples },
    model,
    weights: await reported.getWeights(),
    configuration,
    machine,
    history: records,
    plannedEpochs: typeof epochs === "number" ? epochs : undefined,
    stopped: history.stopped ? "early" : undefined,
    kept: kept === undefined ? undefined : { epoch: kept, ...(typeof by === "string" && { by }) },
    verdict: found,
    // A verdict on classes says what a warning says of them, and names them.
    warnings: found?.kind === "classes" ? [] : history.warnings,
    test: { ...result, ...(!result.images && { gallery: await galleryOf(result.outputs, test) }) },
    weightsSha256: await reported.weightsSha256(),
    timing: {
      trainSeconds: history.trainSeconds,
      imagesPerSecond: history.trainedSamples / history.trainSeconds,
    },
  });
  return reportHtml(report);
}

function recordsOf({ epoch, history }: History): EpochRecord[] {
  return epoch.map((number, i) => ({
    ...(Object.fromEntries(Object.entries(history).map(([name, figures]) => [name, figures[i]])) as {
      loss: number;
    }),
    epoch: number,
  }));
}

function settingsOf(reported: Reported): Configuration {
  if (!isModel(reported)) return { backend: reported.info.backend, threads: reported.info.threads };
  const { options, engine } = reported.session;
  const { optimizer, seed, preprocessing } = options;
  const { loss } = options.outputs[0]!;
  return {
    optimizer: { name: optimizer.name, ...optimizer.config },
    loss: typeof loss === "string" ? loss : loss.name,
    seed,
    backend: engine.backend,
    threads: engine.threads,
    preprocessing: { ...preprocessing },
  };
}

/** Its name, and its learning rate where that is constant: of what the model knows, or of settings that were given. */
function optimizerOf({ optimizer }: Configuration): Pick<VerdictInput, "optimizer" | "learningRate"> {
  const { name, learningRate } = isOptions(optimizer) ? optimizer : { name: optimizer };
  return {
    optimizer: typeof name === "string" ? name : undefined,
    learningRate: typeof learningRate === "number" ? learningRate : undefined,
  };
}

function runtime(): ReportMachine {
  const versions = globalThis.process?.versions;
  if (versions?.node) return { runtimes: { node: versions.node, v8: versions.v8 } };
  const { hardwareConcurrency: cores, userAgent } = navigator;
  return { cores, runtimes: { browser: userAgent } };
}
