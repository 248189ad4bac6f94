import { effect, signal, untracked } from "@preact/signals";
import { UnusableError } from "../../browser/pieces.ts";
import { ModelError } from "../../compiler/errors.ts";
import { modelOfData } from "../../run/build-model.ts";
import { isState } from "../../train/check-state.ts";
import { dataOf } from "../../train/mark.ts";
import type { TrainingState } from "../../train/training-state.ts";
import { dataset, ensureDataset, isOpened, type Loaded, useOpened } from "./dataset.ts";
import { type CutOff, canLoad, cutOff, forgetTraining, keptData } from "./keeping.ts";
import { LiveCurve } from "./live-curve.ts";
import { dismiss, fault, notices, notify } from "./notices.ts";
import { pickFiles } from "./open-files.ts";
import { fit, openTrainer, prepare, replaceSubject } from "./run.ts";
import { CUSTOM, DEFAULT_RATE, DEFAULTS, type Settings } from "./settings.ts";
import { change } from "./setup.ts";
import { curve, curveVersion, epochs, phase, subject, totals } from "./subject.ts";

/** A training that goes on once its images are opened again. */
const waiting = signal<CutOff | undefined>(undefined);

const ABOUT = "interrupted";
const aboutOf = ({ backup }: CutOff) => `${ABOUT} ${backup.name}`;

/** While nothing trains, each training that can go on is offered. */
effect(() => {
  const offered = phase.value === "idle" ? cutOff.value : [];
  const waits = waiting.value;
  untracked(() => {
    const abouts = new Set(offered.map(aboutOf));
    for (const { about } of notices.value) if (about.startsWith(ABOUT) && !abouts.has(about)) dismiss(about);
    for (const cut of offered) offer(cut, cut === waits);
  });
});

function offer(cut: CutOff, waits: boolean): void {
  const { divergedAt, plannedEpochs, epoch, settings, metadata, time } = cut.run;
  const model = settings.model === CUSTOM ? "your own layers" : settings.model;
  const name = `${model} on ${metadata.dataset ?? settings.dataset}`;
  const when = new Date(time).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" });
  const rate = divergedAt && lowerRate(settings);
  const text = divergedAt
    ? `The training of ${name} diverged in epoch ${divergedAt.epoch + 1} of ${plannedEpochs}. It can go on from epoch ${epoch + 1}, as it was before, with a learning rate of ${rate}.`
    : `A training was interrupted at epoch ${epoch + 1} of ${plannedEpochs}: ${name}, ${when}.`;
  const discard = { label: "Discard", run: () => void forgetTraining(cut.backup) };
  if (waits)
    notify(aboutOf(cut), `${text} Open the files again that it trains on: then it goes on.`, "note", {
      actions: [{ label: "Open files", run: pickFiles }, discard],
    });
  else
    notify(aboutOf(cut), text, "note", {
      actions: [
        { label: rate === undefined ? "Go on" : `Go on with ${rate}`, run: () => void goOn(cut) },
        discard,
      ],
    });
}

/** A tenth, or the optimizer's own where that is less than a tenth. */
function lowerRate({ optimizer, learningRate }: Settings): number {
  const usual = DEFAULT_RATE[optimizer];
  const rate = learningRate ?? usual;
  return rate > 10 * usual ? usual : Number((rate / 10).toPrecision(3));
}

/** Once other files are open. */
let before: Loaded | undefined;
effect(() => {
  const now = dataset.value;
  const cut = waiting.value;
  const other = now !== before;
  before = now;
  if (other && now && cut && now.name === cut.run.settings.dataset)
    // The settings follow the files in the same task.
    queueMicrotask(() => untracked(() => void goOn(cut)));
});

/** Trains on from where it was, with its settings, curves and figures. Faults become notices. */
async function goOn(cut: CutOff): Promise<void> {
  if (phase.value !== "idle") return;
  const { backup, run } = cut;
  const current = prepare();
  waiting.value = undefined;
  dismiss("training");
  const rate = run.divergedAt && lowerRate(run.settings);
  const chosen: Settings = {
    ...DEFAULTS,
    ...run.settings,
    ...(rate !== undefined && { learningRate: rate, schedule: undefined }),
  };
  const state = await ready(cut, chosen, current).catch(async (error: Error) => {
    if (!current()) return;
    const never = error instanceof UnusableError || error instanceof ModelError;
    // Memory that is short, or a script that does not load: it is offered again.
    if (never) await forgetTraining(backup);
    const text = `The training cannot go on${never ? "" : " now, and stays kept"}: ${error.message}`;
    fault("training", new Error(text, { cause: error }));
  });
  if (!current()) return;
  if (!state) {
    phase.value = "idle";
    return;
  }
  cutOff.value = cutOff.value.filter((other) => other !== cut);
  await fit(subject.value!, run.firstEpoch, {
    backup,
    state: rate === undefined ? state : withRate(state, rate),
    plannedEpochs: run.plannedEpochs,
  });
}

/** Makes its model the one that is looked at, and gives its state; undefined where it cannot go on now. Rejects with UnusableError or ModelError where it never can, and with what else went wrong. */
async function ready(
  cut: CutOff,
  chosen: Settings,
  current: () => boolean,
): Promise<TrainingState | undefined> {
  const { backup, run } = cut;
  const kept = await backup.load();
  if (!current()) return;
  if (!kept) throw new UnusableError("nothing is kept of it any more");
  const { state } = kept;
  if (!isState(state)) throw new UnusableError("what is kept of it is damaged");
  change(chosen);
  const data = await imagesOf(cut, chosen);
  if (!current()) return;
  if (!data || dataOf(data.set.train, data.set.validation) !== run.data) {
    if (canLoad(chosen.dataset) && data)
      throw new UnusableError(`${chosen.dataset} has other images than it had then. Train anew`);
    if (!canLoad(chosen.dataset)) waiting.value = cut;
    if (data)
      notify("dataset", "These are other images than those that the interrupted training has.", "fault");
    return;
  }
  const { name, classNames, metadata, origin } = run;
  const model = modelOfData(run.model)(data.set.train.shape, data.set.classNames.length);
  const trainer = await openTrainer(model, chosen, metadata.preprocessing);
  if (!current()) {
    trainer.dispose();
    return;
  }
  replaceSubject({ trainer, name, classNames, settings: chosen, data, metadata, origin });
  epochs.value = run.epochs;
  totals.value = run.totals;
  curve.current = LiveCurve.of(run.points, run.reported);
  curveVersion.value++;
  return state;
}

/** The state of a training that another rate was chosen for. */
function withRate(state: TrainingState, learningRate: number): TrainingState {
  const { setting, optimizer } = state;
  return {
    ...state,
    setting: { ...setting, optimizer: { ...setting.optimizer, learningRate } },
    optimizer: { ...optimizer, learningRate: undefined },
  };
}

/** The images that it trains on; undefined where they have to be opened again, or another notice says why not. */
async function imagesOf(cut: CutOff, { dataset: name, images }: Settings): Promise<Loaded | undefined> {
  if (!canLoad(name) && !isOpened(name)) {
    const kept = cut.run.ownData ? await keptData(cut) : undefined;
    return kept && useOpened(kept, images);
  }
  return ensureDataset(name, images).catch(() => undefined);
}
