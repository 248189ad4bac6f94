import { decodePicture } from "../picture/decode.ts";
import type { LabelsSource } from "../sources/answers.ts";
import {
  type ImagesSource,
  type MadeSamples,
  type SamplesFromOptions,
  samplesOf,
} from "../sources/samples-from.ts";

/** As in Node, with the same decoders: what is trained on does not depend on the browser. */
export function samplesFrom(
  images: ImagesSource,
  labels?: LabelsSource,
  options: SamplesFromOptions = {},
): Promise<MadeSamples> {
  return samplesOf(images, labels, options, decodePicture);
}
