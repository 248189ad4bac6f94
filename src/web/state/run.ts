import { effect } from "@preact/signals";
import type { Backup } from "../../browser/backup.ts";
import { pagePlatform } from "../../browser/run.ts";
import type { Trainer } from "../../browser.ts";
import { callbacksOf } from "../../run/callbacks.ts";
import { compileOptions, prepareRun, trainRun } from "../../run/run.ts";
import { StateError } from "../../train/check-state.ts";
import { TrainingDivergedError } from "../../train/errors.ts";
import type { Model } from "../../train/model.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import type { TrainingState } from "../../train/training-state.ts";
import { WORKER_URL } from "../worker-url.ts";
import { cancelLoading, dataset, ensureDataset, type Loaded } from "./dataset.ts";
import { glance, lookAtTestImages } from "./glance.ts";
import { forgetTraining, keepNow, keepTraining, tellCutOff } from "./keeping.ts";
import { LiveCurve } from "./live-curve.ts";
import { announce, dismiss, fault, notify } from "./notices.ts";
import { divergedAt, forgetOutcome } from "./outcome.ts";
import { runConfig, type Settings } from "./settings.ts";
import { built, problem, settings } from "./setup.ts";
import {
  curve,
  curveVersion,
  epochs,
  phase,
  progress,
  running,
  type Subject,
  subject,
  totals,
  weights,
} from "./subject.ts";
import { forgetTest, runTest } from "./test.ts";
import { watch, watchWeights } from "./watch.ts";

/** Counts starts: one that was overtaken by another, or by stop(), comes to nothing. */
let attempt = 0;

/** Begins to make a model ready. Returns whether nothing has overtaken it. */
export function prepare(): () => boolean {
  const own = ++attempt;
  phase.value = "preparing";
  return () => own === attempt;
}

/** Trains the chosen model anew on the chosen dataset. Faults become notices. */
export async function start(): Promise<void> {
  if (phase.value !== "idle" || problem.value) return;
  const own = ++attempt;
  phase.value = "preparing";
  dismiss("training");
  dismiss("recovery");
  forgetOutcome();
  dismiss("kept");
  announce("Preparing");
  // What goes wrong with a dataset is told where it is loaded.
  const data = await chosenDataset().catch(() => undefined);
  if (own !== attempt) return;
  try {
    const { model } = built.value;
    if (!data || !model || problem.value) {
      phase.value = "idle";
      return;
    }
    const chosen = settings.value;
    const platform = { ...pagePlatform(WORKER_URL), build: () => model };
    const { learner, metadata } = await prepareRun(platform, runConfig(chosen), {
      load: async () => data.set,
    });
    if (own !== attempt) {
      learner.dispose();
      return;
    }
    replaceSubject({
      trainer: learner,
      name: chosen.model,
      classNames: data.set.classNames,
      settings: chosen,
      data,
      metadata,
      origin: "trained here",
    });
  } catch (error) {
    if (own === attempt) {
      phase.value = "idle";
      tellFault(error);
    }
    return;
  }
  await fit(subject.value!, 0);
}

/** The chosen dataset; where another is chosen meanwhile, that. */
async function chosenDataset(): Promise<Loaded> {
  for (;;) {
    const { dataset: name, images } = settings.value;
    const data = await ensureDataset(name, images);
    if (settings.value.dataset === name && settings.value.images === images) return data;
  }
}

/** A schedule that ends at 0 comes as near as rounding lets it. */
const LEAST_RATE = 1e-12;

/** Trains the subject for as many epochs more as the settings say. */
export async function trainOn(): Promise<void> {
  const current = subject.value;
  if (phase.value !== "idle" || !current?.data) return;
  const rate = epochs.value.at(-1)?.learningRate ?? 1;
  if (rate < LEAST_RATE) {
    notify(
      "training",
      "The schedule has brought the learning rate to 0: training on would change nothing. Give it more steps, or take another, and press Restart.",
    );
    return;
  }
  attempt++;
  dismiss("training");
  dismiss("recovery");
  forgetOutcome();
  // The worker may have ended while nobody trained.
  if (current.trainer.state === "failed") await recover(current);
  await fit(subject.value!, (epochs.value.at(-1)?.epoch ?? -1) + 1);
}

/** Ends the run and begins anew; the model at hand stays until the new one is ready. */
export async function restart(): Promise<void> {
  if (running.value) {
    attempt++;
    subject.value!.trainer.stop();
    phase.value = "idle";
  }
  await start();
}

export function pause(): void {
  if (phase.value !== "training") return;
  subject.value!.trainer.pause();
  phase.value = "paused";
  announce("Paused");
  void keepNow();
}

export function resume(): void {
  if (phase.value !== "paused") return;
  subject.value!.trainer.resume();
  phase.value = "training";
  announce("Training goes on");
}

/** After the step under way; while things are made ready, at once. */
export function stop(): void {
  if (running.value) {
    phase.value = "stopping";
    subject.value!.trainer.stop();
  } else if (phase.value === "preparing") {
    attempt++;
    cancelLoading();
    phase.value = "idle";
    announce("Stopped");
  }
}

/** A trainer with the settings' engine, optimizer and seed, for a model that was trained before. */
export async function openTrainer(
  model: Model,
  chosen: Settings,
  preprocessing: ModelMetadata["preprocessing"],
): Promise<Trainer> {
  const config = runConfig(chosen);
  return pagePlatform(WORKER_URL).ready(
    model,
    compileOptions({ ...config, preprocessing: preprocessing ?? config.preprocessing }, 0),
  );
}

/** Makes a model the one that is looked at; what is known of the one before is forgotten. */
export function replaceSubject(next: Subject): void {
  subject.value?.trainer.dispose();
  forgetTest();
  forgetOutcome();
  epochs.value = [];
  totals.value = undefined;
  progress.value = undefined;
  weights.value = undefined;
  glance.value = undefined;
  curve.current = new LiveCurve();
  curveVersion.value++;
  subject.value = next;
}

/** What a training goes on from that was cut off. */
interface GoesOn {
  readonly backup: Backup;
  readonly state: TrainingState;
  /** Number of the epoch, from 1, that is to end it. */
  readonly plannedEpochs: number;
}

/** Trains for as many epochs as the settings say, or goes on to the end of a training that was cut off. */
export async function fit(current: Subject, initialEpoch: number, goesOn?: GoesOn): Promise<void> {
  const own = attempt;
  const { trainer, settings: made } = current;
  const { set } = current.data as Loaded;
  const planned = goesOn && goesOn.plannedEpochs - initialEpoch;
  const config = runConfig({ ...made, epochs: planned ?? settings.value.epochs });
  const last = initialEpoch + config.epochs;
  const backup = keepTraining(current, initialEpoch, last, goesOn?.backup);
  phase.value = "training";
  announce(`Training for ${last - initialEpoch} epochs`);
  const stopWatching = watchWeights(current);
  try {
    const run = { learner: trainer, dataset: set, config };
    const callbacks = [...(await callbacksOf(config.callbacks ?? [], undefined)), watch(current), backup];
    const { ended, stoppedBy } = await trainRun(run, { callbacks }, initialEpoch, undefined, goesOn?.state);
    // What to do about it is told with the run's outcome.
    const diverged = ended instanceof TrainingDivergedError ? ended : ended.diverged;
    if (diverged && own === attempt) divergedAt.value = { epoch: diverged.epoch, batch: diverged.batch };
    if (diverged) await tellCutOff(backup, { epoch: diverged.epoch, batch: diverged.batch });
    else void forgetTraining(backup);
    if (!(ended instanceof TrainingDivergedError)) {
      // The visitor stops it by the trainer, which a callback does as well.
      if (stoppedBy === "callback" && own === attempt && phase.peek() !== "stopping") tellStopped(last);
      totals.value = {
        trainSeconds: (totals.value?.trainSeconds ?? 0) + ended.trainSeconds,
        trainedSamples: (totals.value?.trainedSamples ?? 0) + ended.trainedSamples,
        stopped: ended.stopped,
        bestEpoch: ended.bestEpoch,
        firstEpoch: initialEpoch,
        plannedEpochs: last,
        date: new Date().toISOString(),
      };
    }
  } catch (error) {
    const failed = trainer.state === "failed";
    if (own === attempt) {
      tellFault(error);
      if (failed) await recover(current);
    }
    // A state that does not fit never will; all else, memory that is short, say, may pass.
    if (error instanceof StateError) await forgetTraining(backup);
    else await tellCutOff(backup);
  } finally {
    stopWatching();
  }
  if (own !== attempt || subject.value?.trainer.state === "disposed") return;
  phase.value = "testing";
  weights.value = await subject.value!.trainer.getWeights().catch(() => weights.value);
  await lookAtTestImages(subject.value!).catch(() => {});
  await runTest();
  if (own === attempt) phase.value = "idle";
}

/** That a callback ended the training. */
function tellStopped(planned: number): void {
  const text = `Training stopped early, after epoch ${(epochs.value.at(-1)?.epoch ?? 0) + 1} of ${planned}: what is watched had not become better. “Stop early” of the advanced settings does that.`;
  notify("training", text);
  announce(text);
}

/** After a worker that ended: a new one, with the weights as they were at the end of the last epoch. */
async function recover(current: Subject): Promise<void> {
  const kept = current.trainer.lastWeights;
  try {
    const trainer = await openTrainer(
      current.trainer.model,
      current.settings,
      current.metadata.preprocessing,
    );
    if (kept) await trainer.setWeights(kept.tensors);
    const replaced = { ...current, trainer };
    current.trainer.dispose();
    subject.value = replaced;
    epochs.value = epochs.value.filter(({ epoch }) => kept !== undefined && epoch <= kept.epoch);
    notify(
      "recovery",
      kept
        ? `The model has the weights that it had after epoch ${kept.epoch + 1}. "Train on" continues from there.`
        : "No epoch was finished: train again to start over.",
    );
  } catch (error) {
    fault("recovery", error);
  }
}

function tellFault(error: unknown): void {
  fault("training", error);
  announce("Training failed");
}

/** A model from a file gets its dataset once that is here: then it can be tested and trained on. */
effect(() => {
  const data = dataset.value;
  const current = subject.value;
  if (!data || !current || current.data || !fits(current, data)) return;
  subject.value = { ...current, data };
});

function fits({ trainer, classNames, metadata }: Subject, { set }: Loaded): boolean {
  return (
    set.train.shape.join() === trainer.model.inputShape.join() &&
    set.classNames.length === classNames.length &&
    (metadata.dataset === undefined || metadata.dataset === set.name)
  );
}

/** Leaving the page would end the training: the browser asks first, but only then. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault();
effect(() => {
  if (running.value) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
});
