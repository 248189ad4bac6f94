import { readModel } from "../../formats/model-file.ts";
import { percent } from "../ui/format.ts";
import { ensureDataset, isAtHand } from "./dataset.ts";
import { lookAtTestImages } from "./glance.ts";
import { forgetKept, type KeptModel, keptTrainer, readKept } from "./kept.ts";
import { LiveCurve } from "./live-curve.ts";
import { announce, dismiss, fault, notify } from "./notices.ts";
import { openTrainer, prepare, replaceSubject } from "./run.ts";
import { CUSTOM, DEFAULTS, type Settings } from "./settings.ts";
import { change } from "./setup.ts";
import {
  curve,
  curveVersion,
  epochs,
  type Progress,
  phase,
  progress,
  subject,
  totals,
  weights,
} from "./subject.ts";
import { runTest } from "./test.ts";

/** Asks whether the model of an earlier visit is wanted back. */
export function offerKept(kept: KeptModel): void {
  const { settings, epochs: trained, accuracy, time, datasetName } = kept;
  const name = settings.model === CUSTOM ? "your own layers" : settings.model;
  const figures = [
    `${trained.length} epoch${trained.length === 1 ? "" : "s"}`,
    ...(accuracy === undefined ? [] : [`test accuracy ${percent(accuracy, 2)}`]),
    new Date(time).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" }),
  ];
  notify(
    "kept",
    `A model that you trained here is kept in this browser: ${name} on ${datasetName}, ${figures.join(", ")}.`,
    "note",
    {
      actions: [
        { label: "Restore it", run: () => void restore(kept) },
        { label: "Forget it", run: () => void forgetKept() },
      ],
    },
  );
}

/** Restores what the browser keeps now. */
export async function restoreKept(): Promise<void> {
  const kept = await readKept();
  if (kept) await restore(kept);
}

/** The figures of a run that has ended; undefined where no epoch was finished. */
function ended({ epochs: records, totals }: KeptModel): Progress | undefined {
  const last = records.at(-1);
  if (!last) return undefined;
  const { epoch, loss, accuracy = Number.NaN, imagesPerSecond = Number.NaN } = last;
  return {
    epoch,
    epochs: totals?.plannedEpochs ?? epoch + 1,
    seen: 1,
    samples: 1,
    imagesPerSecond,
    loss,
    accuracy,
  };
}

/** Makes the kept model the one that is looked at, with its settings, curves and figures. Faults become a notice. */
async function restore(kept: KeptModel): Promise<void> {
  if (phase.value !== "idle") return;
  dismiss("kept");
  const current = prepare();
  try {
    const { model, tensors, metadata } = readModel(kept.file);
    const settings: Settings = { ...DEFAULTS, ...kept.settings };
    const trainer = await openTrainer(model, settings, metadata.preprocessing);
    await trainer.setWeights(tensors);
    const { dataset, images } = settings;
    if (current()) change(settings);
    const data =
      current() && (await isAtHand(dataset))
        ? await ensureDataset(dataset, images).catch(() => undefined)
        : undefined;
    if (!current()) {
      trainer.dispose();
      return;
    }
    replaceSubject({
      trainer,
      name: settings.model,
      classNames: metadata.classNames ?? [],
      settings,
      data,
      metadata,
      origin: "trained here",
    });
    epochs.value = kept.epochs;
    totals.value = kept.totals;
    progress.value = ended(kept);
    curve.current = LiveCurve.of(kept.points);
    curveVersion.value++;
    weights.value = tensors;
    keptTrainer.value = trainer;
    announce("The model is restored");
    await lookAtTestImages(subject.value!).catch(() => {});
    await runTest();
  } catch (error) {
    if (!current()) return;
    fault(
      "kept",
      new Error(`The kept model cannot be restored: ${(error as Error).message}`, { cause: error }),
    );
  } finally {
    if (current()) phase.value = "idle";
  }
}
