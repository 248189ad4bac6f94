import { ModelError } from "../../compiler/errors.ts";
import {
  formatShape,
  type GraphBuilder,
  type OpAttributes,
  type Shape,
  type Value,
} from "../../compiler/graph.ts";
import { type OptionsOf, optional, some } from "../../options/kinds.ts";
import { defineLayer, type Inputs, type Layer, type LayerOptions, layer } from "./layer.ts";

/**
 * Two values of one shape, or an image and one number a channel: `[height, width, channels]` with `[channels]` or
 * `[1, 1, channels]`. The larger is first.
 */
function broadcast(name: string, a: Value, b: Value): readonly [Value, Value] {
  const fits = (large: Shape, small: Shape) =>
    large.join() === small.join() ||
    ((small.length === 1 || small.length === large.length) &&
      small.slice(0, -1).every((size) => size === 1) &&
      small.at(-1) === large.at(-1));
  if (fits(a.shape, b.shape)) return [a, b];
  if (fits(b.shape, a.shape)) return [b, a];
  throw new ModelError(
    `got inputs of shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}, expected the same shape, or one of ${formatShape([a.shape.at(-1)!])} beside an image`,
    name,
  );
}

/** The layer of an op of two values, as often as there are values. */
function defineMerging<K extends "add" | "multiply">(type: K, attributes: OpAttributes[K]) {
  return defineLayer({
    type,
    options: {},
    merges: true,
    lower(graph, name, inputs) {
      requireSeveral(name, inputs);
      return inputs.slice(1).reduce((sum, next) => {
        const [large, small] = broadcast(name, sum, next);
        return graph.op(type, name, [large, small], attributes, large.shape);
      }, inputs[0]);
    },
  });
}

function requireSeveral(name: string, inputs: Inputs): void {
  if (inputs.length < 2) throw new ModelError("got one input, expected a list of two or more", name);
}

export const ADD = defineMerging("add", { relu: false });
export const MULTIPLY = defineMerging("multiply", {});

/** Sum of its inputs, which have one shape; a `[channels]` is added to each pixel of an image. Apply it to a list. */
export function add(options: LayerOptions = {}): Layer {
  return layer(ADD, options);
}

/** Product of its inputs, which have one shape; a `[channels]` scales each pixel of an image. Apply it to a list. */
export function multiply(options: LayerOptions = {}): Layer {
  return layer(MULTIPLY, options);
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
