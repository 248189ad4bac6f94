import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { DataError, reasonOf } from "../../data/errors.ts";
import { isMissing } from "../../data/files.ts";
import type { ImageSet } from "../../data/types.ts";
import { hash, StreamedImages } from "./images.ts";
import type { Layout } from "./job.ts";

/** What tells files from others: so many blocks of so many bytes are looked at, evenly spread. */
const BLOCKS = 256;
const BLOCK_BYTES = 4096;

/** Images one after the other in a file. */
export interface RowsFile {
  readonly path: string;
  /** All of the file's bytes. */
  readonly bytes: number;
  /** Where the first image begins, and how many bytes come from one to the next. */
  readonly first: number;
  readonly stride: number;
  readonly count: number;
}

/** Images of files as a set that is read batch by batch. Rejects with DataError. */
export async function rowsOf(
  name: string,
  files: readonly RowsFile[],
  { layout = "rows", shape, labels }: Pick<ImageSet, "shape" | "labels"> & { readonly layout?: Layout },
): Promise<StreamedImages> {
  const paths = files.map(({ path, bytes }) => ({ path, bytes }));
  // Numbers of the first image of each file, and of one after the last.
  const firsts = [0];
  for (const { count } of files) firsts.push(firsts.at(-1)! + count);
  return new StreamedImages({
    name,
    labels,
    shape,
    mark: await markOfFiles(paths),
    threads: 1,
    job(indices) {
      const file = indices.map((index) => firsts.findIndex((first) => first > index) - 1);
      const at = Float64Array.from(indices, (index, i) => {
        const { first, stride } = files[file[i]!]!;
        return first + (index - firsts[file[i]!]!) * stride;
      });
      return { kind: "rows", files: paths, layout, shape, file, at };
    },
  });
}

/** What tells files from others of these names and sizes, without reading all of them. Rejects with DataError. */
export async function markOfFiles(
  files: readonly { readonly path: string; readonly bytes: number }[],
): Promise<string> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const names = new TextEncoder().encode(
    JSON.stringify(files.map(({ path, bytes }) => [basename(path), bytes])),
  );
  const looked = new Uint8Array(names.length + Math.min(total, BLOCKS * BLOCK_BYTES));
  looked.set(names);
  let at = names.length;
  let before = 0;
  /** The next block, of all files as one. */
  let block = 0;
  const whole = total <= BLOCKS * BLOCK_BYTES;
  for (const { path, bytes } of files) {
    await withFile(path, async (file) => {
      if (whole) {
        await readExactly(file, path, looked.subarray(at, at + bytes), 0);
        at += bytes;
        return;
      }
      for (; block < BLOCKS; block++) {
        const place = Math.floor((block * (total - BLOCK_BYTES)) / (BLOCKS - 1)) - before;
        if (place >= bytes) break;
        const length = Math.min(BLOCK_BYTES, bytes - place);
        await readExactly(file, path, looked.subarray(at, at + length), place);
        at += length;
      }
    });
    before += bytes;
  }
  return hash(looked);
}

/** Works on an open file. Rejects with DataError where it cannot be opened. */
export async function withFile<T>(
  path: string,
  work: (file: FileHandle, bytes: number) => Promise<T>,
): Promise<T> {
  let file: FileHandle;
  try {
    // As in readWhole(): no waiting for the writer of a pipe.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isMissing(error))
      throw new DataError("not-found", `${path}: there is no such file. Check the path.`, { cause: error });
    throw new DataError("unreadable", `${path}: ${reasonOf(error)}. Check its permissions.`, {
      cause: error,
    });
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new DataError("unreadable", `${path}: not a regular file.`);
    return await work(file, stats.size);
  } finally {
    await file.close();
  }
}

/** Fills an array from a place in a file on. Rejects with DataError `truncated`. */
export async function readExactly(
  file: FileHandle,
  path: string,
  into: Uint8Array,
  at: number,
): Promise<Uint8Array> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, at + done);
    if (bytesRead === 0)
      throw new DataError("truncated", `${path}: ends at byte ${at + done}; expected ${at + into.length}.`);
    done += bytesRead;
  }
  return into;
}
