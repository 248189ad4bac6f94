import { basename, extname, join, relative, resolve } from "node:path";
import { DataError } from "../data/errors.ts";
import { readWhole } from "../data/files.ts";
import { readClassNames } from "../data/folder.ts";
import type { LoadOptions } from "../data/load-options.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { fitPicture } from "../picture/fit.ts";
import { loadPicture } from "../picture/load.ts";
import { MAX_PICTURE_BYTES } from "../picture/png.ts";
import { foldersIn, holdsPictures, listAll } from "./directory.ts";
import { withTest } from "./parts.ts";
import { listBad, type PictureFile, readPictures } from "./pictures.ts";

/** Node only: folders of pictures and of their masks, which have the same names. */

const IMAGES = /^(images?|imgs?)$/i;
const MASKS = /^(masks?|annotations?)$/i;
const PARTS = {
  train: /^(train|training)$/i,
  validation: /^(val|valid|validation)$/i,
  test: /^(test|testing)$/i,
} as const;
type Part = keyof typeof PARTS;

/** Greys up to this are classes as they are; of others those that there are become classes, in their order. */
const MOST_GREY = 63;
const MAX_CLASSES = 256;
/** Files that a message names. */
const NAMED = 5;

interface Pair {
  readonly images: string;
  readonly masks: string;
}

/** The folders images/ and masks/ in one; undefined where they are not there. */
async function pairIn(folder: string): Promise<Pair | undefined> {
  const names = await foldersIn(folder).catch(() => []);
  const [images, masks] = [IMAGES, MASKS].map((pattern) => names.find((name) => pattern.test(name)));
  if (images === undefined || masks === undefined || names.length !== 2) return undefined;
  return { images: join(folder, images), masks: join(folder, masks) };
}

/** Folders of parts by what they are for, or the folder itself to train on; undefined where it is no folder of masks. */
async function pairsIn(folder: string): Promise<Partial<Record<Part, Pair>> | undefined> {
  const own = await pairIn(folder);
  if (own) return { train: own };
  const pairs: Partial<Record<Part, Pair>> = {};
  for (const name of await foldersIn(folder).catch(() => [])) {
    const part = (Object.keys(PARTS) as Part[]).find((key) => PARTS[key].test(name));
    const pair = part && (await pairIn(join(folder, name)));
    if (pair) pairs[part] = pair;
  }
  return pairs.train ? pairs : undefined;
}

/** Whether a folder is one of images and masks. */
export async function isMaskFolder(folder: string): Promise<boolean> {
  const train = (await pairsIn(folder))?.train;
  return train !== undefined && (await holdsPictures(train.masks)) && (await holdsPictures(train.images));
}

/**
 * Reads a folder with `images/` and `masks/`, whose files have the same names, or such folders in `train/`, `test/` and `validation/`. Greys of
 * masks are classes, black and white 0 and 1; colours, in their order, are classes too. `classes.txt` names them.
 * Throws DataError; the signal's reason.
 */
export async function loadMaskFolder(folder: string, options: LoadOptions = {}): Promise<Dataset> {
  const { onNotice, interpolation, resize } = options;
  const pairs = (await pairsIn(folder))!;
  const parts = (["train", "validation", "test"] as const).flatMap((part) =>
    pairs[part] ? [{ part, pair: pairs[part] }] : [],
  );
  const listed: { readonly part: Part; readonly file: PictureFile; readonly mask: string }[] = [];
  for (const { part, pair } of parts)
    for (const [path, mask] of await matched(pair))
      listed.push({
        part,
        mask,
        file: { name: path, label: 0, read: () => readWhole(path, MAX_PICTURE_BYTES) },
      });
  const all = listed.map(({ file }) => file);
  const { set, files, bad } = await readPictures(folder, all, loadPicture, options);
  if (bad.length > 0) onNotice?.(`${folder}: ${counted(bad.length, "picture")} left out: ${listBad(bad)}`);
  const kept = new Set(files);
  const read = listed.filter(({ file }) => kept.has(file));
  const [height, width] = set.shape;
  const pixels = height * width;
  const colours = new Uint32Array(read.length * pixels);
  for (const [i, { mask }] of read.entries()) {
    options.signal?.throwIfAborted();
    // Nearest: between two classes there is none.
    const picture = await pictureAt(mask);
    const rgb = fitPicture(picture, [height, width, 3], { interpolation: "nearest", resize });
    for (let at = 0; at < pixels; at++)
      colours[i * pixels + at] = (rgb[3 * at]! << 16) | (rgb[3 * at + 1]! << 8) | rgb[3 * at + 2]!;
  }
  const { labels, names } = classesOf(colours, folder, onNotice);
  const given = await readClassNames(join(folder, "classes.txt"));
  if (given && given.length < names.length)
    throw new DataError(
      "bad-classes",
      `${join(folder, "classes.txt")}: names ${counted(given.length, "class", "classes")}, but masks have ${names.length}.`,
    );
  const setOf = (part: Part): ImageSet | undefined => {
    const first = read.findIndex((one) => one.part === part);
    const count = read.filter((one) => one.part === part).length;
    if (count === 0) return undefined;
    const bytes = pixels * set.shape[2];
    return {
      images: set.images.subarray(first * bytes, (first + count) * bytes),
      labels: labels.subarray(first * pixels, (first + count) * pixels),
      count,
      shape: set.shape,
    };
  };
  const [train, validation, test] = [setOf("train"), setOf("validation"), setOf("test")];
  if (!train || (parts.some(({ part }) => part === "test") && !test))
    throw new DataError("bad-pictures", `${folder}: no picture is left of a part: ${listBad(bad)}`);
  return {
    name: basename(resolve(folder)),
    classNames: given ?? names,
    answers: { kind: "masks", shape: [height, width] },
    ...withTest(folder, { train, test }, options),
    ...(validation && { validation }),
    pictures: { interpolation: interpolation ?? "bilinear", resize: resize ?? "stretch" },
  };
}

async function pictureAt(path: string) {
  try {
    return await loadPicture(await readWhole(path, MAX_PICTURE_BYTES));
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError("bad-pictures", `${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Pictures and their masks, by names without their endings, in their order. Throws DataError on one that has no other. */
async function matched({ images, masks }: Pair): Promise<[image: string, mask: string][]> {
  const named = async (folder: string) =>
    new Map(
      (await listAll(folder)).map((path) => [relative(folder, path).slice(0, -extname(path).length), path]),
    );
  const [pictures, own] = [await named(images), await named(masks)];
  const alone = (these: Map<string, string>, those: Map<string, string>) =>
    [...these].filter(([name]) => !those.has(name)).map(([, path]) => path);
  for (const [paths, other] of [
    [alone(pictures, own), masks],
    [alone(own, pictures), images],
  ] as const)
    if (paths.length > 0)
      throw new DataError(
        "count-mismatch",
        `${paths.slice(0, NAMED).join(", ")}${paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ""}: ${paths.length === 1 ? "has" : "have"} none of the same name in ${other}; expected a mask for each picture.`,
      );
  return [...pictures].map(([name, path]) => [path, own.get(name)!]);
}

/** Classes of pixels, and what they are called. Throws DataError where there are too many. */
function classesOf(
  colours: Uint32Array,
  folder: string,
  onNotice: LoadOptions["onNotice"],
): { readonly labels: Uint8Array; readonly names: readonly string[] } {
  const there = new Set<number>();
  for (const colour of colours) {
    there.add(colour);
    if (there.size > MAX_CLASSES)
      throw new DataError(
        "bad-classes",
        `${folder}: masks have more than ${MAX_CLASSES} colours; expected one for each class. Are they photos, or packed with loss, as JPEG is? Save them as PNG.`,
      );
  }
  const sorted = [...there].sort((a, b) => a - b);
  const grey = sorted.every((colour) => colour % 0x010101 === 0);
  const most = (sorted.at(-1) ?? 0) & 255;
  if (grey && most <= MOST_GREY) {
    const labels = Uint8Array.from(colours, (colour) => colour & 255);
    return { labels, names: Array.from({ length: Math.max(most + 1, 2) }, (_, id) => String(id)) };
  }
  const hex = (colour: number) => `#${colour.toString(16).padStart(6, "0")}`;
  const called = (colour: number) => (grey ? String(colour & 255) : hex(colour));
  const ids = new Map(sorted.map((colour, id) => [colour, id]));
  const names = sorted.map(called);
  const plain = sorted.every((colour) => colour === 0 || colour === 0xffffff);
  if (!plain)
    onNotice?.(
      `${folder}: classes are the ${grey ? "greys" : "colours"} of masks in their order: ${names
        .slice(0, 20)
        .map((name, id) => `${id} is ${show(name)}`)
        .join(
          ", ",
        )}${names.length > 20 ? " …" : ""}. Name them in ${join(folder, "classes.txt")}, one a line.`,
    );
  const labels = Uint8Array.from(colours, (colour) => ids.get(colour)!);
  // White alone is 1 all the same.
  if (plain && names.length === 1) labels.fill(1);
  return { labels, names: plain ? ["0", "1"] : names };
}
