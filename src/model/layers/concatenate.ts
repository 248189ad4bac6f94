import { ModelError } from "../../compiler/errors.ts";
import { formatShape, type GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import { type OptionsOf, optional, some } from "../../options/kinds.ts";
import { defineLayer, type Inputs, type Layer, type LayerOptions, layer } from "./layer.ts";
import { requireSeveral } from "./merging.ts";

const concatenateOptions = {
  /** The axis along which inputs lie one behind the other, the batch being 0. Default -1: the last, channels. */
  axis: optional(
    some<number>("a whole number other than 0", (value) => Number.isInteger(value) && value !== 0),
    -1,
  ),
};

export interface ConcatenateOptions extends LayerOptions, OptionsOf<typeof concatenateOptions> {}

export const CONCATENATE = defineLayer({
  type: "concatenate",
  options: concatenateOptions,
  merges: true,
  lower(graph, name, inputs, { axis }) {
    requireSeveral(name, inputs);
    return lowerConcatenate(graph, name, inputs, axis);
  },
});

function lowerConcatenate(graph: GraphBuilder, name: string, inputs: Inputs, axis: number): Value {
  const { shape } = inputs[0];
  const at = axis < 0 ? shape.length + axis : axis - 1;
  const others = (of: Shape) => formatShape(of.filter((_, i) => i !== at));
  if (at < 0 || at >= shape.length)
    throw new ModelError(
      `axis is ${axis}, expected 1 to ${shape.length}, or -${shape.length} to -1, for inputs of shape ${formatShape(shape)}`,
      name,
    );
  const odd = inputs.find((v) => v.shape.length !== shape.length || others(v.shape) !== others(shape));
  if (odd)
    throw new ModelError(
      `got inputs of shapes ${formatShape(shape)} and ${formatShape(odd.shape)}, expected shapes that differ along the axis only`,
      name,
    );
  const size = inputs.reduce((sum, v) => sum + v.shape[at]!, 0);
  return graph.op("concatenate", name, inputs, { axis: at }, shape.with(at, size));
}

/** Its inputs one behind the other: `[h, w, a]` and `[h, w, b]` to `[h, w, a + b]`. Apply it to a list. */
export function concatenate(options: ConcatenateOptions = {}): Layer {
  return layer(CONCATENATE, options);
}
