// What loadModel() and exportModel() load when there is a file to read or to write. In pages it is a bundle of its own, which
// shares no module with the page: bundlers would put what both use, layers and all, into the page's first script.
import { type LoadedModel, modelOfParts, readModel } from "../formats/model-file.ts";
import { ModelFileError } from "../formats/model-file-error.ts";
import { quoted } from "../options/show.ts";
import { buildModel } from "../train/functional.ts";
import type { Model } from "../train/model.ts";
import { cardOf } from "./card.ts";
import { fitWeights } from "./fit-weights.ts";
import { formatNamed } from "./formats.ts";
import { formatOfFiles } from "./look.ts";
import type { CardOptions, ExportOptions, FileOptions, FormatName, LoadModelOptions } from "./options.ts";
import { type Files, type PortableModel, type PortableWeights, warnBy } from "./portable.ts";

/** What a file holds, and what people call its format; `found` is undefined of wasmgrad's own files, which are read elsewhere. */
export async function readFiles(
  files: Files,
  options: LoadModelOptions,
): Promise<{
  title: string;
  found?: PortableModel | PortableWeights;
  training?: Pick<LoadedModel, "compileOptions" | "optimizerState"> | undefined;
}> {
  const { name, format } = await formatOfFiles(files);
  const { title, reader } = format;
  if (!reader) {
    const all = Object.keys(files);
    if (all.length > 1)
      throw new ModelFileError(
        "unknown-format",
        `got ${all.length} files, and ${quoted(name)} is a whole model (${title}). Write: loadModel(bytes), of that one alone`,
      );
    if (options.model)
      refuseOther(readModel(files[name]!, { maxMemory: options.maxMemory }).tensors, options.model, title);
    refuse(["names", "inputShape"], options, title);
    return { title };
  }
  const { read } = await reader();
  const found = await read({ [name]: files[name]!, ...files }, options);
  if ("config" in found) {
    if (options.model) refuseOther(found.tensors, options.model, title);
    refuse(["names"], options, title);
  }
  return { title, found, training: "config" in found ? trainingOf(found) : undefined };
}

/** What compile() takes to train a model as its file says, and what the optimizer kept. */
function trainingOf({ training, metadata: { loss, lossWeights } }: PortableModel) {
  if (!training) return undefined;
  const { optimizer, metrics, state } = training;
  return {
    compileOptions: {
      ...(optimizer && { optimizer }),
      ...(loss !== undefined && { loss }),
      ...(lossWeights !== undefined && { lossWeights }),
      ...(metrics && { metrics }),
    },
    ...(state && { optimizerState: state }),
  };
}

/** What is told of files without layers would be passed over where a file has its own. */
function refuse(names: readonly (keyof LoadModelOptions)[], options: LoadModelOptions, title: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given)
    throw new ModelFileError(
      "has-layers",
      `it has layers of its own (${title}), and \`${given}\` is for files that leave them open: leave it out`,
    );
}

/** The file's own layers are taken: a model that is given for the case that it has none must not be another. */
function refuseOther(
  tensors: PortableModel["tensors"],
  model: NonNullable<LoadModelOptions["model"]>,
  title: string,
): void {
  const { parameters } = "graph" in model ? model.graph : buildModel(model, undefined).graph;
  const shapes = (list: readonly { readonly shape: readonly number[] }[]) =>
    list
      .map(({ shape }) => shape.join("x"))
      .sort()
      .join();
  if (shapes(parameters) !== shapes(tensors)) refuse(["model"], { model }, title);
}

export async function writeFiles(
  format: FormatName,
  model: PortableModel,
  options: FileOptions & Pick<ExportOptions, "onWarning">,
): Promise<Files> {
  // What loadModel() would refuse, too few names of classes say, is no model to give to others.
  modelOfParts(model.config, model.tensors, model.metadata, { maxMemory: Number.POSITIVE_INFINITY });
  const { write } = await formatNamed(format).writer!();
  return write(model, { ...options, warn: warnBy(options) });
}

/** The parameters of a model, which is not compiled, from a file of weights alone. */
export function weightsFor(
  model: Model,
  weights: PortableWeights,
  names: LoadModelOptions["names"],
): PortableModel["tensors"] {
  return fitWeights(model, weights, names);
}

/** See modelCard(). */
export function cardFor(model: PortableModel, options: CardOptions): string {
  return cardOf(model, options);
}
