import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ROLES, type Role } from "./dataset-info.ts";
import { DataError, reasonOf } from "./errors.ts";
import { MAX_IDX_BYTES } from "./idx.ts";

/** Node only: finds and reads a dataset's files in folders. */

/** Paths of the dataset files a folder holds; roles it lacks are absent. */
export type FoundFiles = Readonly<Partial<Record<Role, string>>>;

/** Stems by preference: MNIST's own names first. */
const STEMS: Readonly<Record<Role, readonly string[]>> = {
  trainImages: ["train-images"],
  trainLabels: ["train-labels"],
  testImages: ["t10k-images", "test-images"],
  testLabels: ["t10k-labels", "test-labels"],
};

/** `train-images-idx3-ubyte.gz` and the spelling `train-images.idx3-ubyte` that some archives have. */
function spellings(role: Role, endings: readonly string[]): string[] {
  const ranks = role.endsWith("Images") ? ["idx3", "idx4"] : ["idx1"];
  return STEMS[role].flatMap((stem) =>
    ["-", "."].flatMap((dot) =>
      ranks.flatMap((rank) => endings.map((ending) => `${stem}${dot}${rank}-ubyte${ending}`)),
    ),
  );
}

/**
 * The dataset files in `folder`. Where several would do: `t10k-` before `test-`, `-idx3` before `-idx4`, `.gz` before plain unless `plainFirst`.
 * Throws DataError `unreadable` if the folder is there but can't be listed.
 * @returns no file for a folder that does not exist
 */
export async function findFiles(folder: string, plainFirst = false): Promise<FoundFiles> {
  const endings = plainFirst ? ["", ".gz"] : [".gz", ""];
  let names: Set<string>;
  try {
    names = new Set(await readdir(folder));
  } catch (error) {
    if (isMissing(error)) return {};
    throw new DataError("unreadable", `${folder}: ${reasonOf(error)}. Check the folder's permissions.`, {
      cause: error,
    });
  }
  const found: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const name = spellings(role, endings).find((spelling) => names.has(spelling));
    if (name !== undefined) found[role] = join(folder, name);
  }
  return found;
}

/** True if all four files were found. */
export function isComplete(found: FoundFiles): found is Readonly<Record<Role, string>> {
  return ROLES.every((role) => found[role] !== undefined);
}

/** How a missing file may be named, for messages, e.g. `t10k-labels-idx1-ubyte(.gz)`. */
export function missingNames(found: FoundFiles): string[] {
  return ROLES.filter((role) => found[role] === undefined).map((role) => {
    const rank = role.endsWith("Images") ? "idx3" : "idx1";
    return `${STEMS[role][0]}-${rank}-ubyte(.gz)`;
  });
}

/**
 * A file's bytes, if they are at most `maxBytes`.
 * Throws DataError `not-found`, `unreadable`, `too-large`.
 */
export async function readWhole(path: string, maxBytes = MAX_IDX_BYTES): Promise<Uint8Array> {
  try {
    // One handle for size and bytes, so that both are of the same file if another run replaces it meanwhile.
    // Non-blocking (where there is such a thing), or opening a named pipe would wait for a writer forever.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      requireReadable(path, await handle.stat(), maxBytes);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unread(path, error);
  }
}

/** As readWhole(), for a thread that has nothing else to do: of small files a tenth of the time. */
export function readWholeSync(path: string, maxBytes = MAX_IDX_BYTES): Uint8Array {
  try {
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      requireReadable(path, fstatSync(file), maxBytes);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unread(path, error);
  }
}

function requireReadable(path: string, stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) throw new DataError("unreadable", `${path}: not a regular file.`);
  if (stats.size > maxBytes)
    throw new DataError("too-large", `${path}: has ${stats.size} bytes; the limit is ${maxBytes}.`);
}

function unread(path: string, error: unknown): DataError {
  if (error instanceof DataError) return error;
  if (isMissing(error))
    return new DataError("not-found", `${path}: there is no such file. Check the path.`, { cause: error });
  return new DataError("unreadable", `${path}: ${reasonOf(error)}. Check its permissions.`, { cause: error });
}

/** True for a file system error that says there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}
