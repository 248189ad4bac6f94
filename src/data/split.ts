import { DataError } from "./errors.ts";
import type { ImageSet } from "./types.ts";

/**
 * Splits off the LAST part for validation, before any shuffle, as Keras's `validation_split` does:
 * training gets the first `floor(count * (1 - fraction))` images. Both parts are views on `set`, nothing is copied.
 *
 * @param fraction share of the images for validation, above 0 and below 1
 * @throws DataError `bad-argument` if `fraction` is outside or leaves either part without an image
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
 * @throws DataError `bad-argument` if `n` is not an integer from 1 to `set.count`
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

function slice(set: ImageSet, from: number, to: number): ImageSet {
  const [height, width, channels] = set.shape;
  const imageBytes = height * width * channels;
  return {
    images: set.images.subarray(from * imageBytes, to * imageBytes),
    labels: set.labels.subarray(from, to),
    count: to - from,
    shape: set.shape,
  };
}
