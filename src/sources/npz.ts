import { unzipSync } from "fflate";
import { largestLabel } from "../data/class-names.ts";
import { numberedClasses } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { show } from "../options/show.ts";
import { type NpyArray, parseNpy } from "./npy.ts";
import { type OneSet, withTest } from "./parts.ts";
import { flatShape } from "./shape.ts";

/** What archives call their arrays: Keras's names, and MedMNIST's. */
const ARRAY_NAMES: Readonly<
  Record<"train" | "validation" | "test", readonly (readonly [images: string, labels: string])[]>
> = {
  train: [
    ["x_train", "y_train"],
    ["train_images", "train_labels"],
    ["x", "y"],
  ],
  validation: [
    ["x_val", "y_val"],
    ["val_images", "val_labels"],
  ],
  test: [
    ["x_test", "y_test"],
    ["test_images", "test_labels"],
  ],
};
/** Deflate grows at most 1032-fold. */
const MOST_GROWTH = 1032;

/**
 * Reads a dataset from the bytes of an .npz file as Keras keeps its datasets: `x_train`, `y_train`, and `x_test`, `y_test` where they
 * are there; `x_val`, `y_val` are for validation.
 * Throws DataError.
 */
export function parseNpz(bytes: Uint8Array, name: string, options: OneSet = {}): Dataset {
  return parseArrays(unzip(bytes, name), name, options);
}

/** A dataset of arrays by their names, which are the bytes of .npy files. Throws DataError. */
export function parseArrays(
  arrays: ReadonlyMap<string, () => Uint8Array>,
  name: string,
  options: OneSet,
): Dataset {
  const part = (of: Part): ImageSet | undefined => {
    const names = namesOf(of, arrays);
    if (!names) return undefined;
    const [images, labels] = names.map((key) => parseNpy(arrays.get(key)!(), `${name}: ${key}`)) as [
      NpyArray,
      NpyArray,
    ];
    return setOf(images, labels, names.map((key) => `${name}: ${key}`) as [string, string], options);
  };
  const train = part("train") ?? missing(name, arrays);
  return datasetOf({ train, validation: part("validation"), test: part("test") }, name, options);
}

type Part = keyof typeof ARRAY_NAMES;

/** What the arrays of a part are called, where they are there. */
export function namesOf(part: Part, there: { has(name: string): boolean }) {
  return ARRAY_NAMES[part].find(([images, labels]) => there.has(images) && there.has(labels));
}

/** Throws DataError: there is nothing to train on. */
export function missing(name: string, there: { keys(): Iterable<string> }): never {
  throw new DataError(
    "not-found",
    `${name}: holds ${
      [...there.keys()]
        .slice(0, 20)
        .map((key) => show(key))
        .join(", ") || "no arrays"
    }; expected x_train and y_train (and x_test, y_test). Write: np.savez("data.npz", x_train=x, y_train=y)`,
  );
}

/** A dataset of its parts. Throws DataError where they do not go together. */
export function datasetOf(
  {
    train,
    validation,
    test,
  }: Pick<Dataset, "train" | "validation"> & { readonly test: ImageSet | undefined },
  name: string,
  options: OneSet,
): Dataset {
  for (const other of [validation, test])
    if (other && other.shape.join() !== train.shape.join())
      throw new DataError(
        "bad-dimensions",
        `${name}: training images are ${train.shape.join(" x ")}, others ${other.shape.join(" x ")}; expected one shape.`,
      );
  const sets = withTest(name, { train, test }, options);
  const largest = largestLabel(train, ...(test ? [test] : []), ...(validation ? [validation] : []));
  return {
    name,
    classNames: numberedClasses(Math.max(largest + 1, 2)),
    ...sets,
    ...(validation && { validation }),
  };
}

/** Arrays by their names, the last of each as NumPy has it, unpacked when they are asked for. */
function unzip(bytes: Uint8Array, name: string): Map<string, () => Uint8Array> {
  const arrays = new Map<string, () => Uint8Array>();
  let entries = 0;
  try {
    unzipSync(bytes, {
      filter: ({ name: file, size, originalSize }) => {
        const key = file.replace(/\.npy$/, "");
        const entry = entries++;
        const large = originalSize > Math.min(MAX_IDX_BYTES, MOST_GROWTH * size + 1024);
        arrays.set(key, () => {
          if (large)
            throw new DataError(
              "too-large",
              `${name}: ${key} claims ${originalSize} bytes, packed into ${size}.`,
            );
          return unpack(bytes, entry, `${name}: ${file}`);
        });
        return false;
      },
    });
  } catch (error) {
    throw damaged(name, error);
  }
  return arrays;
}

/** One entry, by its number: names may be there twice. */
function unpack(bytes: Uint8Array, entry: number, what: string): Uint8Array {
  try {
    let at = 0;
    const [array] = Object.values(unzipSync(bytes, { filter: () => at++ === entry }));
    return array!;
  } catch (error) {
    throw damaged(what, error);
  }
}

function damaged(what: string, cause: unknown): DataError {
  return new DataError("bad-gzip", `${what}: is a damaged archive: ${(cause as Error).message}.`, { cause });
}

function setOf(
  images: NpyArray,
  labels: NpyArray,
  [x, y]: readonly [string, string],
  options: OneSet,
): ImageSet {
  const ids = labelsOf(labels, y);
  const shape = shapeOf(images, x, options);
  if (images.shape[0] !== ids.length)
    throw new DataError(
      "count-mismatch",
      `${x} has ${images.shape[0]} images, ${y} ${ids.length} labels; expected as many.`,
    );
  if (ids.length === 0) throw new DataError("bad-dimensions", `${x}: is empty.`);
  return { images: bytesOf(images, x), labels: ids, count: ids.length, shape };
}

export function shapeOf(
  { shape }: Pick<NpyArray, "shape">,
  what: string,
  options: OneSet,
): ImageSet["shape"] {
  const [, ...one] = shape;
  if (one.length === 1) return flatShape(one[0]!, what, options);
  const [height = 0, width = 0, channels = 1] = one;
  if (one.length < 2 || one.length > 3 || one.includes(0))
    throw new DataError(
      "bad-dimensions",
      `${what}: has shape (${shape.join(", ")}); expected (n, height, width) or (n, height, width, channels).`,
    );
  if (one.length === 3 && height <= 4 && channels > 4)
    throw new DataError(
      "bad-dimensions",
      `${what}: has shape (${shape.join(", ")}), its channels first; expected them last. Write: x.transpose(0, 2, 3, 1)`,
    );
  return [height, width, channels];
}

/** Bytes 0 to 255, or numbers from 0 to 1 in steps of a 255th, to the nearest one. */
function bytesOf({ data, type }: NpyArray, what: string): Uint8Array {
  if (type === "uint8") return data as Uint8Array;
  let [whole, least, most] = [true, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    whole &&= Number.isInteger(value);
    least = value < least || Number.isNaN(value) ? value : least;
    most = value > most ? value : most;
  }
  const unit = least >= 0 && most <= 1;
  if (!(unit || (whole && least >= 0 && most <= 255)))
    throw new DataError(
      "bad-dimensions",
      `${what}: holds ${type} numbers from ${least} to ${most}; expected bytes, 0 to 255, or numbers from 0 to 1. Write: x.astype(np.uint8)`,
    );
  return Uint8Array.from(data, unit ? (value) => Math.round(255 * value) : (value) => value);
}

/** Classes: numbers, or rows with one 1. */
export function labelsOf({ data, shape, type }: NpyArray, what: string): Uint8Array {
  const [count = 0, width = 1] = shape;
  if (shape.length > 2 || shape.length === 0)
    throw new DataError(
      "bad-dimensions",
      `${what}: has shape (${shape.join(", ")}); expected (n), (n, 1), or (n, classes) with one 1 a row.`,
    );
  const ids = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const row = Array.from({ length: width }, (_, k) => data[i * width + k]!);
    const id = width === 1 ? row[0]! : row.indexOf(1);
    const odd = width > 1 && (id < 0 || row.some((value, k) => value !== Number(k === id)));
    if (odd || !Number.isInteger(id) || id < 0 || id > 255)
      throw new DataError(
        "label-range",
        `${what}: label ${i} is ${row.slice(0, 12).join(", ")} (${type}); expected a class, a whole number from 0 to 255${width > 1 ? ", as the place of the only 1" : ""}.`,
      );
    ids[i] = id;
  }
  return ids;
}
