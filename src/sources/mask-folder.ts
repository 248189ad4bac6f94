import { basename, extname, join, relative, resolve } from "node:path";
import { DataError } from "../data/errors.ts";
import { readWhole } from "../data/files.ts";
import { readClassNames } from "../data/folder.ts";
import type { LoadOptions } from "../data/load-options.ts";
import type { Answers, Dataset, ImageSet } from "../data/types.ts";
import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { fitPicture } from "../picture/fit.ts";
import { formatOf } from "../picture/format.ts";
import { loadPicture } from "../picture/load.ts";
import { type Picture, PictureError } from "../picture/picture.ts";
import { MAX_PICTURE_BYTES } from "../picture/png.ts";
import { foldersIn, holdsPictures, listAll, type Part, type Parts, partsOf } from "./directory.ts";
import { WHITE } from "./masks.ts";
import { purposesOf, withTest } from "./parts.ts";
import { listBad, type PictureFile, readPictures } from "./pictures.ts";

/** Node only: folders of pictures and of their masks, which have the same names. */

const IMAGES = /^(images?|imgs?)$/i;
const MASKS = /^(masks?|annotations?)$/i;

/** Greys up to this are classes as they are; of others those that there are become classes, in their order. */
const MOST_GREY = 63;
const MAX_CLASSES = 256;
const TOO_MANY = `more than ${MAX_CLASSES} colours; expected one for each class. Is that a photo, or drawn with soft edges? Save masks as PNG with a colour a class.`;
/** The grey that many datasets give pixels of no class. */
const VOID = 255;
/** Where a PNG says how many bits a number has. */
const PNG_DEPTH = 24;
/** Files that a message names. */
const NAMED = 5;

type Size = Pick<Picture, "width" | "height">;

interface Pair {
  readonly folder: string;
  readonly images: string;
  readonly masks: string;
  /** Other folders with pictures: with such ones beside them, images/ and masks/ are classes. */
  readonly beside: readonly string[];
}

/** The folders images/ and masks/ in one; undefined where they are not there. */
async function pairIn(folder: string): Promise<Pair | undefined> {
  const names = await foldersIn(folder).catch(() => []);
  const [images, masks] = [IMAGES, MASKS].map((pattern) => names.find((name) => pattern.test(name)));
  if (images === undefined || masks === undefined) return undefined;
  const beside: string[] = [];
  for (const name of names)
    if (name !== images && name !== masks && (await holdsPictures(join(folder, name)))) beside.push(name);
  return { folder, images, masks, beside };
}

function named(folders: readonly string[]): string {
  const some = folders.slice(0, NAMED).map((name) => `${name}/`);
  return `${some.join(", ")}${folders.length > NAMED ? " …" : ""}`;
}

/** What keeps a pair from being one of images and masks, and how that is mended. */
function toldBeside({ folder, images, masks, beside }: Pair): {
  readonly found: string;
  readonly mend: string;
} {
  return {
    found: `${folder}: has ${images}/ and ${masks}/, and beside them ${named(beside)}`,
    mend: `move all but ${images}/ and ${masks}/ elsewhere.`,
  };
}

interface Places {
  /** Folders of parts, or the folder itself to train on, with what each has of images and masks; the path of one without. */
  readonly places: Partial<Record<Part, Pair | string>>;
  /** Folders with pictures beside those of parts. */
  readonly beside: readonly string[];
}

/** @param purposes what folders of parts are for */
async function placesIn(folder: string, purposes = (parts: Parts) => parts): Promise<Places> {
  const own = await pairIn(folder);
  if (own) return { places: { train: own }, beside: [] };
  const { parts, beside } = await partsOf(folder).catch(() => ({ parts: {}, beside: [] }));
  const places: Places["places"] = {};
  for (const [part, name] of Object.entries(purposes(parts)) as [Part, string][])
    places[part] = (await pairIn(join(folder, name))) ?? join(folder, name);
  return { places, beside };
}

const isPair = (place: Pair | string | undefined): place is Pair =>
  typeof place === "object" && place.beside.length === 0;

/** Why a folder is none of images and masks although it, or a part in it, has such ones: what else lies there. A sentence; undefined: it has none. */
export async function whyNoMasks(folder: string): Promise<string | undefined> {
  const { places } = await placesIn(folder);
  const crowded = Object.values(places).find((place) => typeof place === "object" && place.beside.length > 0);
  if (typeof crowded !== "object") return undefined;
  const { found, mend } = toldBeside(crowded);
  return `${found}, so folders are read as classes. To train on masks, ${mend}`;
}

/** Whether a folder is one of images and masks. */
export async function isMaskFolder(folder: string): Promise<boolean> {
  const { train } = (await placesIn(folder)).places;
  if (!isPair(train)) return false;
  const [images, masks] = [train.images, train.masks].map((name) => holdsPictures(join(train.folder, name)));
  return (await images!) && (await masks!);
}

/** The parts of a folder of images and masks. Throws DataError where one is called a part, but has no images and masks: it would be left out. */
async function pairsIn(
  folder: string,
  options: LoadOptions,
): Promise<{ readonly part: Part; readonly pair: Pair }[]> {
  const { places, beside } = await placesIn(folder, (parts) => purposesOf(folder, parts, options));
  if (beside.length > 0)
    options.onNotice?.(
      `${folder}: ${named(beside)} ${beside.length === 1 ? "is" : "are"} left out: beside one folder to train on, one for validation and one for the test are read.`,
    );
  return (["train", "validation", "test"] as const).flatMap((part) => {
    const pair = places[part];
    if (pair === undefined) return [];
    if (isPair(pair)) return [{ part, pair }];
    if (typeof pair === "object") {
      const { found, mend } = toldBeside(pair);
      throw new DataError(
        "bad-classes",
        `${found}; expected those two alone, as there are to train on: ${mend}`,
      );
    }
    throw new DataError(
      "not-found",
      `${pair}: has no images/ and masks/, as there are to train on; expected both, with a mask for each picture. Add what is lacking, or move the folder elsewhere.`,
    );
  });
}

/**
 * Reads a folder with `images/` and `masks/`, whose files have the same names, or such folders in `train/`, `test/` and `validation/`. Greys of
 * masks are classes, black and white 0 and 1; colours, in their order, are classes too. `classes.txt` names them.
 * Throws DataError; the signal's reason.
 */
export async function loadMaskFolder(folder: string, options: LoadOptions = {}): Promise<Dataset> {
  const { onNotice, interpolation, resize } = options;
  const parts = await pairsIn(folder, options);
  const listed: { readonly part: Part; readonly file: PictureFile }[] = [];
  const masks = new Map<PictureFile, string>();
  for (const { part, pair } of parts)
    for (const [name, mask] of await matched(pair)) {
      const file = { name, label: 0, read: () => readWhole(name, MAX_PICTURE_BYTES) };
      listed.push({ part, file });
      masks.set(file, mask);
    }
  const decode = async (bytes: Uint8Array, file: PictureFile): Promise<Masked> => {
    const picture = await loadPicture(bytes);
    return { ...picture, mask: await maskOf(picture, masks.get(file)!) };
  };
  const fitted = new Map<PictureFile, Colours>();
  const { set, files, bad } = await readPictures(
    folder,
    listed.map(({ file }) => file),
    decode,
    options,
    (file, { mask }, size) => {
      // Nearest: between two classes there is none.
      const own = coloursOf(fitPicture(mask, [...size, 3], { interpolation: "nearest", resize }));
      if (own.colours.length > MAX_CLASSES) return `has the mask ${masks.get(file)}, which has ${TOO_MANY}`;
      fitted.set(file, own);
      return undefined;
    },
  );
  if (bad.length > 0) onNotice?.(`${folder}: ${counted(bad.length, "picture")} left out: ${listBad(bad)}`);
  const kept = new Set(files);
  const read = listed.filter(({ file }) => kept.has(file));
  const [height, width] = set.shape;
  const pixels = height * width;
  // Colours are numbered as they come, and sorted when all are there.
  const labels = new Uint8Array(read.length * pixels);
  const numbers = new Map<number, number>();
  for (const [i, { file }] of read.entries()) {
    const { colours, places } = fitted.get(file)!;
    for (const colour of colours) {
      if (numbers.has(colour)) continue;
      if (numbers.size === MAX_CLASSES)
        throw new DataError("bad-classes", `${folder}: masks have, with ${masks.get(file)}, ${TOO_MANY}`);
      numbers.set(colour, numbers.size);
    }
    const own = colours.map((colour) => numbers.get(colour)!);
    for (let at = 0; at < pixels; at++) labels[i * pixels + at] = own[places[at]!]!;
    fitted.delete(file);
  }
  const { ids, names, ranked } = classesOf([...numbers.keys()], folder, onNotice);
  for (let at = 0; at < labels.length; at++) labels[at] = ids[labels[at]!]!;
  const answers: Answers = { kind: "masks", shape: [height, width] };
  if (!ranked && numbers.has(0xffffff)) WHITE.add(answers);
  const given = await readClassNames(join(folder, "classes.txt"));
  if (given && (given.length < names.length || (ranked && given.length > names.length)))
    throw new DataError(
      "bad-classes",
      `${join(folder, "classes.txt")}: names ${counted(given.length, "class", "classes")}, but masks have ${names.length}${ranked ? `: ${names.slice(0, 20).join(", ")}${names.length > 20 ? " …" : ""}. Name these, in that order` : ""}.`,
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
  const empty = parts.find(({ part }) => !{ train, validation, test }[part]);
  if (!train || empty)
    throw new DataError(
      "bad-pictures",
      `${empty?.pair.folder ?? folder}: no picture ${bad.length > 0 ? `can be read: ${listBad(bad)}` : `is in ${empty?.pair.images}/; expected some, with masks.`}`,
    );
  return {
    name: basename(resolve(folder)),
    classNames: given ?? names,
    answers,
    ...withTest(folder, { train, test }, options),
    ...(validation && { validation }),
    pictures: { interpolation: interpolation ?? "bilinear", resize: resize ?? "stretch" },
  };
}

interface Masked extends Picture {
  readonly mask: Picture;
}

/** The colours of a mask, and for each pixel which it has: a byte. */
interface Colours {
  readonly colours: readonly number[];
  readonly places: Uint8Array;
}

/** Of more colours than there may be classes it tells one more than those. */
function coloursOf(rgb: Uint8Array): Colours {
  const found = new Map<number, number>();
  const places = new Uint8Array(rgb.length / 3);
  for (let at = 0; at < places.length && found.size <= MAX_CLASSES; at++) {
    const colour = (rgb[3 * at]! << 16) | (rgb[3 * at + 1]! << 8) | rgb[3 * at + 2]!;
    let place = found.get(colour);
    if (place === undefined) {
      place = found.size;
      found.set(colour, place);
    }
    places[at] = place;
  }
  return { colours: [...found.keys()], places };
}

/** A picture's mask, with the classes it was drawn with. Throws PictureError where its file cannot have kept them, or is not of that picture. */
async function maskOf(picture: Picture, path: string): Promise<Picture> {
  try {
    const mask = await decodeMask(await readWhole(path, MAX_PICTURE_BYTES), basename(path));
    requireSameProportions(picture, mask);
    return mask;
  } catch (error) {
    const { message } = error as Error;
    // A file system's reason names the file.
    if (error instanceof DataError) throw new PictureError(`has a mask that cannot be read: ${message}`);
    if (error instanceof PictureError) throw new PictureError(`has the mask ${path}, which ${message}`);
    throw error;
  }
}

async function decodeMask(bytes: Uint8Array, name: string): Promise<Picture> {
  const format = formatOf(bytes);
  if (format === "JPEG" || (format === "WebP" && isLossy(bytes)))
    throw new PictureError(
      `is a ${format} packed with loss, which changes pixels, and so their classes; expected a PNG. One of black and white is mended by: magick ${name} -threshold 50% ${basename(name, extname(name))}.png; others are to be saved as PNG where they are made`,
    );
  if (format === "PNG" && bytes[PNG_DEPTH] === 16)
    throw new PictureError(
      `has 16 bits a channel; expected classes as 8 bits, 0 to 255. Where its numbers are below 256, write: Image.fromarray(np.array(Image.open(${show(name)})).astype(np.uint8)).save(${show(name)})`,
    );
  return loadPicture(bytes);
}

/** Throws PictureError where a mask is not its picture in another size: its classes would lie beside what they are of. */
function requireSameProportions(own: Size, of: Size): void {
  const same = own.width === of.width || own.height === of.height;
  // One that was made smaller has sides to the nearest pixel.
  const rounded = same ? 1 : Math.max(own.width, own.height, of.width, of.height);
  if (Math.abs(own.width * of.height - own.height * of.width) >= rounded)
    throw new PictureError(
      `is ${of.width}x${of.height} pixels, but its picture ${own.width}x${own.height}; expected the same proportions. Is one of them cropped, or turned by EXIF? Save both alike`,
    );
}

/** Pictures and their masks, by names without their endings, in their order. Throws DataError on one that has no other. */
async function matched({ folder, ...pair }: Pair): Promise<[image: string, mask: string][]> {
  const [images, masks] = [join(folder, pair.images), join(folder, pair.masks)];
  const byName = async (folder: string) =>
    new Map(
      (await listAll(folder)).map((path) => [relative(folder, path).slice(0, -extname(path).length), path]),
    );
  const [pictures, own] = [await byName(images), await byName(masks)];
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

interface Classes {
  /** For each colour its class. */
  readonly ids: readonly number[];
  readonly names: readonly string[];
  /** Whether a class is the place of its colour among those that there are. */
  readonly ranked: boolean;
}

/** The classes of colours, and what they are called. */
function classesOf(colours: readonly number[], folder: string, onNotice: LoadOptions["onNotice"]): Classes {
  const sorted = [...colours].sort((a, b) => a - b);
  const grey = sorted.every((colour) => colour % 0x010101 === 0);
  const greys = grey ? sorted.map((colour) => colour & 255) : [];
  const most = greys.at(-1);
  if (most !== undefined && most <= MOST_GREY)
    return {
      ids: colours.map((colour) => colour & 255),
      names: Array.from({ length: Math.max(most + 1, 2) }, (_, id) => String(id)),
      ranked: false,
    };
  if (sorted.every((colour) => colour === 0 || colour === 0xffffff))
    return { ids: colours.map((colour) => colour & 1), names: ["0", "1"], ranked: false };
  const hex = (colour: number) => `#${colour.toString(16).padStart(6, "0")}`;
  const names = grey ? greys.map(String) : sorted.map(hex);
  const listed = names.slice(0, 20).map((name, id) => `${id} is ${show(name)}`);
  const last = names.length - 1;
  const unlabelled = greys[last] === VOID && greys[last - 1]! <= MOST_GREY;
  onNotice?.(
    `${folder}: classes are the ${grey ? "greys" : "colours"} of masks in their order: ${listed.join(
      ", ",
    )}${names.length > 20 ? " …" : ""}. Name them in ${join(folder, "classes.txt")}, one a line.${
      unlabelled
        ? ` ${VOID} is learnt as a class like the others; where it stands for pixels of no class, weigh it 0 by a setting: {"classWeight": {"${last}": 0}}.`
        : ""
    }`,
  );
  const places = new Map(sorted.map((colour, id) => [colour, id]));
  return { ids: colours.map((colour) => places.get(colour)!), names, ranked: true };
}

/** Whether a WebP holds a picture that is packed with loss: a chunk "VP8 ", behind its header. */
function isLossy(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (type === "VP8 ") return true;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return false;
}
