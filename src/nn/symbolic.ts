// Models as they are written: layers applied to what other layers give.
import { show } from "../options/show.ts";
import { ModelError } from "./errors.ts";
import { GraphBuilder, type Shape } from "./graph.ts";
import type { Inputs, Layer, LayerApplication, SymbolicTensor } from "./layers/types.ts";

let applications = 0;

export function isSymbolic(value: unknown): value is SymbolicTensor {
  const from = (value as Partial<SymbolicTensor> | null)?.from;
  return typeof from === "object" && typeof from?.order === "number";
}

/** Applies a layer: its first output. Throws ModelError where the inputs do not fit it. */
export function applyLayer(layer: Layer, inputs: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor {
  return applyAll(layer, inputs)[0]!;
}

/** Applies a layer: all its outputs. */
export function applyAll(
  layer: Layer,
  inputs: SymbolicTensor | readonly SymbolicTensor[],
): readonly SymbolicTensor[] {
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
  scratch.call(layer.trainable);
  const values = given.map(({ shape }) => scratch.input(shape));
  const outputs = layer.lower(scratch, name, values as unknown as Inputs);
  return applied(
    layer,
    given,
    outputs.map(({ shape }) => shape),
  );
}

/** The tensors of an application whose shapes are known. */
export function applied(
  layer: Layer,
  inputs: readonly SymbolicTensor[],
  shapes: readonly Shape[],
): readonly SymbolicTensor[] {
  const from: LayerApplication = { layer, inputs, order: applications++ };
  return shapes.map((shape, index) => ({ shape, from, index }));
}
