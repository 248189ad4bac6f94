import { signal } from "@preact/signals";
import { loadDataset } from "../../browser.ts";
import { idxBytes, ROLES } from "../../data/dataset-info.ts";
import { findDataset, GENERATED } from "../../data/datasets.ts";
import { DataError } from "../../data/errors.ts";
import type { Dataset } from "../../data/types.ts";
import { WebStore } from "../../data/web-store.ts";
import { withLimits } from "../../run/run.ts";
import { WORKER_URL } from "../worker-url.ts";
import { datasetFromFiles, type OwnFile } from "./idx-files.ts";
import { announce, dismiss, fault, notify } from "./notices.ts";
import { digitsSizes, OWN_FILES } from "./settings.ts";

/** The dataset at hand. */
export interface Loaded {
  /** The setting that chose it. */
  readonly name: string;
  /** The number of training images that were asked for. */
  readonly images: number | undefined;
  readonly set: Dataset;
  /** What was made of a visitor's own files. */
  readonly notice?: string;
}

/** How far a download is. */
export interface Loading {
  readonly name: string;
  readonly file: string | undefined;
  /** Files that are complete, of four. */
  readonly filesDone: number;
  readonly received: number;
  readonly total: number | undefined;
}

export const dataset = signal<Loaded | undefined>(undefined);
export const loading = signal<Loading | undefined>(undefined);

/** A download that failed, as the visitor is told of it. */
export interface DownloadFailure {
  readonly name: string;
  readonly text: string;
  /** Each mirror's reason. */
  readonly details: string;
}

export const downloadFailed = signal<DownloadFailure | undefined>(undefined);

let under: { key: string; controller: AbortController; done: Promise<Loaded> } | undefined;
/** All of a downloaded dataset, so that another number of images needs no second look at the storage. */
let whole: { name: string; set: Dataset } | undefined;

/**
 * The dataset of these settings: at once where it is at hand, else generated or downloaded, which `loading` tells of.
 * Rejects with DataError, or the reason of an abort; a notice says so, too.
 */
export function ensureDataset(name: string, images: number | undefined): Promise<Loaded> {
  const at = dataset.value;
  if (at?.name === name && at.images === images) return Promise.resolve(at);
  if (name === OWN_FILES) return own(images);
  const key = `${name} ${images}`;
  if (under?.key === key) return under.done;
  under?.controller.abort();
  const controller = new AbortController();
  const done = load(name, images, controller.signal).finally(() => {
    if (under?.controller === controller) {
      under = undefined;
      loading.value = undefined;
    }
  });
  under = { key, controller, done };
  return done;
}

/** How much of a download is done, 0 to 1, by the sizes of its files. */
export function downloadShare({ name, filesDone, received, total }: Loading): number {
  const info = findDataset(name);
  if (!info) return 0;
  const sizes = ROLES.map((role) => idxBytes(info, role));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const done = sizes.slice(0, filesDone).reduce((sum, size) => sum + size, 0);
  return (done + (total ? received / total : 0) * (sizes[filesDone] ?? 0)) / all;
}

export function isGenerated(name: string): boolean {
  return name === GENERATED;
}

function atHand(name: string): boolean {
  return isGenerated(name) || whole?.name === name || (name === OWN_FILES && ownFiles !== undefined);
}

/** Whether a dataset can be had without a download: at hand, or kept by the browser since an earlier one. */
export async function isAtHand(name: string): Promise<boolean> {
  const info = findDataset(name);
  return atHand(name) || (info !== undefined && (await WebStore.holds(info)));
}

/** Whether pages can download a dataset, rather than only open files of it. */
export function reachable(name: string): boolean {
  return findDataset(name)?.mirrors.some(({ cors }) => cors) ?? false;
}

/** Ends a download under way. */
export function cancelLoading(): void {
  under?.controller.abort();
}

async function load(name: string, images: number | undefined, signal: AbortSignal): Promise<Loaded> {
  dismiss("dataset");
  loading.value = { name, file: undefined, filesDone: 0, received: 0, total: undefined };
  try {
    const loaded = await (name === GENERATED ? generated(images, signal) : downloaded(name, images, signal));
    signal.throwIfAborted();
    dataset.value = loaded;
    announce(`${loaded.set.name} is ready: ${loaded.set.train.count} training images`);
    return loaded;
  } catch (error) {
    if (!signal.aborted) tellFailed(name, error);
    throw error;
  }
}

/** A download that failed: in a sentence, with the ways out. */
function tellFailed(name: string, error: unknown): void {
  const info = findDataset(name);
  if (!info || !(error instanceof DataError) || error.code !== "download") {
    fault("dataset", error);
    return;
  }
  const hosts = info.mirrors.filter(({ cors }) => cors).map(({ url }) => new URL(url).host);
  const why = navigator.onLine
    ? `${hosts.join(", ")} cannot be reached, or does not have it any more`
    : "this browser is offline";
  downloadFailed.value = {
    name,
    text: `${info.title} could not be downloaded: ${why}.`,
    details: error.message,
  };
}

async function generated(images: number | undefined, signal: AbortSignal): Promise<Loaded> {
  const set = await loadDataset(GENERATED, { ...digitsSizes(images), workerUrl: WORKER_URL, signal });
  return { name: GENERATED, images, set };
}

async function downloaded(name: string, images: number | undefined, signal: AbortSignal): Promise<Loaded> {
  if (whole?.name !== name) {
    const files = ROLES.map((role) => findDataset(name)!.files[role].name);
    const set = await loadDataset(name, {
      workerUrl: WORKER_URL,
      signal,
      onNotice: (message) => notify("dataset", message),
      onProgress: ({ file, received, total }) => {
        const filesDone = Math.max(files.indexOf(file), 0);
        loading.value = { name, file, filesDone, received, total };
      },
    });
    whole = { name, set };
  }
  return limited({ name, images, set: whole.set });
}

/** With so many training images: the first, or of files of the visitor's own, which may be sorted, as many of each class. */
function limited(loaded: Loaded): Loaded {
  const { name, images, set } = loaded;
  const some = withLimits(set, { trainLimit: images }, name === OWN_FILES);
  return some === set ? loaded : { ...loaded, set: some };
}

/**
 * Makes a visitor's own files the dataset at hand, and returns the name that chooses it: OWN_FILES, or that of the known
 * dataset whose files they are. Rejects with DataError that names the file.
 */
export async function openOwnFiles(files: readonly OwnFile[], images: number | undefined): Promise<string> {
  const { dataset: set, notice, known } = await datasetFromFiles(files);
  under?.controller.abort();
  const own: Loaded = { name: known ?? OWN_FILES, images: undefined, set, notice };
  useOpened(own, images);
  announce(`Files read: ${notice}`);
  return own.name;
}

/** Makes what files gave, all of it, the dataset at hand. */
export function useOpened(opened: Loaded, images: number | undefined): Loaded {
  if (opened.name === OWN_FILES) ownFiles = opened;
  else whole = { name: opened.name, set: opened.set };
  dataset.value = limited({ ...opened, images });
  return dataset.value;
}

/** Whether files gave a dataset. */
export function isOpened(name: string): boolean {
  return openedWhole({ name }) !== undefined;
}

/** All of a dataset that files gave, of which some images may be used; undefined where it is not there any more. */
export function openedWhole({ name }: Pick<Loaded, "name">): Loaded | undefined {
  if (name === OWN_FILES) return ownFiles;
  return whole?.name === name ? { name, images: undefined, set: whole.set } : undefined;
}

let ownFiles: Loaded | undefined;

/** The visitor's own files, where there are some. */
async function own(images: number | undefined): Promise<Loaded> {
  if (!ownFiles) throw new Error("choose the IDX files to train on");
  dataset.value = limited({ ...ownFiles, images });
  return dataset.value;
}
