import { ModelError } from "../../compiler/errors.ts";
import {
  type BinaryKind,
  elements,
  formatShape,
  type GraphBuilder,
  type Shape,
  type Value,
} from "../../compiler/graph.ts";
import { defineLayer, type Inputs, type Layer, type LayerOptions, layer } from "./layer.ts";

/** Adds the op of two values, which broadcast over each other as NumPy's do: last axes meet, and sizes of 1 repeat. */
export function merge(graph: GraphBuilder, name: string, kind: BinaryKind, a: Value, b: Value): Value {
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = ({ shape }: Value) => [...Array<number>(rank - shape.length).fill(1), ...shape];
  const [x, y] = [padded(a), padded(b)];
  const shape = x.map((size, i) => (size === 1 ? y[i]! : size));
  if (y.some((size, i) => size !== 1 && size !== shape[i]))
    throw new ModelError(
      `got inputs of shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}, expected the same shape, or sizes of 1 where they differ`,
      name,
    );
  const n = elements(shape);
  const C = shape.at(-1);
  /** Whether one is of the whole shape, and the other, too, or a number a channel: there are kernels for that alone. */
  const isPlain = (large: Shape, small: Shape) =>
    elements(large) === n && (elements(small) === n || (elements(small) === C && small.at(-1) === C));
  if (kind === "add" || kind === "multiply") {
    if (isPlain(x, y)) return graph.op(kind, name, [a, b], { relu: false }, shape);
    if (isPlain(y, x)) return graph.op(kind, name, [b, a], { relu: false }, shape);
  }
  return graph.op("binary", name, [a, b], { kind }, shape);
}

/** The layer of an op of two values, as often as there are values. */
export function defineMerging(type: BinaryKind) {
  return defineLayer({
    type,
    options: {},
    merges: true,
    lower(graph, name, inputs) {
      requireSeveral(name, inputs);
      return inputs.slice(1).reduce((sum, next) => merge(graph, name, type, sum, next), inputs[0]);
    },
  });
}

export function requireSeveral(name: string, inputs: Inputs): void {
  if (inputs.length < 2) throw new ModelError("got one input, expected a list of two or more", name);
}

export const ADD = /* @__PURE__ */ defineMerging("add");
export const MULTIPLY = /* @__PURE__ */ defineMerging("multiply");

/** Sum of its inputs, which have one shape, or sizes of 1 that repeat: a `[channels]` is added to each pixel of an image. Apply it to a list. */
export function add(options: LayerOptions = {}): Layer {
  return layer(ADD, options);
}

/** Product of its inputs, which have one shape, or sizes of 1 that repeat: a `[channels]` scales each pixel of an image. Apply it to a list. */
export function multiply(options: LayerOptions = {}): Layer {
  return layer(MULTIPLY, options);
}
