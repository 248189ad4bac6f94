import { DataError } from "../data/errors.ts";
import { show } from "../options/show.ts";
import { PICTURE_ENDINGS } from "../picture/format.ts";
import { MAX_PICTURE_BYTES } from "../picture/png.ts";
import type { PictureFile } from "./pictures.ts";

/**
 * A folder that a visitor chose: the files of `<input type="file" webkitdirectory>`, or what showDirectoryPicker() gives. In Node
 * Files with a `webkitRelativePath` will do.
 */
export type FolderSource = Iterable<File> | FileSystemDirectoryHandle;

/** Labels are bytes. */
const MAX_CLASSES = 256;

interface Found {
  /** Names of the folders from the chosen one on, and the file's. */
  readonly path: readonly string[];
  readonly file: () => Promise<File>;
}

/** The pictures of a chosen folder, one folder a class, in the order of their names. Throws DataError, TypeError. */
export async function listFiles(
  source: FolderSource,
  { classNames: wanted }: { readonly classNames?: readonly string[] | undefined },
): Promise<{ readonly classNames: readonly string[]; readonly files: readonly PictureFile[] }> {
  const found = (await filesOf(source)).filter(
    ({ path }) => PICTURE_ENDINGS.test(path.at(-1)!) && !path.some((name) => name.startsWith(".")),
  );
  const inClasses = found.filter(({ path }) => path.length > 1);
  const there = [...new Set(inClasses.map(({ path }) => path[0]!))].sort();
  const classNames = wanted ?? there;
  if (there.length === 0)
    throw new DataError(
      "not-found",
      found.length > 0
        ? `the folder holds ${found.length} pictures, but none in folders; expected one for each class, with its pictures: cat/1.png.`
        : "the folder holds no pictures in folders; expected one for each class, with files that end in .png, .jpg, .jpeg, .webp or .gif.",
    );
  const odd =
    there.find((name) => !classNames.includes(name)) ?? classNames.find((name) => !there.includes(name));
  if (odd !== undefined || classNames.length > MAX_CLASSES)
    throw new DataError(
      "bad-classes",
      `the folder holds pictures in ${there
        .slice(0, 20)
        .map((name) => show(name))
        .join(
          ", ",
        )}; expected ${wanted ? `the classes ${wanted.map((name) => show(name)).join(", ")}` : `at most ${MAX_CLASSES} classes`}.`,
    );
  const files = inClasses
    .map(({ path, file }): PictureFile & { readonly key: string } => ({
      name: path.join("/"),
      label: classNames.indexOf(path[0]!),
      key: orderOf(path),
      read: async () => bytesOf(await file(), path.join("/")),
    }))
    .sort((a, b) => a.label - b.label || (a.key < b.key ? -1 : Number(a.key > b.key)));
  return { classNames, files };
}

/** Files of a folder come before those of folders in it, as in Node. */
function orderOf(path: readonly string[]): string {
  return [...path.slice(1, -1).map((name) => `1${name}`), `0${path.at(-1)}`].join("\0");
}

async function bytesOf(file: File, name: string): Promise<Uint8Array> {
  if (file.size > MAX_PICTURE_BYTES)
    throw new DataError("too-large", `${name}: has ${file.size} bytes; the limit is ${MAX_PICTURE_BYTES}.`);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new DataError("unreadable", `${name}: ${(error as Error).message}`, { cause: error });
  }
}

async function filesOf(source: FolderSource): Promise<Found[]> {
  if ((Object(source) as { kind?: unknown }).kind === "directory")
    return within(source as FileSystemDirectoryHandle, []);
  if (typeof (Object(source) as Iterable<File>)[Symbol.iterator] !== "function")
    throw new TypeError(
      `imageDatasetFromFiles: got ${show(source)}, expected the files of a chosen folder. Write: imageDatasetFromFiles(input.files), of <input type="file" webkitdirectory>`,
    );
  return Array.from(source as Iterable<File>, (file) => {
    const path = (file.webkitRelativePath || "").split("/").slice(1);
    if (path.length === 0)
      throw new TypeError(
        `imageDatasetFromFiles: of ${show(file.name)} it is not known in which folder it lies: let the visitor choose a folder, by <input type="file" webkitdirectory> or showDirectoryPicker()`,
      );
    return { path, file: async () => file };
  });
}

async function within(folder: FileSystemDirectoryHandle, path: readonly string[]): Promise<Found[]> {
  const found: Found[] = [];
  const entries = folder as unknown as { values(): AsyncIterable<FileSystemHandle> };
  for await (const entry of entries.values()) {
    const own = [...path, entry.name];
    if (entry.kind === "directory") found.push(...(await within(entry as FileSystemDirectoryHandle, own)));
    else found.push({ path: own, file: () => (entry as FileSystemFileHandle).getFile() });
  }
  return found;
}
