import { sealed } from "../safetensors/integrity.ts";
import { encodeSafetensors } from "../safetensors/safetensors.ts";
import { modelEntries } from "../train/model-entries.ts";
import type { FileOptions } from "./options.ts";
import type { Files, PortableModel } from "./portable.ts";

/** The file that saveModel() writes. */
export async function write(
  { config, tensors, metadata }: PortableModel,
  { name }: FileOptions,
): Promise<Files> {
  const entries = sealed(modelEntries(config, metadata), tensors);
  return { [`${name}.safetensors`]: encodeSafetensors(tensors, entries) };
}
