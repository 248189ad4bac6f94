import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { numberedClasses } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import { readWhole } from "../data/files.ts";
import { gunzip, isGzip } from "../data/gzip.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import type { LoadOptions } from "../data/load-options.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { show } from "../options/show.ts";
import { type PixelTable, parseCsv } from "./csv.ts";
import { CLASS_NAMES, namesOf, parseArrays, parseNpz } from "./npz.ts";
import { withTest } from "./parts.ts";
import { flatShape } from "./shape.ts";

/** Node only: datasets in one file, or two, of numbers. */

const TABLE = /\.(csv|tsv)(\.gz)?$/i;
const TEST = /test/i;
const TRAIN = /train/i;
/** Labels are bytes. */
const MAX_CLASSES = 256;

/** Whether a file's name says that it is read here. */
export function isNumbersFile(path: string): boolean {
  return TABLE.test(path) || /\.npz$/i.test(path);
}

/** The file in a folder that is a dataset: an .npz, or a table of images to train on; undefined where there is none, or several. */
export async function numbersFileIn(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => isNumbersFile(name) && !name.startsWith("."));
  const training = names.filter((name) => !TEST.test(name));
  return training.length === 1 ? join(folder, training[0]!) : undefined;
}

/** Reads an .npz, or a table. Throws DataError. */
export async function loadNumbers(path: string, options: LoadOptions): Promise<Dataset> {
  if (/\.npz$/i.test(path)) return { ...parseNpz(await readWhole(path), path, options), name: nameOf(path) };
  return loadTable(path, options);
}

/** The names of the .npy files in a folder, without their endings; none where there is nothing to train on. */
export async function arraysIn(folder: string): Promise<ReadonlySet<string>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".npy"));
  const names = new Set(files.map((name) => name.slice(0, -".npy".length)));
  return namesOf("train", names) ? names : new Set();
}

/** Reads a folder of .npy files, which are called as the arrays of an .npz are. Throws DataError. */
export async function loadArrays(folder: string, options: LoadOptions): Promise<Dataset> {
  const arrays = new Map<string, () => Uint8Array>();
  const there = await arraysIn(folder);
  const parts = ["train", "validation", "test"] as const;
  const names = there.has(CLASS_NAMES) ? [CLASS_NAMES] : [];
  for (const name of [...names, ...parts.flatMap((part) => namesOf(part, there) ?? [])]) {
    const bytes = await readWhole(join(folder, `${name}.npy`));
    arrays.set(name, () => bytes);
  }
  return { ...parseArrays(arrays, folder, options), name: basename(resolve(folder)) };
}

function nameOf(path: string): string {
  return basename(resolve(path)).replace(/(\.(csv|tsv|npz))?(\.gz)?$/i, "");
}

async function loadTable(path: string, options: LoadOptions): Promise<Dataset> {
  const { onNotice } = options;
  const table = await readTable(path);
  const other = await testOf(path);
  const testTable = other === undefined ? undefined : await readTable(other, table.label);
  const shape = flatShape(table.width, path, options);
  if (testTable && testTable.width !== table.width)
    throw new DataError(
      "bad-dimensions",
      `${other}: has ${testTable.width} pixels a line, ${path} ${table.width}; expected as many.`,
    );
  const classNames = classesOf([table, ...(testTable ? [testTable] : [])], path);
  const train = setOf(table, shape, classNames);
  const test = testTable && setOf(testTable, shape, classNames);
  if (other !== undefined) onNotice?.(`${basename(other)} beside ${basename(path)} is taken for the test.`);
  const name = nameOf(path).replace(/[_-]?train(ing)?$/i, "") || nameOf(path);
  return { name, classNames, ...withTest(path, { train, test }, options) };
}

async function readTable(path: string, side?: PixelTable["label"]): Promise<PixelTable> {
  const bytes = await readWhole(path);
  return parseCsv(
    isGzip(bytes) ? await gunzip(bytes, { maxBytes: MAX_IDX_BYTES, source: path }) : bytes,
    path,
    side,
  );
}

/** The table beside one of training images that has "test" in its name where that has "train". */
async function testOf(path: string): Promise<string | undefined> {
  const name = basename(path);
  if (!TRAIN.test(name)) return undefined;
  const bare = (text: string, part: RegExp) =>
    text
      .toLowerCase()
      .replace(part, "*")
      .replace(/(ing)?(\.gz)?$/, "")
      .replace("*ing", "*");
  const wanted = bare(name, TRAIN);
  const found = (await readdir(dirname(path))).find(
    (other) => TABLE.test(other) && TEST.test(other) && bare(other, TEST) === wanted,
  );
  return found === undefined ? undefined : join(dirname(path), found);
}

/** Names of the classes: those that the tables have, sorted; numbers up to the largest. */
function classesOf(tables: readonly PixelTable[], path: string): string[] {
  const all = new Set(tables.flatMap(({ labels }) => labels));
  const numbers = [...all].every((label) => /^\d+(\.0*)?$/.test(label));
  if (numbers) {
    const most = Math.max(1, ...[...all].map(Number));
    if (most < MAX_CLASSES) return numberedClasses(most + 1);
  }
  if (all.size > MAX_CLASSES || numbers)
    throw new DataError(
      "label-range",
      `${path}: its classes are ${[...all]
        .slice(0, 8)
        .map((label) => show(label))
        .join(
          ", ",
        )} …: ${numbers ? "numbers up to 255" : `at most ${MAX_CLASSES} names`} were expected, in the first column or the last.`,
    );
  return [...all].sort();
}

function setOf(
  { pixels, labels }: PixelTable,
  shape: ImageSet["shape"],
  classNames: readonly string[],
): ImageSet {
  const ids = new Map(classNames.map((name, id) => [name, id]));
  return {
    images: pixels,
    // "3.0" is 3.
    labels: Uint8Array.from(labels, (label) => ids.get(label) ?? Number(label)),
    count: labels.length,
    shape,
  };
}
