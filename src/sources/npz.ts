import { largestLabel } from "../data/class-names.ts";
import { numberedClasses } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import type { Answers, Dataset, ImageSet } from "../data/types.ts";
import { show } from "../options/show.ts";
import { fromBlackAndWhite, WHITE } from "./masks.ts";
import { type NpyArray, parseNpy, parseNpyTexts } from "./npy.ts";
import { type OneSet, withTest } from "./parts.ts";
import { flatShape } from "./shape.ts";
import { unzip } from "./unzip.ts";

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

/**
 * Reads a dataset from the bytes of an .npz file as Keras keeps its datasets: `x_train`, `y_train`, and `x_test`, `y_test` where they
 * are there; `x_val`, `y_val` are for validation. Integers of shape (n, height, width) or (n, height, width, 1) are masks, a class for
 * each pixel (0 and 255 alone are 0 and 1); floats that are no classes numbers.
 * Throws DataError.
 */
export function parseNpz(bytes: Uint8Array, name: string, options: OneSet = {}): Dataset {
  return parseArrays(arraysIn(bytes, name), name, options);
}

/** A dataset of arrays by their names, which are the bytes of .npy files. Throws DataError. */
export function parseArrays(
  arrays: ReadonlyMap<string, () => Uint8Array>,
  name: string,
  options: OneSet,
): Dataset {
  let answers: Answers | undefined;
  const part = (of: Part): ImageSet | undefined => {
    const names = namesOf(of, arrays);
    if (!names) return undefined;
    const [images, labels] = names.map((key) => parseNpy(arrays.get(key)!(), `${name}: ${key}`)) as [
      NpyArray,
      NpyArray,
    ];
    const whats = names.map((key) => `${name}: ${key}`) as [string, string];
    const own = answersOf(labels);
    if (of === "train") answers = own;
    else if (JSON.stringify(own) !== JSON.stringify(answers))
      throw new DataError(
        "bad-dimensions",
        `${whats[1]}: has shape (${labels.shape.join(", ")}) of ${labels.type}, which are other answers than those to train on; expected the same.`,
      );
    return setOf(images, labels, whats, options, own);
  };
  const train = part("train") ?? missing(name, arrays);
  const parts = { train, validation: part("validation"), test: part("test") };
  const masks = Object.values(parts).flatMap((set) => (set ? [set.labels] : []));
  if (answers?.kind === "masks" && fromBlackAndWhite(masks)) WHITE.add(answers);
  const classNames = classNamesOf(arrays.get(CLASS_NAMES)?.(), name);
  return datasetOf({ ...parts, answers, classNames }, name, options);
}

/** What the array of the names of classes is called, which saveNpz() writes. */
export const CLASS_NAMES = "class_names";

/** The names of classes, of the bytes of their array; undefined: it is not there, or none of texts. Throws DataError `bad-classes`. */
export function classNamesOf(bytes: Uint8Array | undefined, name: string): string[] | undefined {
  const what = `${name}: ${CLASS_NAMES}`;
  const names = bytes && parseNpyTexts(bytes, what);
  if (names && (names.length > 256 || names.includes("") || new Set(names).size < names.length))
    throw new DataError(
      "bad-classes",
      `${what}: holds ${names.length} names${names.length > 256 ? "" : ", of which one is empty or there twice"}; expected 1 to 256 different ones.`,
    );
  return names;
}

/** The names that classes have where none are given. */
export function usualNames(...sets: readonly Pick<ImageSet, "labels">[]): string[] {
  return numberedClasses(Math.max(largestLabel(...sets) + 1, 2));
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
    answers,
    classNames,
  }: Pick<Dataset, "train" | "validation" | "answers"> & {
    readonly test: ImageSet | undefined;
    readonly classNames?: readonly string[] | undefined;
  },
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
  const all = [train, ...(test ? [test] : []), ...(validation ? [validation] : [])];
  const numbers = answers?.kind === "numbers";
  const most = numbers ? -1 : largestLabel(...all);
  if (classNames && most >= classNames.length)
    throw new DataError(
      "bad-classes",
      `${name}: ${CLASS_NAMES} holds ${classNames.length} names, and there is a label ${most}; expected a name for each class, from 0.`,
    );
  return {
    name,
    classNames: numbers ? [] : (classNames ?? usualNames(...all)),
    ...(answers && { answers }),
    ...sets,
    ...(validation && { validation }),
  };
}

/** What belongs to each image, where that is no class. */
function answersOf({ shape, type, data }: NpyArray): Answers | undefined {
  const own = shape.slice(1);
  const floats = type.startsWith("float");
  const [height, width, channels = 1] = own;
  if (!floats && (own.length === 2 || (own.length === 3 && channels === 1)))
    return { kind: "masks", shape: [height!, width!] };
  if (own.length > 1) return { kind: "numbers", shape: own };
  const [cols] = own;
  // A list of labels is one of classes.
  if (cols === undefined) return undefined;
  const classes =
    cols === 1
      ? () => Array.prototype.every.call(data, Number.isInteger)
      : () => Array.prototype.every.call(data, (value) => value === 0 || value === 1);
  return floats && !classes() ? { kind: "numbers", shape: [cols] } : undefined;
}

/** Arrays by their names, the last of each as NumPy has it, unpacked when they are asked for. */
function arraysIn(bytes: Uint8Array, name: string): Map<string, () => Uint8Array> {
  const files = unzip(bytes, (problem, cause) =>
    problem.kind === "damaged"
      ? new DataError("bad-gzip", `${name}: is a damaged archive: ${problem.text}.`, { cause })
      : new DataError("too-large", `${name}: ${problem.text}.`),
  );
  return new Map([...files].map(([file, { content }]) => [file.replace(/\.npy$/, ""), content]));
}

function setOf(
  images: NpyArray,
  labels: NpyArray,
  [x, y]: readonly [string, string],
  options: OneSet,
  answers: Answers | undefined,
): ImageSet {
  const count = labels.shape[0] ?? 0;
  const own = answers
    ? answers.kind === "masks"
      ? { labels: maskOf(labels, y) }
      : { targets: numbersOf(labels, y) }
    : { labels: labelsOf(labels, y) };
  const shape = shapeOf(images, x, options);
  if (images.shape[0] !== count)
    throw new DataError(
      "count-mismatch",
      `${x} has ${images.shape[0]} images, ${y} ${count} ${answers ? "answers" : "labels"}; expected as many.`,
    );
  if (count === 0) throw new DataError("bad-dimensions", `${x}: is empty.`);
  return { images: bytesOf(images, x), ...own, count, shape } as ImageSet;
}

/** A class for each pixel. */
function maskOf({ data, type }: NpyArray, what: string): Uint8Array {
  const ids = Uint8Array.from(data);
  const odd = ids.findIndex((id, i) => id !== Number(data[i]));
  if (odd >= 0)
    throw new DataError(
      "label-range",
      `${what}: holds ${data[odd]} (${type}); expected a class for each pixel, a whole number from 0 to 255.`,
    );
  return ids;
}

function numbersOf({ data, shape }: NpyArray, what: string): Float32Array {
  const numbers = Float32Array.from(data);
  const odd = numbers.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0)
    throw new DataError(
      "label-range",
      `${what}: holds ${data[odd]} at ${odd} of shape (${shape.join(", ")}); expected finite numbers.`,
    );
  return numbers;
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
  const { imageSize } = options;
  if (imageSize && (imageSize[0] !== height || imageSize[1] !== width))
    throw new DataError(
      "bad-argument",
      `${what}: its images are ${height}x${width}, not ${imageSize.join("x")} as imageSize says, and arrays are not resized. Resize them before, or leave imageSize out.`,
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
