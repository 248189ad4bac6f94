import { loadPicture } from "../picture/load.ts";
import type { LabelsSource } from "./answers.ts";
import { type ImagesSource, type MadeSamples, type SamplesFromOptions, samplesOf } from "./samples-from.ts";

/**
 * Makes samples of what programs hold: for fit(), evaluate() and predict().
 *
 * `images`: numbers in lists, `[n][height][width]` or `[n][height][width][channels]`; a typed array of all, or a list of one each, with
 * `shape`; or pictures: ImageData, a canvas, a File or other Blob, which become images of one size. `labels`: class numbers, names of
 * classes, or lists of numbers that the model is to give; left out for predict().
 *
 * Throws SamplesError, which says what to write; PictureError where a picture cannot be read; TypeError on what is none.
 */
export function samplesFrom(
  images: ImagesSource,
  labels?: LabelsSource,
  options: SamplesFromOptions = {},
): Promise<MadeSamples> {
  return samplesOf(images, labels, options, loadPicture);
}
