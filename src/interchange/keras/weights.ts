// A model's parameters from the arrays of a file.

import type { Shape } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { quoted, show } from "../../options/show.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { FoundModel, Place } from "./read-model.ts";

/** An array of a file, which is read once it is known to fit. */
export interface FileArray {
  /** What the file calls it. */
  readonly name: string;
  readonly shape: Shape;
  values(): Float32Array;
}

export interface Asked {
  /** The parameter's name, "conv2d/kernel", and the last part of it. */
  readonly parameter: string;
  readonly name: string;
  /** Which of its layer's it is. */
  readonly index: number;
  readonly place: Place;
}

/**
 * The parameters in their order; normalizations have what they are in their options, too.
 * Throws ModelFileError where there is no array for one, or one of another shape.
 */
export function takeWeights(
  { config, parameters, places, constants }: FoundModel,
  arrayFor: (asked: Asked) => FileArray | undefined,
): Pick<FoundModel, "config"> & { readonly tensors: NamedTensor[] } {
  const counts = new Map<string, number>();
  const tensors = parameters.map(({ name: parameter, shape }) => {
    const constant = constants.get(parameter);
    if (constant) return constant;
    const at = parameter.lastIndexOf("/");
    const [layer, name] = [parameter.slice(0, at), parameter.slice(at + 1)];
    const index = counts.get(layer) ?? 0;
    counts.set(layer, index + 1);
    const found = arrayFor({ parameter, name, index, place: places.get(layer)! });
    if (!found) throw unfitting(`there are none of ${quoted(parameter)}`);
    if (found.shape.join() !== shape.join())
      throw unfitting(
        `${quoted(parameter)} is of shape ${show(shape)}, and ${quoted(found.name)} of ${show(found.shape)}`,
      );
    return { name: parameter, shape, data: found.values() };
  });
  return { config: withStatistics(config, tensors), tensors };
}

function unfitting(problem: string): ModelFileError {
  return new ModelFileError("weights", `the file's weights do not fit its layers: ${problem}`);
}

/** The config, whose normalizations begin with the mean and the variance of the file. */
function withStatistics(config: FoundModel["config"], tensors: readonly NamedTensor[]): FoundModel["config"] {
  if (!config.layers.some(({ type }) => type === "normalization")) return config;
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const layers = config.layers.map((layer) => {
    if (layer.type !== "normalization" || layer.again !== undefined) return layer;
    const own = (key: string) => [...(given.get(`${layer.name}/${key}`)?.data ?? [])];
    return { ...layer, mean: own("mean"), variance: own("variance") };
  });
  return { ...config, layers };
}
