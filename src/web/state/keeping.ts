import { signal } from "@preact/signals";
import { Backup } from "../../browser/backup.ts";
import { keepPieces, keptNames, readPieces, removePieces, UnusableError } from "../../browser/pieces.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import { isObject } from "../../options/kinds.ts";
import type { EpochRecord } from "../../report/epoch-record.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import type { TrainingState } from "../../train/training-state.ts";
import { isGenerated, type Loaded, openedWhole, reachable } from "./dataset.ts";
import type { LivePoint, Reported } from "./live-curve.ts";
import { dismiss, notify } from "./notices.ts";
import type { Settings } from "./settings.ts";
import { curve, epochs, type Subject, type Totals, totals } from "./subject.ts";

/** What is kept of a training under way beside its state: all that the page showed, and what it was made with. */
export interface KeptRun {
  /** Raised when an older record could be misread: such a one is forgotten. */
  readonly version: 1;
  readonly settings: Settings;
  readonly name: string;
  readonly origin: Subject["origin"];
  readonly classNames: readonly string[];
  readonly metadata: ModelMetadata;
  readonly model: ModelConfig;
  readonly epochs: readonly EpochRecord[];
  readonly points: readonly LivePoint[];
  readonly reported: Reported;
  /** Of what was trained before this training. */
  readonly totals: Totals | undefined;
  /** The training's first epoch, from 0, and its last, from 1. */
  readonly firstEpoch: number;
  readonly plannedEpochs: number;
  /** The epoch under way, from 0. */
  readonly epoch: number;
  /** What tells its images from others, see dataOf(). */
  readonly data: string;
  /** Whether its images are kept, too: those that the page cannot load by their name. */
  readonly ownData: boolean;
  /** Where its loss became NaN or infinite; undefined where it was cut off. */
  readonly divergedAt?: { readonly epoch: number; readonly batch: number } | undefined;
  /** When it was kept, in milliseconds since 1970. */
  readonly time: number;
}

/** A training that can go on. */
export interface CutOff {
  readonly backup: Backup;
  readonly run: KeptRun;
}

/** Trainings that ended without being done: of earlier visits, and of this one where the loss or the worker failed. */
export const cutOff = signal<readonly CutOff[]>([]);

/** Milliseconds after which another page has a training for itself: one that is being closed may take its time. */
const PATIENCE_MS = 5000;
/** Trainings that are kept of closed pages: of more the oldest are removed. */
const MOST = 3;
/** Of a training, and of its images. */
const NAME = /^(page \d\S*)( data)?$/;
const dataName = (name: string) => `${name} data`;

/** The training that is being kept. */
let underWay: (Pick<KeptRun, "firstEpoch" | "plannedEpochs"> & { readonly current: Subject }) | undefined;
/** Backups whose images are kept. */
const withData = new Set<string>();
let told = false;
/** Backups that could not be read, and what the notices about them are about. */
const unread = new Set<string>();
const aboutUnread = (name: string) => `unread ${name}`;

const OPTIONS = {
  beside: ({ epoch, setting }: TrainingState): KeptRun => {
    const { current, ...plan } = underWay!;
    return {
      version: 1,
      settings: current.settings,
      name: current.name,
      origin: current.origin,
      classNames: current.classNames,
      metadata: current.metadata,
      model: current.trainer.model.toConfig(),
      epochs: epochs.value.filter((record) => record.epoch < epoch),
      points: curve.current.points,
      reported: curve.current.last,
      totals: totals.value,
      ...plan,
      epoch,
      data: setting.data,
      ownData: withData.has(latest!.name),
      time: Date.now(),
    };
  },
  onNotice(text: string) {
    if (told) return;
    told = true;
    notify("keeping", text);
  },
};

/** Of the training that began last. */
let latest: Backup | undefined;

/** Keeps a training from now on, in place of the one before. `resumed`: what it goes on from. */
export function keepTraining(
  current: Subject,
  firstEpoch: number,
  plannedEpochs: number,
  resumed?: Backup,
): Backup {
  if (latest && latest !== resumed) void forgetTraining(latest);
  latest = resumed ?? Backup.begin(`page ${Date.now()}-${Math.random().toString(36).slice(2)}`, OPTIONS);
  underWay = { current, firstEpoch, plannedEpochs };
  const { name } = latest;
  const { data } = current;
  const opened = data && !canLoad(data.name) ? openedWhole(data) : undefined;
  if (opened && !withData.has(name))
    keepPieces(dataName(name), opened)
      .then(() => withData.add(name))
      // Without them the visitor is asked for the files.
      .catch(() => {});
  return latest;
}

/** Keeps the training under way as it is at the moment. */
export async function keepNow(): Promise<void> {
  await latest?.save();
}

/** Whether the page can load images by their name. */
export function canLoad(name: string): boolean {
  return isGenerated(name) || reachable(name);
}

/** Removes all that is kept of it. */
export async function forgetTraining(backup: Backup): Promise<void> {
  cutOff.value = cutOff.value.filter((other) => other.backup !== backup);
  await backup.discard();
  await removePieces(dataName(backup.name)).catch(() => {});
  backup.close();
}

/** A training of this visit that ended without being done: what is kept of it can go on. */
export async function tellCutOff(backup: Backup, divergedAt?: KeptRun["divergedAt"]): Promise<void> {
  await backup.settled();
  const run = await readRun(backup);
  if (!run) return;
  if (divergedAt) await backup.amend((kept) => ({ ...(kept as KeptRun), divergedAt })).catch(() => {});
  cutOff.value = [{ backup, run: { ...run, divergedAt } }, ...cutOff.value];
}

/** What is kept of a training; undefined where that is nothing, or can never be gone on with, which is removed, images and all. */
async function readRun(backup: Backup): Promise<KeptRun | undefined> {
  try {
    const run = await backup.readBeside();
    if (isKeptRun(run)) return run;
    if (Number(Object(run).version) > 1) throw new Error("a newer version of this page has kept it");
    await forgetTraining(backup);
  } catch (error) {
    if (error instanceof UnusableError) await forgetTraining(backup);
    else tellUnread(backup, error as Error);
  }
  return undefined;
}

/** It stays, and is looked for again or removed when the visitor asks. */
function tellUnread(backup: Backup, { message }: Error): void {
  backup.close();
  if (latest === backup) latest = undefined;
  const { name } = backup;
  const text = `A training was interrupted that cannot be read now, and stays kept: ${message}.`;
  const failed = (error: Error) => tellUnread(backup, error);
  unread.add(name);
  notify(aboutUnread(name), text, "fault", {
    actions: [
      {
        label: "Go on",
        run: () => {
          // All are looked for.
          for (const one of unread) dismiss(aboutUnread(one));
          unread.clear();
          findCutOff().catch(failed);
        },
      },
      {
        label: "Discard",
        run: () => {
          dismiss(aboutUnread(name));
          unread.delete(name);
          discardUnread(name).catch(failed);
        },
      },
    ],
  });
}

/** Removes what could not be read, images and all. Rejects where the browser does not remove it. */
async function discardUnread(name: string): Promise<void> {
  const backup = await openKept(name);
  // Another page may be going on with it.
  if (!backup.owned) return;
  try {
    await removePieces(name);
    await forgetTraining(backup);
  } finally {
    backup.close();
  }
}

/** A training of a page that may be closed. */
const openKept = (name: string) => Backup.open(name, { ...OPTIONS, onNotice() {} }, PATIENCE_MS);

/** Finds the trainings of pages that are closed, and removes images whose training never began to be kept. Rejects where the browser keeps nothing. */
export async function findCutOff(): Promise<void> {
  const found: CutOff[] = [];
  const own = new Set([latest, ...cutOff.value.map(({ backup }) => backup)].map((backup) => backup?.name));
  const look = async (name: string) => {
    const backup = await openKept(name);
    if (!backup.owned) return;
    const run = await readRun(backup);
    if (run) found.push({ backup, run });
  };
  const names = new Set((await keptNames()).flatMap((name) => NAME.exec(name)?.[1] ?? []));
  await Promise.all([...names].filter((name) => !own.has(name)).map(look));
  found.sort((a, b) => b.run.time - a.run.time);
  for (const { backup } of found.splice(MOST)) await forgetTraining(backup);
  for (const { backup, run } of found) if (run.ownData) withData.add(backup.name);
  cutOff.value = [...cutOff.value, ...found];
}

/** The images that are kept of a training; undefined where there are none, or not all. */
export async function keptData({ backup }: CutOff): Promise<Loaded | undefined> {
  const data = await readPieces(dataName(backup.name)).catch(() => undefined);
  return isObject(data) && isObject(data.set) ? (data as unknown as Loaded) : undefined;
}

function isKeptRun(value: unknown): value is KeptRun {
  return isObject(value) && value.version === 1 && isObject(value.settings) && isObject(value.model);
}
