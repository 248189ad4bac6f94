import { type LoadedModel, ModelFileError, modelOfParts, readModel } from "../formats/model-file.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { checkOptions } from "../options/check.ts";
import { isOptions } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { bytesOf } from "../safetensors/safetensors.ts";
import { modelFromConfig } from "../train/functional.ts";
import { isModel } from "../train/model.ts";
import { withOwnErrors } from "./errors.ts";
import { LOAD, type LoadModelOptions } from "./options.ts";
import { type Files, onlyFile, type PortableModel, type PortableWeights } from "./portable.ts";

/**
 * Reads a model, of whatever format: it is told by the bytes. The model comes uncompiled; `await model.compile()` gives it
 * the weights of the file, which are known to fit it. Formats: docs/interchange.md.
 *
 * @param file the file's bytes; of a format of several files all of them, by their names
 * Rejects with ModelFileError; MemoryError where the model would need too much memory; TypeError where the file is no bytes.
 */
export async function loadModel(
  file: Uint8Array | ArrayBuffer | Readonly<Record<string, Uint8Array | ArrayBuffer>>,
  options: LoadModelOptions = {},
): Promise<LoadedModel> {
  checkOptions(LOAD, options);
  const files = filesOf(file);
  const { maxMemory } = options;
  return withOwnErrors(async () => {
    const { readFiles, weightsFor } = await import("#interchange");
    const { title, found, training } = await readFiles(files, options);
    // A file of wasmgrad's own holds all there is to say.
    if (!found) return overruled(readModel(onlyFile(files), { maxMemory }), options);
    const metadata = metadataFrom("metadata" in found ? found.metadata : {}, options);
    if ("config" in found)
      return { ...modelOfParts(found.config, found.tensors, metadata, { maxMemory }), ...training };
    const { model, names } = options;
    if (model === undefined) throw needsModel(found, title);
    const config = isModel(model) ? model.toConfig() : (model as ModelConfig);
    const tensors = weightsFor(modelFromConfig(config), found, names);
    return modelOfParts(config, tensors, metadata, { maxMemory });
  });
}

function filesOf(file: Parameters<typeof loadModel>[0]): Files {
  if (!isOptions(file)) return { "": bytesOf(file as Uint8Array, "loadModel") as Uint8Array<ArrayBuffer> };
  const entries = Object.entries(file as Readonly<Record<string, Uint8Array>>);
  if (entries.length === 0)
    throw new TypeError(
      'loadModel: got no files, expected bytes, or files by their names. Write: loadModel({ "model.json": bytes, … })',
    );
  return Object.fromEntries(
    entries.map(([name, bytes]) => [name, bytesOf(bytes, "loadModel") as Uint8Array<ArrayBuffer>]),
  );
}

function needsModel({ tensors, from }: PortableWeights, title: string): ModelFileError {
  const first = tensors.slice(0, 3).map((tensor) => `${tensor.name} ${show(tensor.shape)}`);
  return new ModelFileError(
    "needs-model",
    `it holds weights alone (${title}${from === undefined ? "" : `, under ${from}`}), and no layers: ${first.join(", ")} …. Write: loadModel(file, { model }), with the model that they are for`,
  );
}

function metadataFrom(
  metadata: PortableModel["metadata"],
  { preprocessing, classNames }: LoadModelOptions,
): PortableModel["metadata"] {
  return { ...metadata, ...(preprocessing && { preprocessing }), ...(classNames && { classNames }) };
}

/** A file of wasmgrad's own, with what was said beside it. */
function overruled(loaded: LoadedModel, options: LoadModelOptions): LoadedModel {
  const { preprocessing, classNames } = options;
  if (!preprocessing && !classNames) return loaded;
  const { model, tensors, metadata } = loaded;
  return modelOfParts(model.toConfig(), tensors, metadataFrom(metadata, options), options);
}
