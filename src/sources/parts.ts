import { DataError } from "../data/errors.ts";
import { someOf } from "../data/streamed.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { show } from "../options/show.ts";
import { splitForValidation } from "../train/validation.ts";
import type { Parts } from "./directory.ts";

/**
 * Divides items, of which each has a class, by the seed: the last share of them, the same of each class.
 * Throws SamplesError where a part would be empty.
 */
export function divide<T extends { readonly label: number }>(
  items: readonly T[],
  share: number,
  seed: number,
): [first: T[], last: T[]] {
  const labels = Uint8Array.from(items, ({ label }) => label);
  const samples = { images: labels, labels, count: items.length, shape: [1] };
  const { train, validation } = splitForValidation(samples, share, "stratified", seed);
  const of = (rows: Uint32Array) => Array.from(rows, (row) => items[row]!);
  return [of(train.rows!), of(validation.rows!)];
}

/** What is told of images that come as one set, or as numbers without a shape. */
export interface OneSet {
  readonly testSplit?: number | undefined;
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** Share of the images that is kept for the test, where none are given for it. */
export const TEST_SPLIT = 0.2;
/** The same images whatever a run's seed: results of several are to be compared. */
export const TEST_SEED = 1;

/** Folders by what they are for: without one for the test that for validation is it, which is told. Throws DataError where testSplit is given beside one. */
export function purposesOf(folder: string, parts: Parts, { testSplit, onNotice }: OneSet): Parts {
  const { train, validation, test } = parts;
  const given = test ?? validation;
  if (given === undefined) return parts;
  if (testSplit !== undefined)
    throw new DataError(
      "bad-argument",
      `${folder}: testSplit is ${testSplit}, but ${show(given)} has pictures for the test: leave testSplit out`,
    );
  if (test !== undefined) return parts;
  onNotice?.(
    `${folder} has no folder test: the pictures of ${show(given)} are kept for the test, and validation is taken from ${show(train)}.`,
  );
  return { train: train!, test: given };
}

/** Images to train on and for the test: where there are none for it, the same share of each class is kept. Throws DataError. */
export function withTest(
  name: string,
  { train, test }: { readonly train: ImageSet; readonly test: ImageSet | undefined },
  { testSplit, onNotice }: OneSet,
): Pick<Dataset, "train" | "test"> {
  if (test) {
    if (testSplit !== undefined)
      throw new DataError(
        "bad-argument",
        `${name}: testSplit is ${testSplit}, but there are images for the test: leave testSplit out`,
      );
    return { train, test };
  }
  if (train.count < 2)
    throw new DataError("bad-argument", `${name}: has one image, of which none can be kept for the test.`);
  // Of masks and numbers there are no classes of images.
  const classes = train.labels?.length === train.count;
  const source = classes ? "stratified" : "shuffled";
  const parts = splitForValidation(train, testSplit ?? TEST_SPLIT, source, TEST_SEED);
  const [rest, kept] = [parts.train, parts.validation].map(({ rows }) => someOf(train, rows!)) as [
    ImageSet,
    ImageSet,
  ];
  onNotice?.(
    `${name} has no images for the test: ${kept.count} of ${train.count}${classes ? ", the same share of each class," : ""} are kept for it.`,
  );
  return { train: rest, test: kept };
}
