import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Model } from "../train/model.ts";
import { fitTorch } from "./fit-torch.ts";
import type { PortableWeights } from "./portable.ts";
import { sideBySide, unfitting } from "./side-by-side.ts";

/**
 * A model's parameters from a file of weights alone: by the names that are given, by names that are the model's own, or else
 * in order, each of the shape that its parameter has.
 * Throws ModelFileError `fit` that names the first parameter that gets none.
 */
export function fitWeights(
  model: Model,
  weights: PortableWeights,
  names?: Readonly<Record<string, string>>,
): NamedTensor[] {
  const { tensors } = weights;
  const { parameters } = model.graph;
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const bare = new Map(tensors.map((tensor) => [bareName(tensor.name), tensor]));
  const own = !names && bare.size === tensors.length && parameters.every(({ name }) => bare.has(name));
  // Names of here's parameters are of no module of PyTorch's: what is called so lies as it does here.
  if (weights.layout === "torch" && !own) return fitTorch(model, weights, names);
  if (!names && !own && tensors.length !== parameters.length)
    throw unfitting(
      `it holds ${tensors.length} arrays, the model has ${parameters.length} parameters. Write which is which: names: { "${parameters[0]!.name}": "${tensors[0]?.name ?? "…"}", … }`,
      sideBySide(parting(parameters, tensors), parameters, tensors),
    );
  return parameters.map(({ name, shape }, i) => {
    const called = names ? names[name] : name;
    const found = names ? given.get(called!) : own ? bare.get(name) : tensors[i];
    if (!found)
      throw unfitting(
        called === undefined
          ? `names says nothing of ${quoted(name)}`
          : `no array is called ${quoted(called)}: ${adviceOn(called, [...given.keys()])}`,
      );
    if (found.shape.join() !== shape.join())
      throw unfitting(
        `${quoted(name)} is of shape ${show(shape)}, and ${quoted(found.name)} of ${show(found.shape)}`,
        names || own ? undefined : sideBySide(i, parameters, tensors),
      );
    return { name, shape, data: found.data };
  });
}

type Shaped = { readonly shape: readonly number[] };

const parting = (model: readonly Shaped[], file: readonly Shaped[]) => {
  const at = model.findIndex(({ shape }, i) => shape.join() !== file[i]?.shape.join());
  return at < 0 ? model.length : at;
};

/** A name without what files of Keras's weights add to it: "conv2d/conv2d/kernel:0" is conv2d/kernel. */
function bareName(name: string): string {
  const parts = name.replace(/:\d+$/, "").split("/");
  return parts.filter((part, i) => part !== parts[i - 1]).join("/");
}
