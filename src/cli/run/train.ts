import { DataError } from "../../data/errors.ts";
import type { Dataset } from "../../data/types.ts";
import { missingClasses } from "../../report/verdict.ts";
import type { BackboneSummary } from "../../run/base.ts";
import { type RunConfig, RunConfigError } from "../../run/config.ts";
import { NODE } from "../../run/node.ts";
import { type RunOutcome, runOn } from "../../run/run.ts";
import { wantedFor } from "../../run/targets.ts";
import type { ReadyRun, TrainedRun } from "../../run/types.ts";
import type { ModelView } from "../../train/callbacks.ts";
import type { WeightsTaken } from "../../train/check-weights.ts";
import { countsOf } from "../../train/validation.ts";
import { describeDataset, openDataset } from "../datasets.ts";
import { EXIT, InterruptedError, UsageError } from "../errors.ts";
import { withInterrupt } from "../interrupt.ts";
import { layerTable } from "../layer-table.ts";
import { formatCount, formatSeconds, type Output, printable, wrap } from "../output.ts";
import { trainProgress } from "../progress.ts";
import { asFlags, begin, resume, type TrainOptions } from "./begin.ts";
import type { RunFolder } from "./folder.ts";
import { openRun } from "./load.ts";
import { goOn, nextSteps } from "./next-steps.ts";
import { testLine } from "./print.ts";
import { recordOf } from "./record.ts";
import { RunWriter } from "./save.ts";
import { CHECKPOINT, RUN_FILES } from "./swap.ts";

/** Trains a model and fills a run folder. Returns the exit status: that of the signal which stopped it, if one did. */
export async function train(options: TrainOptions, output: Output): Promise<number> {
  const progress = trainProgress(output);
  const onStop = () => {
    progress.stop();
    const saving = progress.begun() ? " after this step, then saving" : "";
    output.notice(`Stopping${saving}; Ctrl-C again quits at once.`);
  };
  return withInterrupt(onStop, async (signal) => {
    const plan = options.resume === undefined ? await begin(options) : await resume(options.resume, options);
    const { folder, settings, checkpoint } = plan;
    const tell = () => tellOfKept(folder, output);
    // A second Ctrl-C ends the process before the code below is reached.
    process.once("exit", tell);
    try {
      if (plan.done) {
        output.notice(plan.done.text);
        output.document({ run: folder.path, files: [...RUN_FILES, CHECKPOINT], ...plan.done.record });
        return EXIT.ok;
      }
      const { source } = plan;
      const platform = {
        ...NODE,
        open: (place: string) => openRun(place),
        ...(source && {
          build: (_: RunConfig, dataset: Dataset) => source.build(dataset.train.shape, wantedFor(dataset)),
        }),
      };
      let writer: RunWriter | undefined;
      let trained: TrainedRun | undefined;
      const run = await runOn(platform, settings, {
        signal,
        load: (config) => openDataset({ ...config, offline: options.offline }, output, signal),
        onReady: (ready) => {
          writer = new RunWriter(folder, ready, output, checkpoint);
          introduce(ready, output, checkpoint !== undefined);
        },
        ...(checkpoint && { resume: checkpoint }),
        ...(plan.base && { base: plan.base }),
        ...(plan.checkpoints && { onCheckpoint: (bytes: Uint8Array) => writer!.checkpoint(bytes) }),
        callbacks: [
          progress,
          // What there is to warn of was said, with the classes' names.
          { onWarning: () => {} },
          { onEpochEnd: () => writer!.epochEnd() },
        ],
        onTrained: async (run) => {
          progress.stop();
          trained = run;
          // Weights first: whatever fails after this, the training is not lost.
          await writer!.saveWeights();
        },
      }).catch((error: unknown) => {
        if (error instanceof RunConfigError) throw new UsageError(asFlags(error.message), { cause: error });
        if (error instanceof DataError && progress.begun() && !trained)
          error.message += ` ${goingOn(folder, plan.checkpoints)}`;
        throw error === signal.reason && progress.begun() && !trained
          ? untrained(error as InterruptedError)
          : error;
      });
      try {
        return await conclude(run, { folder, writer: writer!, output, signal });
      } finally {
        run.learner.dispose();
      }
    } finally {
      progress.stop();
      folder.close();
      process.off("exit", tell);
      tell();
    }
  });
}

/** What to do where a file ended the training that its images are streamed from. */
function goingOn({ saved }: RunFolder, checkpoints: boolean): string {
  if (checkpoints && saved !== undefined) return `Then go on: ${goOn(saved)}`;
  return "With --checkpoint-every a run goes on from the batch before.";
}

/** A run that was to replace another, and came to an end before it was complete, is kept for a while. */
function tellOfKept(folder: RunFolder, output: Output): void {
  if (folder.saved === undefined || folder.saved === folder.path) return;
  output.notice(
    printable(
      `${folder.path} still holds the run that it held before; the last model saved of this one is in ${folder.saved}, until the next training there.`,
    ),
  );
}

interface Ending {
  readonly folder: RunFolder;
  readonly writer: RunWriter;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Prints how the run ended, and writes the rest of its files. Returns the exit status. */
async function conclude(run: RunOutcome, { folder, writer, output, signal }: Ending): Promise<number> {
  printOutcome(run, output);
  const record = recordOf(run);
  await writer.saveReport(run, record);
  const { config, stoppedBy } = run;
  const checkpoint = config.checkpointEvery !== undefined;
  output.print(`\n${nextSteps(folder.saved!, config, checkpoint && stoppedBy === "signal")}`);
  if (run.failure) throw savedIn(folder, run.failure);
  output.document({
    run: folder.path,
    files: checkpoint ? [...RUN_FILES, CHECKPOINT] : RUN_FILES,
    ...record,
  });
  return stoppedBy === "signal" ? (signal.reason as InterruptedError).exitCode : 0;
}

/** The error that ends a run whose weights are saved. */
function savedIn(folder: RunFolder, error: Error): Error {
  error.message = `${error.message.replace(/\.$/, "")}. The weights are saved in ${printable(folder.saved ?? folder.path)}`;
  return error;
}

function introduce({ config, dataset, learner, ...run }: ReadyRun, output: Output, goesOn: boolean): void {
  const { epochs, batchSize, recipe, loss, seed, optimizer, backend, threads = 1 } = config;
  const validation = run.validation?.count ?? 0;
  const { columns } = output;
  output.print(`${wrap(describeDataset(dataset), columns)}\n`);
  output.print(`${layerTable(learner.model.name, learner.model.rows, columns)}\n`);
  const plan =
    `Training on ${formatCount(run.training.count)} images${validation > 0 ? `, validating on ${formatCount(validation)}` : ""}: ` +
    `${epochs} epoch${epochs > 1 ? "s" : ""}, batch size ${batchSize}, ${optimizer.name}${recipe ? ` (recipe ${recipe})` : ""}, ${loss}, seed ${seed} ` +
    `(${backend}, ${threads} thread${threads > 1 ? "s" : ""})`;
  output.print(wrap(plan, columns));
  if (run.backbone) output.print(wrap(printable(builtOn(config, learner.model, run.backbone)), columns));
  if (run.from) output.print(wrap(printable(begunWith(config.from!, run.from)), columns));
  const { length } = run.recorder.epochs;
  if (goesOn)
    output.print(
      `Going on after ${length} epoch${length === 1 ? "" : "s"}, ${formatCount(run.recorder.trainedImages)} images`,
    );
  const { classNames, answers } = dataset;
  // Classes of pixels are no classes of images.
  if (answers) return;
  const missing = missingClasses({
    classNames,
    trainCounts: countsOf(run.training, classNames.length),
    validationCounts: run.validation && countsOf(run.validation, classNames.length),
  });
  const advice =
    config.validationFrom === "stratified"
      ? ""
      : " --validation-from stratified takes the same share of each class.";
  if (missing) output.notice(`Warning: ${missing.text}${advice}`);
}

/** What the model has of a backbone, and what is new. */
function builtOn({ base }: RunConfig, { rows }: ModelView, { cut, layers, frozen }: BackboneSummary): string {
  const which =
    frozen === 0 ? "none frozen" : frozen === layers ? "all frozen" : `the first ${frozen} frozen`;
  const count = (own: readonly { readonly parameters: number }[]) =>
    formatCount(own.reduce((sum, { parameters }) => sum + parameters, 0));
  return `Backbone: ${base} up to layer ${cut}, ${formatCount(layers)} layers of ${count(rows.slice(0, layers))} parameters, ${which}; the head's ${count(rows.slice(layers))} are drawn anew`;
}

/** Which weights of another model it begins with. */
function begunWith(place: string, { taken, kept, unused }: WeightsTaken): string {
  const all = kept.length === 0 ? "all" : `${taken.length} of ${taken.length + kept.length}`;
  const rest = [
    ...(kept.length > 0 ? [`drawn anew: ${kept.join(", ")}`] : []),
    ...(unused.length > 0 ? [`not taken: ${unused.join(", ")}`] : []),
  ];
  return `Beginning with the weights of ${place}: ${[`${all} parameters`, ...rest].join("; ")}`;
}

function printOutcome({ stoppedBy, kept, verdict, recorder, test }: RunOutcome, output: Output): void {
  const { trainedImages, trainSeconds, imagesPerSecond } = recorder;
  const outcome =
    `${stoppedBy ? "Stopped early" : "Trained"}: ${formatCount(trainedImages)} images in ${formatSeconds(trainSeconds)}, ` +
    `${formatCount(imagesPerSecond)} images/s${kept ? `; kept the weights of epoch ${kept.epoch + 1}` : ""}`;
  output.print(`\n${wrap(outcome, output.columns)}`);
  if (test) output.print(output.paint.bold(`Test ${testLine(test)}`));
  if (verdict) output.print(`\n${wrap(printable(`${verdict.text} ${verdict.tryText}`), output.columns)}`);
}

function untrained({ signal }: InterruptedError): InterruptedError {
  return new InterruptedError(signal, "stopped before the first training step: there is nothing to save");
}
