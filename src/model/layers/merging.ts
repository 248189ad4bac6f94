import { ModelError } from "../../compiler/errors.ts";
import {
  type BinaryKind,
  formatShape,
  type GraphBuilder,
  type Shape,
  type Value,
} from "../../compiler/graph.ts";
import { type OptionsOf, optional, some } from "../../options/kinds.ts";
import { defineLayer, type Inputs, type Layer, type LayerOptions, layer } from "./layer.ts";

/** Axes of a sample that values which broadcast over each other have at the most. */
export const MOST_AXES = 4;

/** Whether the smaller is one number for each of the larger's channels: `[channels]` or `[1, 1, channels]`, or is of its shape. */
const fits = (large: Shape, small: Shape) =>
  large.join() === small.join() ||
  ((small.length === 1 || small.length === large.length) &&
    small.slice(0, -1).every((size) => size === 1) &&
    small.at(-1) === large.at(-1));

/** The shape of two that broadcast over each other, as NumPy has it: last axes meet, and sizes of 1 repeat. */
function broadcast(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const [x, y] = [a, b].map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
  const shape = x!.map((size, i) => (size === 1 ? y![i]! : size));
  if (y!.some((size, i) => size !== 1 && size !== shape[i]) || (rank > MOST_AXES && a.join() !== b.join()))
    throw new ModelError(
      `got inputs of shapes ${formatShape(a)} and ${formatShape(b)}, expected the same shape, or sizes of 1 where they differ, such as ${formatShape([1, 1, a.at(-1)!])}, and at most ${MOST_AXES} axes then`,
      name,
    );
  return shape;
}

/** Adds the op of two values. */
function merge(graph: GraphBuilder, name: string, kind: BinaryKind, a: Value, b: Value): Value {
  if (kind === "add" || kind === "multiply") {
    const [large, small] = fits(a.shape, b.shape) ? [a, b] : [b, a];
    if (fits(large.shape, small.shape))
      return graph.op(kind, name, [large, small], { relu: false }, large.shape);
  }
  return graph.op("binary", name, [a, b], { kind }, broadcast(name, a.shape, b.shape));
}

/** The layer of an op of two values, as often as there are values. */
function defineMerging(type: BinaryKind) {
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

function requireSeveral(name: string, inputs: Inputs): void {
  if (inputs.length < 2) throw new ModelError("got one input, expected a list of two or more", name);
}

export const ADD = /* @__PURE__ */ defineMerging("add");
export const MULTIPLY = /* @__PURE__ */ defineMerging("multiply");
export const MAXIMUM = /* @__PURE__ */ defineMerging("maximum");
export const MINIMUM = /* @__PURE__ */ defineMerging("minimum");

/** Sum of its inputs, which have one shape, or sizes of 1 that repeat: a `[channels]` is added to each pixel of an image. Apply it to a list. */
export function add(options: LayerOptions = {}): Layer {
  return layer(ADD, options);
}

/** Product of its inputs, which have one shape, or sizes of 1 that repeat: a `[channels]` scales each pixel of an image. Apply it to a list. */
export function multiply(options: LayerOptions = {}): Layer {
  return layer(MULTIPLY, options);
}

/** The greatest of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function maximum(options: LayerOptions = {}): Layer {
  return layer(MAXIMUM, options);
}

/** The least of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function minimum(options: LayerOptions = {}): Layer {
  return layer(MINIMUM, options);
}

export const SUBTRACT = defineLayer({
  type: "subtract",
  options: {},
  merges: true,
  lower(graph, name, inputs) {
    const [a, b] = inputs;
    if (!b || inputs.length > 2) throw new ModelError(`got ${inputs.length} inputs, expected two`, name);
    return merge(graph, name, "subtract", a, b);
  },
});

/** The first of its two inputs less the second; sizes of 1 repeat. Apply it to a list. */
export function subtract(options: LayerOptions = {}): Layer {
  return layer(SUBTRACT, options);
}

export const AVERAGE = defineLayer({
  type: "average",
  options: {},
  merges: true,
  lower(graph, name, inputs) {
    requireSeveral(name, inputs);
    const sum = inputs.slice(1).reduce((sum, next) => merge(graph, name, "add", sum, next), inputs[0]);
    const numbers = [1 / inputs.length, 0];
    return graph.op("unary", name, [sum], { kind: "linear", numbers }, sum.shape);
  },
});

/** Mean of its inputs, number by number; sizes of 1 repeat. Apply it to a list. */
export function average(options: LayerOptions = {}): Layer {
  return layer(AVERAGE, options);
}

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
