import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { DataError, reasonOf } from "../data/errors.ts";
import { isMissing, readWhole } from "../data/files.ts";
import { nearest } from "../options/names.ts";
import { show } from "../options/show.ts";
import { PICTURE_ENDINGS } from "../picture/format.ts";
import { MAX_PICTURE_BYTES } from "../picture/png.ts";
import type { PictureFile } from "./pictures.ts";

/** Node only: the pictures of a folder that has a folder for each class. */

/** Labels are bytes. */
const MAX_CLASSES = 256;
const MAX_FILES = 5_000_000;
/** Folders within folders of a class. */
const MAX_DEPTH = 32;

/** Names of folders that hold a part of a dataset. */
const PARTS = {
  train: /^(train|training)$/i,
  validation: /^(val|valid|validation)$/i,
  test: /^(test|testing)$/i,
} as const;
export type Part = keyof typeof PARTS;

/** The part that a folder of this name holds, if any. */
function partCalled(name: string): Part | undefined {
  return (Object.keys(PARTS) as Part[]).find((part) => PARTS[part].test(name));
}

/** Folders of parts, by their names. */
export type Parts = Partial<Record<Part, string>>;

/** Which folders in one hold parts of a dataset; and, where there is one to train on, others that hold pictures, also a second one for a part. */
export async function partsOf(
  folder: string,
): Promise<{ readonly parts: Parts; readonly beside: readonly string[] }> {
  const parts: Parts = {};
  const others: string[] = [];
  for (const name of await foldersIn(folder)) {
    const part = partCalled(name);
    if (part && parts[part] === undefined) parts[part] = name;
    else others.push(name);
  }
  const beside: string[] = [];
  if (parts.train !== undefined)
    for (const name of others) if (await holdsPictures(join(folder, name))) beside.push(name);
  return { parts, beside };
}

export interface Listing {
  readonly classNames: readonly string[];
  /** Class by class, in each by the names' order. */
  readonly files: readonly PictureFile[];
  /** Files of other kinds by the ends of their names. */
  readonly others: ReadonlyMap<string, number>;
}

export interface ListingOptions {
  readonly classNames?: readonly string[] | undefined;
  readonly followLinks?: boolean | undefined;
}

/** Names of the folders in a folder, in the order of their characters. Names that begin with a dot are left out. */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder))
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(folder, entry.name)))))
      names.push(entry.name);
  return names;
}

/** Whether there is a picture in a folder or in those within it. */
export async function holdsPictures(folder: string, depth = 4): Promise<boolean> {
  const entries = await entriesOf(folder).catch(() => []);
  if (entries.some((entry) => !entry.isDirectory() && PICTURE_ENDINGS.test(entry.name))) return true;
  if (depth === 0) return false;
  for (const entry of entries)
    if (entry.isDirectory() && (await holdsPictures(join(folder, entry.name), depth - 1))) return true;
  return false;
}

/**
 * Lists a folder of pictures, one folder a class, as Keras does: classes in the order of their names, the files of each in
 * theirs, those of folders within it among them.
 * Throws DataError `not-found`, `unreadable`, `bad-classes`.
 */
export async function listPictures(folder: string, options: ListingOptions = {}): Promise<Listing> {
  const there = await foldersIn(folder);
  const { classNames = there } = options;
  if (classNames.length === 0)
    throw new DataError(
      "not-found",
      `${folder}: holds no folders; expected one for each class, with its pictures: ${join(folder, "cat", "1.png")}.`,
    );
  if (classNames.length > MAX_CLASSES)
    throw new DataError(
      "bad-classes",
      `${folder}: holds ${classNames.length} folders; expected one for each class, at most ${MAX_CLASSES}.`,
    );
  const unknown = there.find((name) => !classNames.includes(name));
  if (unknown !== undefined)
    throw new DataError(
      "bad-classes",
      `${folder}: has a folder ${show(unknown)}, which is none of the classes ${classNames.map((name) => show(name)).join(", ")}. Name it among them, or move it elsewhere.`,
    );
  const missing = classNames.find((name) => !there.includes(name));
  if (missing !== undefined && options.classNames)
    throw new DataError("bad-classes", `${folder}: has no folder ${show(missing)}${meant(missing, there)}.`);
  const files: PictureFile[] = [];
  const others = new Map<string, number>();
  for (const [label, name] of classNames.entries())
    await walk(join(folder, name), label, MAX_DEPTH, {
      files,
      others,
      followLinks: options.followLinks === true,
    });
  if (files.length === 0)
    throw new DataError(
      "not-found",
      `${folder}: its folders ${classNames
        .slice(0, 5)
        .map((name) => show(name))
        .join(
          ", ",
        )} hold no pictures; expected files that end in .png, .jpg, .jpeg, .webp or .gif${othersNote(others)}.`,
    );
  return { classNames, files, others };
}

function meant(name: string, there: readonly string[]): string {
  const near = nearest(name, there);
  return near === undefined
    ? `; it has ${there
        .slice(0, 10)
        .map((own) => show(own))
        .join(", ")}`
    : `; did you mean ${show(near)}?`;
}

/** What else lies there: "; there are 3 .bmp, 1 .txt". */
export function othersNote(others: ReadonlyMap<string, number>): string {
  if (others.size === 0) return "";
  const counts = [...others].sort((a, b) => b[1] - a[1]).slice(0, 5);
  return `; there are ${counts.map(([ending, n]) => `${n} ${ending || "without an ending"}`).join(", ")}`;
}

/** Paths of all pictures in a folder and those within it, in the order of their names. Throws DataError. */
export async function listAll(folder: string): Promise<string[]> {
  const files: PictureFile[] = [];
  await walk(folder, 0, MAX_DEPTH, { files, others: new Map(), followLinks: false });
  return files.map(({ name }) => name);
}

interface Walk {
  readonly files: PictureFile[];
  readonly others: Map<string, number>;
  readonly followLinks: boolean;
}

async function walk(folder: string, label: number, depth: number, found: Walk): Promise<void> {
  const { files, others, followLinks } = found;
  const below: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) below.push(path);
    else if (entry.isSymbolicLink() && (await isFolder(path))) {
      if (followLinks) below.push(path);
    } else if (PICTURE_ENDINGS.test(entry.name)) {
      if (files.length === MAX_FILES)
        throw new DataError("too-large", `${folder}: there are more than ${MAX_FILES} pictures.`);
      files.push({ name: path, label, read: () => readWhole(path, MAX_PICTURE_BYTES) });
    } else {
      const ending = extname(entry.name).toLowerCase().slice(0, 20);
      others.set(ending, (others.get(ending) ?? 0) + 1);
    }
  }
  if (depth === 0 && below.length > 0)
    throw new DataError(
      "too-large",
      `${folder}: has folders in folders ${MAX_DEPTH} deep; is one a link to another?`,
    );
  for (const path of below) await walk(path, label, depth - 1, found);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function entriesOf(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  } catch (error) {
    const missing = isMissing(error);
    throw new DataError(
      missing ? "not-found" : "unreadable",
      `${folder}: ${missing ? "there is no such folder. Check the path" : `${reasonOf(error)}. Check its permissions`}.`,
      { cause: error },
    );
  }
}
