import { DataError } from "./errors.ts";
import { isStreamed, someOf } from "./streamed.ts";
import type { ImageSet } from "./types.ts";

/**
 * Splits off the LAST part for validation, before any shuffle, as Keras's `validation_split` does:
 * training gets the first `floor(count * (1 - fraction))` images. Both parts are views on `set`, nothing is copied.
 * Throws DataError `bad-argument` if `fraction` is outside or leaves either part without an image.
 * @param fraction share of the images for validation, above 0 and below 1
 */
export function splitValidation(
  set: ImageSet,
  fraction: number,
): { readonly train: ImageSet; readonly validation: ImageSet } {
  if (!(fraction > 0 && fraction < 1)) {
    throw new DataError(
      "bad-argument",
      `validation split: got ${fraction}; expected a number above 0 and below 1.`,
    );
  }
  const at = Math.floor(set.count * (1 - fraction));
  if (at === 0 || at === set.count) {
    throw new DataError(
      "bad-argument",
      `validation split: ${fraction} of ${set.count} image(s) leaves ${at} for training and ${set.count - at} for validation; ` +
        "expected at least one in each. Use more images or another fraction.",
    );
  }
  return { train: slice(set, 0, at), validation: slice(set, at, set.count) };
}

/**
 * The first `n` images, as a view on `set`.
 * Throws DataError `bad-argument` if `n` is not an integer from 1 to `set.count`.
 */
export function take(set: ImageSet, n: number): ImageSet {
  if (!(Number.isInteger(n) && n >= 1 && n <= set.count)) {
    throw new DataError(
      "bad-argument",
      `take: got ${n}; expected an integer from 1 to ${set.count}, the set's size.`,
    );
  }
  return slice(set, 0, n);
}

/**
 * `n` images, the same share of each class and one of each at least where there is room, in the order that they have. For
 * images that may be sorted by class, of which take() would lose some. They are copied. Of images with masks or numbers, which have
 * no class, the first `n`, as take() gives them.
 * Throws DataError `bad-argument` if `n` is not an integer from 1 to `set.count`.
 */
export function takeOfEach(set: ImageSet, n: number): ImageSet {
  const first = take(set, n);
  const { labels, count } = set;
  if (n === count || labels?.length !== count) return first;
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]!++;
  // Where each image stands in its class, from 0 to 1: those that stand in front are taken.
  const seen = new Uint32Array(256);
  const place = Float64Array.from(labels, (label) => {
    const before = seen[label]!++;
    return before === 0 ? 0 : (before + 0.5) / counts[label]!;
  });
  const rows = Uint32Array.from({ length: count }, (_, row) => row)
    .sort((a, b) => place[a]! - place[b]! || a - b)
    .subarray(0, n)
    .sort();
  return someOf(set, rows);
}

function slice(set: ImageSet, from: number, to: number): ImageSet {
  if (isStreamed(set)) return set.some(Uint32Array.from({ length: to - from }, (_, i) => from + i));
  const { images, labels, targets, count, shape } = set;
  // Of masks there are as many labels as pixels; of numbers none, but targets.
  const part = <T extends Uint8Array | Float32Array>(all: T): T => {
    const each = Math.floor(all.length / count);
    return all.subarray(from * each, to * each) as T;
  };
  return {
    images: part(images),
    ...((labels && { labels: part(labels) }) as Pick<ImageSet, "labels">),
    ...(targets && { targets: part(targets) }),
    count: to - from,
    shape,
  };
}
