import { effect, signal, untracked } from "@preact/signals";
import { createStore, del, get, set } from "idb-keyval";
import type { Trainer } from "../../browser.ts";
import type { EpochRecord } from "../../report/epoch-record.ts";
import type { LivePoint } from "./live-curve.ts";
import { dismiss, notify } from "./notices.ts";
import type { Settings } from "./settings.ts";
import { curve, epochs, phase, subject, type Totals, totals } from "./subject.ts";
import { testResult } from "./test.ts";

/** The last model that was trained here, as the browser keeps it for the next visit. */
export interface KeptModel {
  /** Raised when an older record could be misread: such a one is forgotten. */
  readonly version: 1;
  /** Bytes of a model.safetensors. */
  readonly file: Uint8Array;
  readonly settings: Settings;
  readonly datasetName: string;
  readonly epochs: readonly EpochRecord[];
  readonly points: readonly LivePoint[];
  readonly totals: Totals | undefined;
  /** On the test images, where they were looked at. */
  readonly accuracy: number | undefined;
  /** When it was kept, in milliseconds since 1970. */
  readonly time: number;
}

/** Whether the browser keeps a model of this page. */
export const keeps = signal(false);
/** Whose model is kept, where it is one of this visit. */
export const keptTrainer = signal<Trainer | undefined>(undefined);

/** A run that has ended: see interrupted.ts for others. */
const LAST = "last";

let opened: ReturnType<typeof createStore> | undefined;
function store(): ReturnType<typeof createStore> {
  opened ??= createStore("wasmgrad-page", "models");
  return opened;
}

/** The model of an earlier visit; undefined where there is none, or the browser keeps nothing. */
export async function readKept(): Promise<KeptModel | undefined> {
  try {
    const found = await get<KeptModel>(LAST, store());
    keeps.value = found?.version === 1;
    return keeps.value ? found : undefined;
  } catch {
    // A private window, or storage that is blocked: as without this.
    return undefined;
  }
}

/** Counts what was forgotten: a copy that was under way then is not kept. */
let forgotten = 0;

export async function forgetKept(): Promise<void> {
  forgotten++;
  keeps.value = false;
  dismiss("kept");
  await del(LAST, store()).catch(() => {});
}

async function keep(): Promise<void> {
  const current = subject.value;
  // Before an epoch has ended there is little to keep: what is kept stays.
  if (!current || current.origin === "file" || epochs.value.length === 0) return;
  const before = forgotten;
  const file = await current.trainer.save(current.metadata);
  if (subject.value?.trainer !== current.trainer || before !== forgotten) return;
  const model: KeptModel = {
    version: 1,
    file,
    settings: current.settings,
    datasetName: current.metadata.dataset ?? current.settings.dataset,
    epochs: epochs.value,
    points: curve.current.points,
    totals: totals.value,
    accuracy: testResult.value?.epochs === epochs.value.length ? testResult.value.accuracy : undefined,
    time: Date.now(),
  };
  await set(LAST, model, store());
  // The browser does one after the other, so what was forgotten meanwhile is gone.
  keeps.value = before === forgotten;
  keptTrainer.value = current.trainer;
}

let said = false;

function keepQuietly(): void {
  keep().catch((error: unknown) => {
    // A trainer that has ended has nothing to keep; storage that is full is worth a word, once.
    if (said || !(error instanceof DOMException) || error.name !== "QuotaExceededError") return;
    said = true;
    notify(
      "kept",
      "This browser has no room to keep the model for your next visit: save it before you close the page.",
    );
  });
}

/** Kept at the end of a run. */
let before = phase.peek();
effect(() => {
  const now = phase.value;
  if (now === "idle" && before === "testing") untracked(keepQuietly);
  before = now;
});
