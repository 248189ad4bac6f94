import { type LoadedModel, readSaved } from "../formats/model-file.ts";
import { checkOptions } from "../options/check.ts";
import { isObject } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { isModel, type Model } from "../train/model.ts";
import { withOwnErrors } from "./errors.ts";
import { CARD, type CardOptions, EXPORT, type ExportOptions } from "./options.ts";
import type { Files, PortableModel } from "./portable.ts";
import { trainingFor } from "./training-for.ts";

/** Those that `kerasVersion` is for. */
export const KERAS_FORMATS: readonly string[] = ["keras", "h5", "h5-weights"];

/**
 * Writes a model in a format of others, or of here: files by their names. Formats: docs/interchange.md.
 *
 *     const { "digits.keras": bytes } = await exportModel(model, { format: "keras", name: "digits" });
 *
 * @param model a compiled model, or what loadModel() gave
 * Rejects with ModelFileError where the format lacks what the model uses; TypeError on what is no model; Error where it is
 * not compiled.
 */
export async function exportModel(model: Model | LoadedModel, options: ExportOptions): Promise<Files> {
  checkOptions(EXPORT, options);
  const { format, metadata, name, weights, kerasVersion, onWarning } = options;
  if (weights !== undefined && format !== "js")
    throw new RangeError(
      `exportModel: weights is "${weights}", and "${format}" keeps them as they are: it goes with { format: "js" } alone`,
    );
  if (kerasVersion !== undefined && !KERAS_FORMATS.includes(format))
    throw new RangeError(
      `exportModel: kerasVersion is ${kerasVersion}, and "${format}" is none of Keras's formats: it goes with { format: "h5" }`,
    );
  // At once: a training may go on meanwhile.
  const portable = { ...portableOf("exportModel", model, metadata), training: trainingFor(model) };
  return withOwnErrors(async () => {
    const { writeFiles } = await import("#interchange");
    return writeFiles(format, portable, {
      name: name ?? portable.config.name ?? "model",
      weights,
      kerasVersion,
      onWarning,
    });
  });
}

function portableOf(
  call: string,
  model: Model | LoadedModel,
  metadata: PortableModel["metadata"] = {},
): PortableModel {
  // What saveModel() would refuse is no model to give to others either.
  if (isModel(model)) return portableOf(call, readSaved(call, model, metadata));
  if (!isObject(model) || !isModel(model.model) || !Array.isArray(model.tensors))
    throw new TypeError(
      `${call}: got ${show(model)}, expected a compiled model, or what loadModel() gives. Write: ${call}(model, { format: "keras"${call === "modelCard" ? `, file: "model.keras"` : ""} })`,
    );
  return {
    config: model.model.toConfig(),
    tensors: model.tensors,
    metadata: { ...model.metadata, ...metadata },
  };
}

/**
 * A model card, in Markdown: what the model takes and gives, what it was trained on, its figures, and how `file` is loaded.
 *
 * @param options `run`: what result.json of the model's run holds
 */
export async function modelCard(model: Model | LoadedModel, options: CardOptions): Promise<string> {
  checkOptions(CARD, options);
  const { cardFor } = await import("#interchange");
  return cardFor(portableOf("modelCard", model), options);
}
