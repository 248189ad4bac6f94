import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { DataError, reasonOf } from "../../data/errors.ts";
import { isMissing } from "../../data/files.ts";
import type { ImageSet } from "../../data/types.ts";
import { changed } from "./changed.ts";
import type { FileOf, Layout, RowsJob } from "./job.ts";

/** Files stay open from one batch to the next. */
const OPEN = new Map<string, number>();

/** Closes all files. */
export function closeFiles(): void {
  for (const file of OPEN.values()) closeSync(file);
  OPEN.clear();
}

/** Reads images to `into`. Throws DataError, which names the file. */
export function readRows({ files, layout, shape, file, at }: RowsJob, into: Uint8Array): void {
  const [height, width, channels] = shape;
  const size = height * width * channels;
  const checked = new Set<number>();
  const raw = layout === "rows" ? undefined : new Uint8Array(size);
  for (let i = 0; i < at.length; ) {
    const own = files[file[i]!]!;
    const handle = opened(own, checked, file[i]!);
    let next = i + 1;
    // Images that lie side by side are read at once.
    if (!raw) while (next < at.length && file[next] === file[i] && at[next] === at[next - 1]! + size) next++;
    const to = raw ?? into.subarray(i * size, next * size);
    readFully(handle, own, to, at[i]!);
    if (raw) arrange(raw, into.subarray(i * size, next * size), layout, shape);
    i = next;
  }
}

function opened(own: FileOf, checked: Set<number>, number: number): number {
  const { path, bytes } = own;
  try {
    let handle = OPEN.get(path);
    if (handle === undefined) {
      // As in readWhole(): no waiting for the writer of a pipe.
      handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      OPEN.set(path, handle);
    }
    if (checked.has(number)) return handle;
    checked.add(number);
    const { size } = fstatSync(handle);
    if (size !== bytes) throw changed(own, `has ${size} bytes`);
    return handle;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readFully(handle: number, own: FileOf, into: Uint8Array, at: number): void {
  try {
    for (let done = 0; done < into.length; ) {
      const read = readSync(handle, into, done, into.length - done, at + done);
      if (read === 0) throw changed(own, `has ${at + done} bytes`);
      done += read;
    }
  } catch (error) {
    throw unreadable(own.path, error);
  }
}

function unreadable(path: string, error: unknown): DataError {
  if (error instanceof DataError) return error;
  return isMissing(error)
    ? new DataError("not-found", `${path}: is no longer there. Put it back.`, { cause: error })
    : new DataError("unreadable", `${path}: ${reasonOf(error)}.`, { cause: error });
}

function arrange(
  raw: Uint8Array,
  into: Uint8Array,
  layout: Layout,
  [height, width, channels]: ImageSet["shape"],
): void {
  const plane = height * width;
  if (layout === "planes")
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < plane; p++) into[p * channels + c] = raw[c * plane + p]!;
  else
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) into[y * width + x] = raw[x * height + y]!;
}
