import type { PictureFit } from "../data/picture-options.ts";
import type { LossData, LossName } from "../losses/names.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { ByOutput } from "./compiled-options.ts";

/** The `format` that a model file's metadata names. */
export const MODEL_FORMAT = "wasmgrad";
/** Raised when a file that is written now could be misread by older versions. 2: graphs of layers. */
export const MODEL_FORMAT_VERSION = 2;

/** A chain of layers is written as version 1, which older versions read. */
function versionOf({ inputs }: ModelConfig): number {
  return inputs === undefined ? 1 : 2;
}

/** What a model file says besides the weights. */
export interface ModelMetadata {
  /** A byte pixel becomes pixel * scale + offset. Default scale 1/255, offset 0. */
  readonly preprocessing?: { readonly scale: number; readonly offset: number };
  /** One name an output; for a single sigmoid output, the names of class 0 and class 1. */
  readonly classNames?: readonly string[];
  /** Of several outputs one for all, a list in their order, or a record by their names. */
  readonly loss?: ByOutput<LossName | LossData>;
  /** What those losses were multiplied by, as compile() takes it. */
  readonly lossWeights?: ByOutput<number>;
  /** What it gives for an image, where that is no class: the image itself, a class for each pixel, or numbers. */
  readonly targets?: "images" | "masks" | "numbers";
  /** Of numbers the least and the greatest that it learned. */
  readonly range?: readonly number[];
  /** Name of the dataset it was trained on. */
  readonly dataset?: string;
  /** How bright the border of the training images is, 0 to 1: tells light-on-dark pictures from dark-on-light ones. */
  readonly background?: number;
  /** Whether the training images are ink placed as MNIST's: then drawings for the model are, too. */
  readonly centred?: boolean;
  /** How pictures became the training images, where they were pictures: those that the model is asked about do, too. */
  readonly pictures?: PictureFit;
}

/** The entries of a model file's metadata: all values are JSON, but for `format`. */
export function modelEntries(architecture: ModelConfig, metadata: ModelMetadata): Record<string, string> {
  const entries: Record<string, string> = {
    format: MODEL_FORMAT,
    formatVersion: String(versionOf(architecture)),
  };
  for (const [key, value] of Object.entries({ architecture, ...metadata }))
    if (value !== undefined) entries[key] = JSON.stringify(value);
  return entries;
}

export interface LoadOptions {
  /**
   * Bytes of linear memory that the model may need for one image. Default 1 GiB (2 ** 30): a small file can name sizes
   * of any size. What compile() then lets it take is compile's own maxMemory.
   */
  maxMemory?: number | undefined;
}
