import type { LossName } from "../nn/losses.ts";
import { checkOptions } from "../options/check.ts";
import { SAVE } from "./options.ts";
import { encodeSafetensors } from "./safetensors.ts";
import type { Sequential } from "./sequential.ts";

/** The `format` that a model file's metadata names. */
export const MODEL_FORMAT = "wasmgrad";
/** Raised when a file written by an older version could be misread. */
export const MODEL_FORMAT_VERSION = 1;

/** What a model file says besides the weights. */
export interface ModelMetadata {
  /** A byte pixel becomes pixel * scale + offset. Default scale 1/255, offset 0. */
  readonly preprocessing?: { readonly scale: number; readonly offset: number };
  /** One name an output; for a single sigmoid output, the names of class 0 and class 1. */
  readonly classNames?: readonly string[];
  readonly loss?: LossName;
  /** Name of the dataset it was trained on. */
  readonly dataset?: string;
  /** How bright the border of the training images is, 0 to 1: tells light-on-dark pictures from dark-on-light ones. */
  readonly background?: number;
  /** Whether the training images are ink placed as MNIST's: then drawings for the model are, too. */
  readonly centred?: boolean;
}

/**
 * A model's weights, architecture and metadata as a safetensors file, which other tools can read, too.
 * Throws where the model is not compiled.
 */
export function saveModel(model: Sequential, metadata: ModelMetadata = {}): Uint8Array<ArrayBuffer> {
  checkOptions(SAVE, metadata);
  const values = { architecture: model.toConfig(), ...metadata };
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return encodeSafetensors(model.getWeights(), {
    format: MODEL_FORMAT,
    formatVersion: String(MODEL_FORMAT_VERSION),
    ...Object.fromEntries(entries.map(([key, value]) => [key, JSON.stringify(value)])),
  });
}
