import { zipSync } from "fflate";
import { DataError } from "../data/errors.ts";
import { inMemory, isStreamed } from "../data/streamed.ts";
import type { Answers, ImageSet } from "../data/types.ts";
import { isObject } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import type { Pixels } from "../train/samples.ts";
import { npyOf, npyOfTexts } from "./npy.ts";
import { CLASS_NAMES, usualNames } from "./npz.ts";
import { ZIP_TIME } from "./zip-time.ts";

/** Zip files without the extension for larger ones. */
const MOST_BYTES = 2 ** 32 - 1;
const PARTS = { train: "train", validation: "val", test: "test" } as const;

/** Images as saveNpz() takes them: those of a dataset, or samples that bytes or floats are. */
export interface SavedImages {
  readonly images: Pixels;
  /** A class for each image, or of masks for each pixel. */
  readonly labels?: Uint8Array | undefined;
  /** Numbers in place of classes. */
  readonly targets?: Float32Array | undefined;
  readonly count: number;
  /** Of one image. */
  readonly shape: readonly number[];
}

/** A dataset as loadDataset() gives it, or some of its parts. */
export interface SavedDataset {
  readonly train: SavedImages;
  readonly test?: SavedImages | undefined;
  readonly validation?: SavedImages | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly answers?: Answers | undefined;
}

/** An array of the file that saveNpz() makes. */
export interface SavedArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Numbers, or of names of classes texts. */
  readonly data: Pixels | readonly string[];
}

/** The bytes of saveNpz(), of arraysOf(dataset). */
export function npzOf(arrays: readonly SavedArray[], compress: boolean): Uint8Array<ArrayBuffer> {
  const total = arrays.reduce((sum, { data }) => sum + ("byteLength" in data ? data.byteLength : 0), 0);
  if (total + 2 ** 20 > MOST_BYTES)
    throw new DataError(
      "too-large",
      `saveNpz: the arrays take ${total} bytes; an .npz file holds less than 4 GiB. Save parts of it, each in a file of its own.`,
    );
  const files: Record<string, Uint8Array> = {};
  for (const { name, shape, data } of arrays)
    files[`${name}.npy`] = "byteLength" in data ? npyOf(shape, data) : npyOfTexts(data);
  return zipSync(files, { level: compress ? 6 : 0, mtime: ZIP_TIME }) as Uint8Array<ArrayBuffer>;
}

/** The arrays of saveNpz()'s file. Throws as it does. */
export async function arraysOf(dataset: SavedDataset): Promise<SavedArray[]> {
  if (!isObject(dataset) || !isObject(dataset.train))
    throw new TypeError(
      `saveNpz: got ${show(dataset)}, expected a dataset. Write: saveNpz(await loadDataset("mnist")), or saveNpz({ train: samples })`,
    );
  const arrays: SavedArray[] = [];
  for (const [part, suffix] of Object.entries(PARTS)) {
    const set = dataset[part as keyof typeof PARTS];
    if (set) arrays.push(...(await partOf(set, part, suffix, dataset.answers)));
  }
  const names = namesToWrite(dataset);
  if (names) arrays.push({ name: CLASS_NAMES, shape: [names.length], data: names });
  return arrays;
}

async function partOf(
  given: SavedImages,
  part: string,
  suffix: string,
  answers: Answers | undefined,
): Promise<SavedArray[]> {
  const set: SavedImages = isStreamed(given)
    ? await inMemory(
        given as unknown as ImageSet,
        Uint32Array.from({ length: given.count }, (_, row) => row),
      )
    : given;
  const { images, labels, targets, count, shape } = set;
  const size = shape.reduce((product, n) => product * n, 1);
  if (images.length !== count * size)
    throw new DataError(
      "count-mismatch",
      `saveNpz: ${part} has ${images.length} numbers in its images; expected ${count * size}, for ${count} of ${shape.join("x")}.`,
    );
  const own = targets ?? labels;
  const each = (own?.length ?? 0) / count;
  const answer = answers?.shape ?? (targets ? [each] : []);
  if (!own || own.length !== count * answer.reduce((product, n) => product * n, 1))
    throw new DataError(
      "count-mismatch",
      `saveNpz: ${part} has ${count} images and ${own ? `${own.length} ${targets ? "numbers" : "labels"}` : "no labels"}; expected ${answers ? `${answer.join("x")} for each` : "one for each"}.`,
    );
  // As NumPy and Keras have grey images.
  const image = shape.length === 3 && shape[2] === 1 ? shape.slice(0, 2) : shape;
  return [
    { name: `x_${suffix}`, shape: [count, ...image], data: images },
    { name: `y_${suffix}`, shape: [count, ...answer], data: own },
  ];
}

/** Names of classes, where those that reading would give are others. */
function namesToWrite(dataset: SavedDataset): readonly string[] | undefined {
  const { classNames, answers, train, validation, test } = dataset;
  if (!classNames || classNames.length === 0 || answers?.kind === "numbers") return undefined;
  const all = [train, validation, test].flatMap((set) => (set?.labels ? [set as ImageSet] : []));
  return classNames.join("\n") === usualNames(...all).join("\n") ? undefined : classNames;
}
