import { ModelFileError } from "../formats/model-file-error.ts";
import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Model } from "../train/model.ts";
import type { PortableWeights } from "./portable.ts";

/**
 * A model's parameters from a file of weights alone: by the names that are given, by names that are the model's own, or else
 * in order, each of the shape that its parameter has.
 * Throws ModelFileError `weights` that names the first parameter that gets none.
 */
export function fitWeights(
  { graph: { parameters } }: Pick<Model, "graph">,
  { tensors }: PortableWeights,
  names?: Readonly<Record<string, string>>,
): NamedTensor[] {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const own = names === undefined && parameters.every(({ name }) => given.has(name));
  if (!names && !own && tensors.length !== parameters.length)
    throw unfitting(
      `it holds ${tensors.length} arrays, the model has ${parameters.length} parameters. Write which is which: names: { "${parameters[0]!.name}": "${tensors[0]?.name ?? "…"}", … }`,
    );
  return parameters.map(({ name, shape }, i) => {
    const called = names ? names[name] : name;
    const found = names || own ? given.get(called!) : tensors[i];
    if (!found)
      throw unfitting(
        called === undefined
          ? `names says nothing of ${quoted(name)}`
          : `no array is called ${quoted(called)}: ${adviceOn(called, [...given.keys()])}`,
      );
    if (found.shape.join() !== shape.join())
      throw unfitting(
        `${quoted(name)} is of shape ${show(shape)}, and ${quoted(found.name)} of ${show(found.shape)}`,
      );
    return { name, shape, data: found.data };
  });
}

function unfitting(problem: string): ModelFileError {
  return new ModelFileError("weights", `the file's weights do not fit the model: ${problem}`);
}
