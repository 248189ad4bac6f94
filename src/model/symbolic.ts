// Models as they are written: layers applied to what other layers give.

import { ModelError } from "../compiler/errors.ts";
import { formatShape, GraphBuilder, type Shape, type Value } from "../compiler/graph.ts";
import { show } from "../options/show.ts";
import type { Inputs, Layer, SymbolicTensor } from "./layers/types.ts";

let applications = 0;

export function isSymbolic(value: unknown): value is SymbolicTensor {
  const from = (value as Partial<SymbolicTensor> | null)?.from;
  return typeof from === "object" && typeof from?.order === "number";
}

/** Applies a layer. Throws ModelError where the inputs do not fit it. */
export function applyLayer(layer: Layer, inputs: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor {
  const name = layer.name ?? layer.type;
  const given = ([] as SymbolicTensor[]).concat(inputs as SymbolicTensor);
  if (given.length === 0) throw new ModelError("got no inputs, expected at least one", name);
  for (const [i, tensor] of given.entries())
    if (!isSymbolic(tensor))
      throw new ModelError(
        `input ${i + 1} is ${show(tensor)}, expected what input() or another layer's apply() gives. Write: ${layer.type}(…).apply(input({ shape: [28, 28, 1] }))`,
        name,
      );
  const scratch = new GraphBuilder();
  const values = given.map(({ shape }) => scratch.input(shape));
  return applied(layer, given, lowerLayer(scratch, layer, name, values as unknown as Inputs).shape);
}

/** Adds a layer's ops to a graph, for one of its calls. Throws ModelError where the inputs do not fit, or inputShape does not. */
export function lowerLayer(graph: GraphBuilder, layer: Layer, name: string, inputs: Inputs): Value {
  const { inputShape, trainable } = layer;
  if (inputShape && inputShape.join() !== inputs[0].shape.join())
    throw new ModelError(
      `inputShape is ${formatShape(inputShape)}, but the layer before it gives ${formatShape(inputs[0].shape)}`,
      name,
    );
  graph.call(trainable);
  const [output, ...others] = layer.lower(graph, name, inputs);
  if (!output || others.length > 0)
    throw new ModelError(`gives ${output ? others.length + 1 : 0} outputs, expected one`, name);
  return output;
}

/** The tensor of an application whose shape is known. */
export function applied(layer: Layer, inputs: readonly SymbolicTensor[], shape: Shape): SymbolicTensor {
  return { shape, from: { layer, inputs, order: applications++ } };
}
