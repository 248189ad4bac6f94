import { join } from "node:path";
import {
  type Disk,
  holdsRealFolder,
  isThere,
  namesIn,
  removeFile,
  removeTree,
  syncFolder,
  writeNew,
} from "../files.ts";
import { printable } from "../output.ts";
import { RunFolderError } from "./errors.ts";
import { LOCK_FILE, TAKEOVER_FILE } from "./lock.ts";

/**
 * How the files of a run change: all at once or not at all, whatever fails and whenever the power does.
 *
 * New files are written into `.wasmgrad.partial` and brought to the disk. The folder's change of name to `.wasmgrad.ready`
 * is the one step in which the run changes: what is in there counts from then on, for readers too, and is moved to its
 * place at once, or by the next process that opens the run. docs/run-folder.md says what follows from that.
 *
 * A run folder may come from somebody else. These folders count only where they are folders: a link of such a name is
 * removed, and what it leads to is neither read nor changed.
 */

/** What a run folder holds once its run has ended, in the order in which files are moved in. */
export const RUN_FILES = [
  "model.safetensors",
  "history.csv",
  "accuracy.svg",
  "loss.svg",
  "report.html",
  "result.json",
] as const;
/** Where a run goes on from, if it makes checkpoints: moved in behind the model. */
export const CHECKPOINT = "checkpoint.safetensors";
const [MODEL, ...OTHERS] = RUN_FILES;
const MOVED = [MODEL, CHECKPOINT, ...OTHERS] as const;
export type RunFile = (typeof MOVED)[number];
export type RunFiles = Readonly<Partial<Record<RunFile, string | Uint8Array>>>;

/** What is written when a run has ended. */
const ENDING = RUN_FILES.slice(2);

/** Files on their way to the disk: worth nothing until all are there. */
export const PARTIAL = ".wasmgrad.partial";
/** Files that are the run's, and not yet in their place. */
export const READY = ".wasmgrad.ready";
/** A run folder in the run folder: the run that is to replace it once it is complete. */
export const NEXT = ".wasmgrad.next";

/** In files that are ready: the run has no checkpoint, and that of the one that it replaces goes. */
export const ALONE = ".wasmgrad.alone";

/** Names that a run folder uses besides those of its files. */
export const OWN_NAMES: ReadonlySet<string> = new Set([
  LOCK_FILE,
  TAKEOVER_FILE,
  PARTIAL,
  READY,
  NEXT,
  ALONE,
]);

/**
 * Adds files to a run, or replaces them, in one step.
 * Throws the file system's error; unless it came after that step, the run is what it was.
 */
export async function commit(disk: Disk, folder: string, files: RunFiles): Promise<void> {
  // Only where an earlier one failed half-way.
  await moveIn(disk, folder);
  const partial = join(folder, PARTIAL);
  removeTree(disk, partial);
  disk.mkdirSync(partial);
  for (const name of MOVED) {
    const data = files[name];
    if (data !== undefined) await writeNew(disk, join(partial, name), data);
  }
  await syncFolder(disk, partial);
  await makeReady(disk, folder, PARTIAL);
}

/** Takes away what tells how a run ended, as it goes on. The checkpoint stays. */
export async function reopen(disk: Disk, folder: string): Promise<void> {
  for (const name of ENDING.toReversed()) removeFile(disk, join(folder, name));
  await syncFolder(disk, folder);
}

/** Replaces a run by the complete one in its `.wasmgrad.next`, in one step. Throws as commit() does. */
export async function promote(disk: Disk, folder: string): Promise<void> {
  const next = join(folder, NEXT);
  if (isThere(disk, join(folder, CHECKPOINT)) && !isThere(disk, join(next, CHECKPOINT))) {
    removeFile(disk, join(next, ALONE));
    await writeNew(disk, join(next, ALONE), "");
    await syncFolder(disk, next);
  }
  await makeReady(disk, folder, NEXT);
}

async function makeReady(disk: Disk, folder: string, name: string): Promise<void> {
  disk.renameSync(join(folder, name), join(folder, READY));
  await syncFolder(disk, folder);
  await moveIn(disk, folder);
}

/**
 * Moves files that are ready to their place; does nothing where there are none. May be repeated however far an earlier
 * one came.
 *
 * For those who look into the folder meanwhile: files that are to be replaced go first, so that none stands beside one
 * of another state. The model alone is replaced by its renaming: it is there at any time. `result.json` comes last.
 */
export async function moveIn(disk: Disk, folder: string): Promise<void> {
  const ready = join(folder, READY);
  if (!holdsRealFolder(disk, ready)) return removeFile(disk, ready);
  const names = namesIn(disk, ready);
  const files = MOVED.filter((name) => names.includes(name));
  // Again and again until all is in place: a disk may have brought any of these changes to safety before the others.
  if (names.includes(ALONE)) removeFile(disk, join(folder, CHECKPOINT));
  for (const name of files.toReversed())
    if (name !== "model.safetensors") removeFile(disk, join(folder, name));
  for (const name of files) disk.renameSync(join(ready, name), join(folder, name));
  // Both folders, before the emptied one goes: a disk may bring these changes to safety in another order.
  await syncFolder(disk, folder);
  await syncFolder(disk, ready);
  for (const name of namesIn(disk, ready)) leave(disk, folder, name);
  disk.rmdirSync(ready);
}

/** For what lies in `.wasmgrad.ready` and is no file of the run: what others put there is theirs, and is kept. */
function leave(disk: Disk, folder: string, name: string): void {
  const path = join(folder, READY, name);
  if (OWN_NAMES.has(name)) removeTree(disk, path);
  else if (!isThere(disk, join(folder, name))) disk.renameSync(path, join(folder, name));
  else
    throw new RunFolderError(
      `${printable(path)} is no file of a run's, and ${printable(folder)} holds one of that name: move it to a place of its own`,
    );
}

/** Where a file of a run is, in the order to look: what is ready counts before what is in place. */
export function placesOf(disk: Disk, folder: string, name: RunFile): readonly string[] {
  const settled = join(folder, name);
  return holdsRealFolder(disk, join(folder, READY)) ? [join(folder, READY, name), settled] : [settled];
}
