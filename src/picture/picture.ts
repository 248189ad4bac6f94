/** A picture as light: RGB from 0 to 1, and how opaque it is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, 0 to 1. */
  readonly rgb: Float32Array;
  /** `[height, width]`, 0 to 1; undefined where all is opaque. */
  readonly alpha: Float32Array | undefined;
}

/** Rows or columns, and pixels, of a picture that is read and of one that is made for a model: headers are a few bytes, and may say anything. */
export const MAX_SIDE = 2 ** 15;
export const MAX_PIXELS = 25_000_000;

/** Whether a picture of that size is one that is read or made. */
export function isPictureSize(width: number, height: number): boolean {
  return Math.min(width, height) > 0 && Math.max(width, height) <= MAX_SIDE && width * height <= MAX_PIXELS;
}

/** What sizes those are, for messages. */
export const PICTURE_SIZES = `1 to ${MAX_SIDE.toLocaleString("en-US")} pixels a side, ${MAX_PIXELS.toLocaleString("en-US")} in all`;

/** A picture that cannot be read, or that a model can make nothing of. */
export class PictureError extends Error {
  override readonly name = "PictureError";
}

/** Datasets whose images are ink placed as MNIST's: for model files that do not say so themselves (`centred`). */
export const CENTRED_DATASETS: readonly string[] = ["mnist", "digits"];
