import { ModelError } from "../../compiler/errors.ts";
import { formatShape } from "../../compiler/graph.ts";
import { type OptionsOf, optional, real, some } from "../../options/kinds.ts";
import { initializer } from "./initializer.ts";
import { defineLayer, type Layer, type LayerOptions, layer, lowerActivation } from "./layer.ts";
import { F32_END } from "./numbers.ts";

const reluOptions = {
  /** What larger results are cut to. Default: none. */
  maxValue: real(0, F32_END),
  /** Slope below the threshold. Default 0. */
  negativeSlope: optional(real(0, F32_END), 0),
  /** Up to where x is sloped. Default 0. */
  threshold: optional(real(0, F32_END), 0),
};

export interface ReluOptions extends LayerOptions, OptionsOf<typeof reluOptions> {}

export const RELU = defineLayer({
  type: "relu",
  options: reluOptions,
  lower(graph, name, [input], { maxValue, negativeSlope, threshold }) {
    if (maxValue === undefined && threshold === 0)
      return lowerActivation(graph, name, input, negativeSlope > 0 ? "leakyRelu" : "relu", negativeSlope);
    const numbers = [negativeSlope, maxValue ?? Number.POSITIVE_INFINITY, threshold];
    return graph.op("unary", name, [input], { kind: "boundedRelu", numbers }, input.shape);
  },
});

/** x above the threshold, at most maxValue; negativeSlope (x - threshold) up to it. Of any shape. */
export function relu(options: ReluOptions = {}): Layer {
  return layer(RELU, options);
}

/** Whether it is a list of axes, counted from 1 as the batch is 0, none twice. */
const isAxes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.every((axis, i) => Number.isInteger(axis) && axis >= 1 && value.indexOf(axis) === i);

const preluOptions = {
  /** How the slopes start. Default "zeros". */
  alphaInitializer: optional(initializer, "zeros"),
  /** Axes along which all numbers share a slope, the batch being 0: [1, 2] for a slope a channel. Default: each number has its own. */
  sharedAxes: some<readonly number[]>("a list of axes from 1, such as [1, 2]", isAxes, [1, 2]),
};

export interface PreluOptions extends LayerOptions, OptionsOf<typeof preluOptions> {}

export const PRELU = defineLayer({
  type: "prelu",
  options: preluOptions,
  lower(graph, name, [input], { alphaInitializer, sharedAxes = [] }) {
    const { shape } = input;
    const beyond = sharedAxes.find((axis) => axis > shape.length);
    if (beyond !== undefined)
      throw new ModelError(
        `sharedAxes has ${beyond}, expected axes from 1 to ${shape.length} of an input of shape ${formatShape(shape)}`,
        name,
      );
    const own = shape.map((size, i) => (sharedAxes.includes(i + 1) ? 1 : size));
    const alpha = graph.parameter(`${name}/alpha`, own, alphaInitializer);
    return graph.op("binary", name, [input], { kind: "sloped" }, shape, [alpha]);
  },
});

/**
 * relu with slopes below 0 that are learnt (He et al. 2015): x for x > 0, alpha x below. Of any shape.
 * Parameter: alpha, as the input, but 1 along sharedAxes.
 */
export function prelu(options: PreluOptions = {}): Layer {
  return layer(PRELU, options);
}

export const SOFTMAX = defineLayer({
  type: "softmax",
  options: {},
  lower: (graph, name, [input]) => lowerActivation(graph, name, input, "softmax"),
});

/** Shares that sum to 1 along the last axis, of any shape: the classes of each pixel of an image. */
export function softmax(options: LayerOptions = {}): Layer {
  return layer(SOFTMAX, options);
}
