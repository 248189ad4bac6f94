import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/**
 * The operations that run folders are made of: Node's own functions and nothing else, so that tests can put a disk in
 * their place that fails or loses power at any of them. What may take long is asynchronous. What only changes names is
 * not: nothing comes between two renames that belong together.
 */
export interface Disk {
  open(path: string, flags: "r" | "wx"): Promise<DiskFile>;
  readFileSync(path: string, encoding: "utf8"): string;
  writeFileSync(path: string, text: string, options: { readonly flag: "wx" }): void;
  readdirSync(path: string): string[];
  statSync(path: string): { isDirectory(): boolean };
  lstatSync(path: string): { isDirectory(): boolean; isFile(): boolean };
  mkdirSync(path: string, mode?: number): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  rmdirSync(path: string): void;
}

/** Part of Node's FileHandle. */
export interface DiskFile {
  writeFile(data: string | Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const DISK: Disk = {
  open,
  readFileSync,
  writeFileSync,
  readdirSync,
  statSync,
  lstatSync,
  mkdirSync,
  renameSync,
  unlinkSync,
  rmdirSync,
};

/** What systems answer that have no fsync for folders, Windows among them. */
const NO_FOLDER_SYNC = new Set(["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"]);

/** Why nothing of a name can be had: there is none, or what holds it is no folder or closed to the user. */
const OUT_OF_REACH = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

/** Writes a file that is not there yet, and waits until its bytes are on the disk. Its name is once the folder is synced. */
export async function writeNew(disk: Disk, path: string, data: string | Uint8Array): Promise<void> {
  const file = await disk.open(path, "wx");
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until the names in a folder are on the disk, where the system can say so. */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  try {
    const folder = await disk.open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(codeOf(error)!)) throw error;
  }
}

/** Names in a folder; none where there is no folder. */
export function namesIn(disk: Disk, path: string): string[] {
  try {
    return disk.readdirSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** False where nothing has that name. Throws where something else has it, or it can't be looked at. */
export function holdsFolder(disk: Disk, path: string): boolean {
  try {
    if (disk.statSync(path).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: "EEXIST" });
}

/**
 * Whether a folder is there that is none by a link only. What a program keeps in a folder that may come from others must
 * be one: a link there leads to the user's own files.
 */
export function holdsRealFolder(disk: Disk, path: string): boolean {
  try {
    return disk.lstatSync(path).isDirectory();
  } catch (error) {
    if (OUT_OF_REACH.has(codeOf(error)!)) return false;
    throw error;
  }
}

/** Removes a file, if it is there. */
export function removeFile(disk: Disk, path: string): void {
  try {
    disk.unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Removes a folder and all in it, or what else has its name, if it is there. Links are removed, not followed. */
export function removeTree(disk: Disk, path: string): void {
  if (!holdsRealFolder(disk, path)) {
    removeFile(disk, path);
    return;
  }
  for (const name of namesIn(disk, path)) removeTree(disk, join(path, name));
  try {
    disk.rmdirSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Makes a folder and those above it; `made` gets the absolute paths of those that were not there. */
export function makeFolders(disk: Disk, path: string, made: string[]): void {
  // One by one: mkdir's own `recursive` tries for ever where the system has no room for a folder, as below /proc.
  const missing: string[] = [];
  let folder = resolve(path);
  for (; !holdsFolder(disk, folder) && dirname(folder) !== folder; folder = dirname(folder))
    missing.unshift(folder);
  for (const folder of missing)
    try {
      disk.mkdirSync(folder);
      made.push(folder);
    } catch (error) {
      // Another run may have made it just now.
      if (codeOf(error) !== "EEXIST" || !holdsFolder(disk, folder)) throw error;
    }
}

/** Removes folders, the last one first, as far as they are empty. */
export function removeFolders(disk: Disk, folders: readonly string[]): void {
  attempt(() => {
    for (const folder of folders.toReversed()) disk.rmdirSync(folder);
  });
}

/** Whether anything has that name. */
export function isThere(disk: Disk, path: string): boolean {
  try {
    disk.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** For what is only tidiness: it must not get in the way of anything. */
export function attempt(work: () => void): void {
  try {
    work();
  } catch {}
}

/** What a file system's error is called: "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
