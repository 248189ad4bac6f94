import { elements, type Parameter } from "../compiler/graph.ts";
import { counted } from "../options/counted.ts";
import { quoted, show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";

/** Whether it is a typed array of numbers, of this realm or another: not one of BigInts. */
function holdsNumbers(value: unknown): boolean {
  return ArrayBuffer.isView(value) && typeof ((value as Float32Array)[0] ?? 0) === "number";
}

/**
 * Throws unless the tensors are those of the parameters, matched by name: TypeError on what is no list of tensors, RangeError
 * where one is missing, unknown or of another shape.
 */
export function checkWeights(tensors: readonly NamedTensor[], parameters: readonly Parameter[]): void {
  if (!Array.isArray(tensors) || !tensors.every((tensor) => holdsNumbers(tensor?.data)))
    throw new TypeError(`setWeights: got ${show(tensors)}, expected a list as getWeights() gives it`);
  const given = new Map(tensors.map((tensor: NamedTensor) => [tensor.name, tensor]));
  if (given.size < tensors.length)
    throw new RangeError("setWeights: two tensors have one name, expected each parameter once");
  for (const { name, shape } of parameters) {
    const tensor = given.get(name);
    const title = `weights for ${quoted(name)}`;
    if (!tensor) throw new RangeError(`${title} are missing`);
    if (String(tensor.shape) !== String(shape))
      throw new RangeError(`${title} have shape ${show(tensor.shape)}, expected ${show(shape)}`);
    if (tensor.data.length !== elements(shape))
      throw new RangeError(
        `${title} have ${counted(tensor.data.length, "number")}, expected ${counted(elements(shape), "number")} for shape ${show(shape)}`,
      );
    given.delete(name);
  }
  for (const name of given.keys())
    throw new RangeError(`weights for ${quoted(String(name))}: the model has no such parameter`);
}
