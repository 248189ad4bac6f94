// What loadModel() and exportModel() load when there is a file to read or to write. In pages it is a bundle of its own, which
// shares no module with the page: bundlers would put what both use, layers and all, into the page's first script.
import type { Model } from "../train/model.ts";
import { cardOf } from "./card.ts";
import { fitWeights } from "./fit-weights.ts";
import { formatNamed } from "./formats.ts";
import { formatOf } from "./look.ts";
import type { CardOptions, FileOptions, FormatName, LoadModelOptions } from "./options.ts";
import { type Files, onlyFile, type PortableModel, type PortableWeights } from "./portable.ts";

/** What a file holds, and what people call its format; `found` is undefined of wasmgrad's own files, which are read elsewhere. */
export async function readFiles(
  files: Files,
  options: LoadModelOptions,
): Promise<{ title: string; found?: PortableModel | PortableWeights }> {
  const { title, reader } = await formatOf(onlyFile(files));
  if (!reader) return { title };
  const { read } = await reader();
  return { title, found: await read(files, options) };
}

export async function writeFiles(
  format: FormatName,
  model: PortableModel,
  options: FileOptions,
): Promise<Files> {
  const { write } = await formatNamed(format).writer!();
  return write(model, options);
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
