import { InvalidArgumentError, Option } from "commander";
import type { Shape } from "../compiler/graph.ts";
import { ARCHIVES } from "../data/archives.ts";
import { DATASET_NAMES } from "../data/datasets.ts";
import { COLOR_MODES, INTERPOLATIONS, isImageSize, RESIZES } from "../data/picture-options.ts";
import { BACKEND_NAMES } from "../engine/kernels.ts";
import { MOST_MEMORY } from "../engine/memory-sizes.ts";
import type { ClassWeight } from "../train/fit.ts";
import { VALIDATION_SOURCES } from "../train/validation.ts";

/** Parses of option values. What commander prints then: the option, what was got, and the text given here. */

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!/^[+-]?\d+$/.test(text) || n < least || n > most)
      throw new InvalidArgumentError(
        `Expected a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}.`,
      );
    return n;
  };
}

/** A number in [low, high), or (low, high) with `open`. */
export function realNumber(
  low: number,
  high = Number.POSITIVE_INFINITY,
  open = false,
): (text: string) => number {
  return (text) => {
    const x = Number(text);
    const inside = Number.isFinite(x) && (open ? x > low : x >= low) && x < high;
    if (text.trim() === "" || !inside) {
      const from = open ? `above ${low}` : `of at least ${low}`;
      throw new InvalidArgumentError(
        `Expected a number ${from}${high < Number.POSITIVE_INFINITY ? ` and below ${high}` : ""}.`,
      );
    }
    return x;
  };
}

/** balanced; or 0=1,3=2.5 as { 0: 1, 3: 2.5 }. */
export function classWeights(text: string): ClassWeight {
  if (text === "balanced") return text;
  const pairs = text.split(",").map((pair) => pair.split("="));
  if (
    !pairs.every(
      ([id, weight, ...more]) =>
        /^\d+$/.test(id!) && weight && more.length === 0 && Number.isFinite(Number(weight)),
    )
  )
    throw new InvalidArgumentError("Expected balanced, or weights by class id such as 0=1,3=2.5.");
  return Object.fromEntries(pairs.map(([id, weight]) => [Number(id), Number(weight)]));
}

/** 28x28x1 as [28, 28, 1]; 784 as [784]. */
export function shape(text: string): Shape {
  const sizes = text.split(/[x,]/i).map(Number);
  if (!/^\d+([x,]\d+)*$/i.test(text) || sizes.some((n) => n < 1 || !Number.isSafeInteger(n)))
    throw new InvalidArgumentError("Expected sizes such as 28x28x1 (height x width x channels).");
  return sizes;
}

/** 5: epochs; 500steps: training steps. */
export function checkpointEvery(text: string): number | `${number}steps` {
  const [, number, steps] = /^(\d+) ?(steps?)?$/i.exec(text) ?? [];
  const n = Number(number);
  if (!Number.isSafeInteger(n) || n < 1)
    throw new InvalidArgumentError("Expected a number of epochs such as 1, or of steps such as 500steps.");
  return steps === undefined ? n : `${n}steps`;
}

/** all, none, or a number of layers, below 0 too. */
export function freeze(text: string): "all" | "none" | number {
  if (text === "all" || text === "none") return text;
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError(
      "Expected all, none, or a number of layers: 100 for the first 100, -20 for all but the last 20.",
    );
  return Number(text);
}

/** 128,classes as [128, "classes"]. */
export function head(text: string): (number | "classes")[] {
  const parts = text.split(",");
  const units = parts.slice(0, -1).map(Number);
  if (parts.at(-1) !== "classes" || units.some((n) => !Number.isSafeInteger(n) || n < 1))
    throw new InvalidArgumentError(
      `Expected units of hidden layers, and classes at the end, such as 128,classes.${/^\d+(,\d+)*$/.test(text) ? ` Write: --head ${text},classes` : ""}`,
    );
  return [...units, "classes"];
}

/** 1/127.5,-1 as { scale: 1 / 127.5, offset: -1 }. */
export function preprocessing(text: string): { scale: number; offset: number } {
  const numbers = text.split(",").map((part) => {
    const [, above, below = "1"] = /^([^/]+)(?:\/([^/]+))?$/.exec(part.trim()) ?? [];
    return above === undefined ? Number.NaN : Number(above) / Number(below);
  });
  // By a scale of 0 all pixels would be alike.
  if (numbers.length !== 2 || !numbers.every(Number.isFinite) || numbers[0] === 0)
    throw new InvalidArgumentError(
      "Expected scale,offset, by which a byte pixel becomes pixel * scale + offset, such as 1/127.5,-1.",
    );
  return { scale: numbers[0]!, offset: numbers[1]! };
}

export function nonEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected a name or a path, got nothing.");
  return text;
}

// Options that several commands share. Functions: commander's options belong to one command.

export const backendOption = () =>
  new Option(
    "--backend <name>",
    "build of the kernels; auto: the fastest whose results are the same on every machine; relaxed: faster, reproducible on one machine only; wide and relaxed-wide: the same on 256-bit lanes, in Node 24",
  )
    .choices(BACKEND_NAMES)
    .default("auto");

export const modelOption = (note = "") =>
  new Option("--model <name>", `a model by name, or a JSON file that lists layers${note}`).argParser(
    nonEmpty,
  );

export const threadsOption = () =>
  new Option("--threads <n>", "threads; changes speed, never results (default: all cores)").argParser(
    wholeNumber(1, 256),
  );

/** 512MB, 3GB, 1.5GiB: bytes, by powers of 1024. */
export function memorySize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([MG])i?B?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * (unit?.toUpperCase() === "G" ? 2 ** 30 : 2 ** 20));
  if (number === undefined || bytes < 2 ** 20 || bytes > MOST_MEMORY)
    throw new InvalidArgumentError("Expected a size from 1MB to 4GB, such as 512MB or 3GB.");
  return bytes;
}

export const maxMemoryOption = (fallback: string) =>
  new Option(
    "--max-memory <size>",
    `memory that the model may take, such as 3GB; at most 4GB (default: ${fallback})`,
  ).argParser(memorySize);

/** 64x64, or 64 for both sides, as [64, 64]. */
export function imageSize(text: string): readonly [height: number, width: number] {
  const sides = (/[x,]/i.test(text) ? text.split(/[x,]/i) : [text, text]).map(Number);
  if (!/^\d+([x,]\d+)?$/i.test(text) || !isImageSize(sides))
    throw new InvalidArgumentError("Expected height x width in pixels, such as 64x64.");
  return sides;
}

export const pictureOptions = () => [
  new Option(
    "--image-size <height>x<width>",
    "of pictures: the size of the images (default: the pictures' own, where all have one of up to 256 a side; else 64x64)",
  ).argParser(imageSize),
  new Option(
    "--color-mode <mode>",
    "of pictures: rgb or grayscale (default: grayscale where none has colours)",
  ).choices(COLOR_MODES),
  new Option(
    "--interpolation <how>",
    "of pictures: how they change their size, as in Keras; area is best where they get much smaller (default: bilinear)",
  ).choices(INTERPOLATIONS),
  new Option(
    "--resize <how>",
    "of pictures with other proportions: stretch, crop to the middle, or pad with black (default: stretch)",
  ).choices(RESIZES),
  testSplitOption(),
  skipBadOption(),
];

export const streamOptions = () => [
  new Option(
    "--stream",
    "of files at a path: leave the images there and read them batch by batch (default: where they would take more than half of the free memory)",
  ),
  new Option("--no-stream", "read them into memory, whatever they take"),
];

export const testSplitOption = () =>
  new Option(
    "--test-split <x>",
    "of pictures: share of each class that is kept for the test, where there is no folder of them (default: 0.2)",
  ).argParser(realNumber(0, 1, true));

export const skipBadOption = () =>
  new Option("--skip-bad", "of pictures: leave out files that cannot be read, and say which");

export const datasetOption = (note = "") =>
  new Option(
    "--dataset <name>",
    `${[...DATASET_NAMES, ...Object.keys(ARCHIVES)].join(", ")}, or a path: of a folder of pictures with a folder for each class, or of images/ and masks/, of a folder of IDX files, of an .npz or .csv file${note}`,
  ).argParser(nonEmpty);

export const dataDirOption = () =>
  new Option(
    "--data-dir <folder>",
    "where the dataset's files are, in <folder>/<dataset>/ or in <folder> itself (or set WASMGRAD_DATA; default: the cache, filled by download)",
  ).argParser(nonEmpty);

export const offlineOption = () =>
  new Option("--offline", "never touch the network: fail where a download is needed");

export const batchSizeOption = (purpose: string) =>
  new Option("--batch-size <n>", purpose).argParser(wholeNumber(1, 65_536));

/** Which of a dataset's images are trained on, and which validate. */
export function trainingImagesOptions(usualSplit: number): Option[] {
  return [
    new Option("--train-limit <n>", "use n training images only; of a folder, some of each class").argParser(
      wholeNumber(1),
    ),
    new Option("--digits-count <n>", "training images to generate, for digits (default: 12000)").argParser(
      wholeNumber(1, 1_000_000),
    ),
    new Option("--validation-split <x>", "share of the training images kept for validation; 0: none")
      .argParser(realNumber(0, 1))
      .default(usualSplit),
    validationFromOption(),
  ];
}

/** Which images validate: `--split stratified` says it as well. */
function validationFromOption(): Option {
  const option = new Option(
    "--split, --validation-from <which>",
    "which ones: the last, as Keras; the same share of each class; or any, by the seed (default: stratified for folders, else last)",
  ).choices(VALIDATION_SOURCES);
  const choose = option.parseArg!;
  return option.argParser((value, previous) => {
    try {
      return choose(value, previous);
    } catch (error) {
      if (!Number.isFinite(Number(value))) throw error;
      throw new InvalidArgumentError(`${(error as Error).message} Write: --validation-split ${value}`);
    }
  });
}
