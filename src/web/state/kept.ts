import { effect, signal, untracked } from "@preact/signals";
import { createStore, del, get, set } from "idb-keyval";
import type { EpochRecord } from "../../report/types.ts";
import type { LivePoint } from "./live-curve.ts";
import { dismiss, notify } from "./notices.ts";
import type { Settings } from "./settings.ts";
import { curve, epochs, phase, subject, type Totals, totals, trained } from "./subject.ts";
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

/** Milliseconds between two copies in a long run: an epoch may take a moment only. */
const PAUSE = 10_000;
const KEY = "last";

let opened: ReturnType<typeof createStore> | undefined;
function store(): ReturnType<typeof createStore> {
  opened ??= createStore("wasmgrad-page", "models");
  return opened;
}

/** The model of an earlier visit; undefined where there is none, or the browser keeps nothing. */
export async function readKept(): Promise<KeptModel | undefined> {
  try {
    const found = await get<KeptModel>(KEY, store());
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
  await del(KEY, store()).catch(() => {});
}

async function keep(): Promise<void> {
  const current = subject.value;
  if (!current || current.origin === "file" || !trained.value) return;
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
  await set(KEY, model, store());
  // The browser does one after the other, so what was forgotten meanwhile is gone.
  keeps.value = before === forgotten;
}

let last = 0;
let said = false;

function keepQuietly(): void {
  last = performance.now();
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

/** Kept at the end of a run, and at the end of an epoch now and then. */
let before = phase.peek();
effect(() => {
  const now = phase.value;
  if (now === "idle" && before === "testing") untracked(keepQuietly);
  before = now;
});
effect(() => {
  if (epochs.value.length === 0) return;
  untracked(() => {
    if (phase.value === "training" && performance.now() - last > PAUSE) keepQuietly();
  });
});
