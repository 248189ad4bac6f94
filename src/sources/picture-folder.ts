import { basename, join, resolve } from "node:path";
import { DataError } from "../data/errors.ts";
import type { LoadOptions } from "../data/load-options.ts";
import { isStreamed } from "../data/streamed.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { loadPicture } from "../picture/load.ts";
import { foldersIn, holdsPictures, type Listing, listPictures, othersNote, partsOf } from "./directory.ts";
import { divide, purposesOf, TEST_SEED, TEST_SPLIT } from "./parts.ts";
import { type BadFile, listBad, type PictureFile, readPictures } from "./pictures.ts";

/** Whether a folder is one of pictures, with a folder for each class. */
export async function isPictureFolder(folder: string): Promise<boolean> {
  for (const name of await foldersIn(folder).catch(() => []))
    if (await holdsPictures(join(folder, name))) return true;
  return false;
}

/**
 * Reads a folder of pictures as a dataset: a folder for each class; or such folders in `train/` and `test/` (and
 * `validation/`, which without `test/` is the test). Where there is none for the test, `testSplit` of the pictures of each class are kept for it.
 * Throws DataError: see listPictures() and readPictures(); the signal's reason.
 */
export async function loadPictureFolder(folder: string, options: LoadOptions = {}): Promise<Dataset> {
  const { testSplit, onNotice, interpolation, resize } = options;
  const there = await partsOf(folder);
  // `train` may be a class, too: one of parts has folders, and no pictures lie beside those of parts.
  const ofParts =
    there.parts.train !== undefined &&
    there.beside.length === 0 &&
    (await foldersIn(join(folder, there.parts.train))).length > 0;
  const parts = ofParts ? purposesOf(folder, there.parts, options) : {};
  const list = await listPictures(parts.train === undefined ? folder : join(folder, parts.train));
  const { classNames } = list;
  const filled = new Set(list.files.map(({ label }) => label));
  const empty = classNames.filter((_, label) => !filled.has(label)).map((name) => show(name));
  if (empty.length > 0)
    onNotice?.(
      `${folder}: ${empty.slice(0, 10).join(", ")} ${empty.length === 1 ? "is a class" : "are classes"} without a picture to train on. Move ${empty.length === 1 ? "that folder" : "those folders"} elsewhere if none is meant.`,
    );
  const listed = async (name: string | undefined) => {
    if (name === undefined) return undefined;
    return (await listPart(join(folder, name), classNames)).files;
  };
  let train = list.files;
  let test = await listed(parts.test);
  const validation = await listed(parts.validation);
  if (!test) {
    if (train.length < 2)
      throw new DataError(
        "bad-argument",
        `${folder}: has one picture, of which none can be kept for the test.`,
      );
    [train, test] = divide(train, testSplit ?? TEST_SPLIT, TEST_SEED);
    onNotice?.(
      `${folder} has no folder test: ${test.length} of ${list.files.length} pictures, the same share of each class, are kept for the test.`,
    );
  }
  if (list.others.size > 0)
    onNotice?.(`${folder}: files that are no pictures to be read are left out${othersNote(list.others)}.`);
  const all = [...train, ...(validation ?? []), ...test];
  const { set, files, bad } =
    options.stream === true
      ? await (await import("./stream/pictures.ts")).streamPictures(folder, all, options)
      : await readPictures(folder, all, loadPicture, options);
  if (bad.length > 0) onNotice?.(`${folder}: ${counted(bad.length, "picture")} left out: ${listBad(bad)}`);
  const kept = new Set(files);
  const count = (some: readonly PictureFile[]) => some.filter((file) => kept.has(file)).length;
  const [trained, validated] = [count(train), count(validation ?? [])];
  for (const [n, what] of [
    [trained, "training"],
    [count(test), "the test"],
  ] as const)
    if (n === 0) throw noneLeft(folder, what, bad);
  return {
    name: basename(resolve(folder)),
    classNames,
    train: rows(set, 0, trained),
    ...(validated > 0 && { validation: rows(set, trained, trained + validated) }),
    test: rows(set, trained + validated, set.count),
    pictures: { interpolation: interpolation ?? "bilinear", resize: resize ?? "stretch" },
  };
}

/** Pictures for the test or for validation, whose folders are those of the classes, or some of them. */
async function listPart(folder: string, classNames: readonly string[]): Promise<Listing> {
  const there = await foldersIn(folder);
  const known = classNames.filter((name) => there.includes(name));
  const unknown = there.find((name) => !classNames.includes(name));
  if (unknown !== undefined)
    throw new DataError(
      "bad-classes",
      `${folder}: has a class ${show(unknown)}, of which there is nothing to train on; the classes are ${classNames
        .slice(0, 20)
        .map((name) => show(name))
        .join(", ")}.`,
    );
  const { files, others } = await listPictures(folder, { classNames: known });
  const relabelled = files.map((file) => ({ ...file, label: classNames.indexOf(known[file.label]!) }));
  return { classNames, files: relabelled, others };
}

function noneLeft(folder: string, what: string, bad: readonly BadFile[]): DataError {
  return new DataError("bad-pictures", `${folder}: no picture for ${what} can be read: ${listBad(bad)}`);
}

function rows(set: ImageSet, from: number, to: number): ImageSet {
  if (isStreamed(set)) return set.some(Uint32Array.from({ length: to - from }, (_, i) => from + i));
  const { images, labels, shape } = set;
  const bytes = shape[0] * shape[1] * shape[2];
  return {
    images: images.subarray(from * bytes, to * bytes),
    labels: labels.subarray(from, to),
    count: to - from,
    shape,
  };
}
