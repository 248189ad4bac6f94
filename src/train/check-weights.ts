import { elements, type Parameter } from "../compiler/graph.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { flag, type TableOf } from "../options/kinds.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";

/** Whether it is a typed array of numbers, of this realm or another: not one of BigInts. */
function holdsNumbers(value: unknown): boolean {
  return ArrayBuffer.isView(value) && typeof ((value as Float32Array)[0] ?? 0) === "number";
}

export interface SetWeightsOptions {
  /** Takes those tensors alone that a parameter has the name and the shape of; the others stay as they are. Default false. */
  partial?: boolean | undefined;
}

/** What became of tensors that were given: names of parameters, in their order. */
export interface WeightsTaken {
  /** Parameters that have the numbers given. */
  readonly taken: readonly string[];
  /** Parameters that kept their own, as no tensor has their name and shape. */
  readonly kept: readonly string[];
  /** Tensors that were given and are no parameter's. */
  readonly unused: readonly string[];
}

const OPTIONS: Checked = {
  call: "model.setWeights(tensors, *)",
  table: { partial: flag } satisfies TableOf<SetWeightsOptions>,
};

/**
 * The tensors to set, matched with the parameters by name. Throws unless they are those of the parameters: TypeError on what is
 * no list of tensors, RangeError where one is missing, unknown or of another shape; with `partial`, where none fits.
 */
export function checkWeights(
  tensors: readonly NamedTensor[],
  parameters: readonly Parameter[],
  options: SetWeightsOptions = {},
): { readonly tensors: readonly NamedTensor[]; readonly told: WeightsTaken } {
  checkOptions(OPTIONS, options);
  if (!Array.isArray(tensors) || !tensors.every((tensor) => holdsNumbers(tensor?.data)))
    throw new TypeError(`setWeights: got ${show(tensors)}, expected a list as getWeights() gives it`);
  const given = new Map(tensors.map((tensor: NamedTensor) => [tensor.name, tensor]));
  if (given.size < tensors.length)
    throw new RangeError("setWeights: two tensors have one name, expected each parameter once");
  const taken: NamedTensor[] = [];
  const kept: string[] = [];
  for (const { name, shape } of parameters) {
    const tensor = given.get(name);
    const title = `weights for ${quoted(name)}`;
    if (options.partial && String(tensor?.shape) !== String(shape)) {
      kept.push(name);
      continue;
    }
    if (!tensor) throw new RangeError(`${title} are missing`);
    if (String(tensor.shape) !== String(shape))
      throw new RangeError(`${title} have shape ${show(tensor.shape)}, expected ${show(shape)}`);
    if (tensor.data.length !== elements(shape))
      throw new RangeError(
        `${title} have ${counted(tensor.data.length, "number")}, expected ${counted(elements(shape), "number")} for shape ${show(shape)}`,
      );
    given.delete(name);
    taken.push(tensor);
  }
  const unused = [...given.keys()];
  if (!options.partial)
    for (const name of unused)
      throw new RangeError(`weights for ${quoted(String(name))}: the model has no such parameter`);
  if (taken.length === 0)
    throw new RangeError(
      `setWeights: no tensor has the name and the shape of a parameter: got ${named(tensors)}, expected some of ${named(parameters)}`,
    );
  return { tensors: taken, told: { taken: taken.map(({ name }) => name), kept, unused } };
}

/** The first of them with their shapes. */
function named(all: readonly { readonly name: string; readonly shape: readonly number[] }[]): string {
  const some = all.slice(0, 3).map(({ name, shape }) => `${quoted(String(name))} ${show(shape)}`);
  const more = all.length - some.length;
  return all.length === 0 ? "none" : `${some.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
