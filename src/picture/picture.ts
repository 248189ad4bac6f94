/** A picture as light: RGB from 0 to 1, and how opaque it is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, 0 to 1. */
  readonly rgb: Float32Array;
  /** `[height, width]`, 0 to 1; undefined where all is opaque. */
  readonly alpha: Float32Array | undefined;
}

/** A picture that cannot be read, or that a model can make nothing of. */
export class PictureError extends Error {
  override readonly name = "PictureError";
}

/** Datasets whose images are ink placed as MNIST's: for model files that do not say so themselves (`centred`). */
export const CENTRED_DATASETS: readonly string[] = ["mnist", "digits"];
