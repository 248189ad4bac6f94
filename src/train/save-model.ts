import { checkOptions } from "../options/check.ts";
import { sealed } from "./integrity.ts";
import type { Model } from "./model.ts";
import { type ModelMetadata, modelEntries } from "./model-entries.ts";
import { SAVE } from "./options.ts";
import { encodeSafetensors } from "./safetensors.ts";

/**
 * A model's weights, architecture and metadata as a safetensors file, which other tools can read, too.
 * Throws where the model is not compiled.
 */
export function saveModel(model: Model, metadata: ModelMetadata = {}): Uint8Array<ArrayBuffer> {
  checkOptions(SAVE, metadata);
  const tensors = model.getWeights();
  return encodeSafetensors(tensors, sealed(modelEntries(model.toConfig(), metadata), tensors));
}
