import type { ModelConfig } from "../model/model-config.ts";
import { checkOptions } from "../options/check.ts";
import { type Entries, seal, sealedText, WEIGHTS } from "../safetensors/seal.ts";
import { type NamedTensor, writeSafetensors } from "../safetensors/write-safetensors.ts";
import { classNamesProblem } from "../train/class-names.ts";
import type { Model } from "../train/model.ts";
import { type ModelMetadata, modelEntries } from "../train/model-entries.ts";
import { SAVE } from "../train/save-options.ts";
import { sha256, weightsSha256 } from "../train/weights.ts";

/** What a trainer's save() gives. Throws RangeError where it is told what cannot be of the model. */
export async function saved(
  model: Model,
  client: { call(method: "getWeights", purpose: string): Promise<NamedTensor[]> },
  metadata: ModelMetadata,
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions(SAVE, metadata);
  const problem = classNamesProblem(metadata.classNames, model.outputShape.at(-1)!);
  if (problem) throw new RangeError(`save: metadata ${problem}`);
  return modelFile(await client.call("getWeights", "save()"), model.parts().config, metadata);
}

/**
 * What saveModel() writes, hashed by the browser: a page that trains has no room for a hash of its own. On a page
 * without https the browser has none either, and the file goes without, as those of older versions do.
 */
export async function modelFile(
  tensors: readonly NamedTensor[],
  config: ModelConfig,
  metadata: ModelMetadata,
): Promise<Uint8Array<ArrayBuffer>> {
  let entries: Entries = modelEntries(config, metadata);
  if (globalThis.isSecureContext) {
    entries = { ...entries, [WEIGHTS]: await weightsSha256(tensors) };
    entries = seal(entries, await sha256(sealedText(entries)));
  }
  return writeSafetensors(tensors, entries);
}
