import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { largestLabel } from "../data/class-names.ts";
import { numberedClasses } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import { readWhole } from "../data/files.ts";
import { pairUp, parseIdxImages, parseIdxLabels, unpackIdx } from "../data/idx.ts";
import type { Dataset, ImageSet } from "../data/types.ts";

/** Node only: EMNIST as NIST publishes it, IDX files of several splits in one folder: https://www.nist.gov/itl/products-and-services/emnist-dataset */

const IMAGES = /^(emnist-\w+)-train-images-idx3-ubyte(\.gz)?$/;
const MAX_MAPPING_BYTES = 65_536;

/** EMNIST's files at a path: the folder that holds those of one split, or `folder/emnist-letters`. */
export interface EmnistPlace {
  readonly folder: string;
  /** Splits in the folder, "emnist-letters" and so on; one where the path names it. */
  readonly splits: readonly string[];
}

/** Whether EMNIST lies at a path, and which splits of it; undefined where it does not. */
export async function emnistAt(path: string): Promise<EmnistPlace | undefined> {
  for (const [folder, wanted] of [
    [path, undefined],
    [dirname(path), basename(path)],
  ] as const) {
    const names = await readdir(folder).catch(() => []);
    const splits = names.flatMap((name) => IMAGES.exec(name)?.[1] ?? []);
    const found = [...new Set(splits)].filter((split) => wanted === undefined || split === wanted).sort();
    if (found.length > 0) return { folder, splits: found };
  }
  return undefined;
}

/** Name of a split's file, among those there are. Throws DataError. */
function fileOf(split: string, what: string, names: ReadonlySet<string>, folder: string): string {
  // The plain one can be streamed as well.
  const name = [`${split}-${what}-ubyte`, `${split}-${what}-ubyte.gz`].find((one) => names.has(one));
  if (name === undefined) throw new DataError("not-found", `${folder}: has no ${split}-${what}-ubyte(.gz).`);
  return name;
}

/** Paths of the files that loadEmnist() takes a split's images from. Rejects with DataError where one is not there. */
export async function emnistImages(folder: string, split: string): Promise<string[]> {
  const names = new Set(await readdir(folder));
  return ["train", "test"].map((part) => join(folder, fileOf(split, `${part}-images-idx3`, names, folder)));
}

/**
 * Reads a split of EMNIST. Its images lie on their sides in the files, and are set upright, as MNIST's; classes count from 0 and have
 * the characters of the mapping as names.
 * Throws DataError.
 */
export async function loadEmnist(
  { folder, splits }: EmnistPlace,
  imagesOf: ImagesOf = uprightImages,
): Promise<Dataset> {
  const [split, ...others] = splits as [string, ...string[]];
  if (others.length > 0)
    throw new DataError(
      "bad-argument",
      `${folder}: holds ${splits.length} splits of EMNIST; name one: ${splits.map((one) => join(folder, one)).join(", ")}.`,
    );
  const names = new Set(await readdir(folder));
  const file = (what: string) => join(folder, fileOf(split, what, names, folder));
  const labelsOf = async (part: "train" | "test") => {
    const path = file(`${part}-labels-idx1`);
    const source = `${split} ${part} labels`;
    return parseIdxLabels(await unpackIdx(await readWhole(path), source), source);
  };
  const train = await labelsOf("train");
  const test = await labelsOf("test");
  const mapping = `${split}-mapping.txt`;
  const characters = names.has(mapping)
    ? parseMapping(await readWhole(join(folder, mapping), MAX_MAPPING_BYTES), join(folder, mapping))
    : undefined;
  // Letters count from 1.
  const first = characters ? Math.min(...characters.keys()) : 0;
  const largest = largestLabel({ labels: train }, { labels: test });
  const classNames = characters ? [...characters.values()] : numberedClasses(largest + 1);
  const set = (part: "train" | "test", own: Uint8Array): Promise<ImageSet> => {
    if (largest - first >= classNames.length || own.some((label) => label < first))
      throw new DataError(
        "label-range",
        `${folder}: ${split} has labels up to ${largest}; ${mapping} names ${classNames.length} from ${first} on.`,
      );
    const labels = own.map((label) => label - first);
    return imagesOf(file(`${part}-images-idx3`), labels, `${split} ${part}`);
  };
  return { name: split, classNames, train: await set("train", train), test: await set("test", test) };
}

/** Lines of a label and the codes of its characters: the first is its name. */
function parseMapping(bytes: Uint8Array, path: string): Map<number, string> {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/).filter(Boolean);
  const pairs = lines.map((line): [number, string] => {
    const [label, code] = line.trim().split(/\s+/).map(Number);
    if (!Number.isInteger(label) || !Number.isInteger(code) || code! < 33 || code! > 126)
      throw new DataError(
        "bad-classes",
        `${path}: has the line ${JSON.stringify(line.slice(0, 60))}; expected a label and the code of its character.`,
      );
    return [label!, String.fromCharCode(code!)];
  });
  pairs.sort(([a], [b]) => a - b);
  if (pairs.length === 0 || pairs.some(([label], i) => label !== pairs[0]![0] + i))
    throw new DataError("bad-classes", `${path}: expected labels one after the other.`);
  return new Map(pairs);
}

/** Makes a set of a file of images, which lie on their sides, and their labels. */
type ImagesOf = (path: string, labels: Uint8Array, source: string) => Promise<ImageSet>;

const uprightImages: ImagesOf = async (path, labels, source) => {
  const bytes = await unpackIdx(await readWhole(path), source, { count: labels.length });
  return upright(pairUp(parseIdxImages(bytes, `${source} images`), labels, source));
};

/** Rows become columns. */
function upright({ images, shape: [height, width], ...set }: ImageSet): ImageSet {
  const turned = new Uint8Array(images.length);
  const size = height * width;
  for (let at = 0; at < images.length; at += size)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) turned[at + x * height + y] = images[at + y * width + x]!;
  return { ...set, images: turned, shape: [width, height, 1] };
}
