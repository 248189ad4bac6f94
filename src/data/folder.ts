import { basename, join, resolve } from "node:path";
import { largestLabel, parseClassNames } from "./class-names.ts";
import { numberedClasses } from "./datasets.ts";
import { DataError } from "./errors.ts";
import { findFiles, isComplete, missingNames, readWhole } from "./files.ts";
import { readIdxPair } from "./idx.ts";
import { describeFolder, seeAlso } from "./other-files.ts";
import type { Dataset, ImageSet } from "./types.ts";

/** Node only: any folder of IDX files as a dataset. */

/** Labels are bytes. */
const MAX_CLASSES_FILE_BYTES = 64 * 1024;

/**
 * Reads a folder of IDX files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-…` or `test-…` likewise;
 * `-idx4-ubyte` for images with channels; each plain or `.gz`) with images of any one size.
 * Class names come from `classes.txt`, one a line; without it there is one class for each label up to the largest.
 * Throws DataError `not-found` with the missing names, `bad-classes`, `bad-dimensions` if training and test images
 * differ in shape, and as `readIdxPair`.
 * @returns a dataset named after the folder
 */
export async function loadFolder(folder: string): Promise<Dataset> {
  const found = await findFiles(folder);
  if (!isComplete(found)) {
    const other = Object.keys(found).length === 0 ? await describeFolder(folder) : undefined;
    throw new DataError(
      "not-found",
      `${resolve(folder)}: no ${missingNames(found).join(", ")}; ` +
        (other ??
          `expected a folder with training and test images and labels as IDX files (idx4 for images with channels; test- may stand for t10k-). ${seeAlso()}`),
    );
  }
  const names = await readClassNames(join(folder, "classes.txt"));
  const classCount = names === undefined ? {} : { classCount: names.length };
  const read = async (part: "train" | "test"): Promise<ImageSet> =>
    readIdxPair(await readWhole(found[`${part}Images`]), await readWhole(found[`${part}Labels`]), {
      ...classCount,
      source: `${folder} (${part})`,
    });
  const train = await read("train");
  const test = await read("test");
  if (train.shape.join() !== test.shape.join()) {
    throw new DataError(
      "bad-dimensions",
      `${folder}: training images are ${train.shape.join(" x ")}, test images ${test.shape.join(" x ")}; expected one shape.`,
    );
  }
  const largest = largestLabel(train, test);
  return { name: basename(resolve(folder)), classNames: names ?? numberedClasses(largest + 1), train, test };
}

/** The lines of `classes.txt`, or undefined if there is none. Throws DataError `bad-classes`, `unreadable`. */
export async function readClassNames(path: string): Promise<string[] | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(path, MAX_CLASSES_FILE_BYTES);
  } catch (error) {
    if (error instanceof DataError && error.code === "not-found") return undefined;
    throw error;
  }
  return parseClassNames(bytes, path);
}
