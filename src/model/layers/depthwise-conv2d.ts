import type { GraphBuilder, Value } from "../../compiler/graph.ts";
import { type Filled, needed, type OptionsOf, optional, whole } from "../../options/kinds.ts";
import { resolveWindow } from "../window.ts";
import { initializer } from "./initializer.ts";
import {
  defineLayer,
  type Layer,
  type LayerOptions,
  layer,
  lowerOutput,
  padding,
  pair,
  WEIGHTS,
  weights,
} from "./layer.ts";
import { constraint, regularizer } from "./regularizer.ts";

/** Options of the filters that each channel has for itself. */
const DEPTHWISE = {
  /** One number for both axes, or `[height, width]`. */
  kernelSize: needed(pair),
  /** Default 1. */
  strides: optional(pair, 1),
  /** Default "valid". "same": as many outputs as inputs / strides, zeros around. */
  padding,
  /** Outputs of each channel. Default 1. */
  depthMultiplier: optional(whole(), 1),
  /** Distance between taps; default 1. */
  dilationRate: optional(pair, 1),
  /** Default "glorotUniform". */
  depthwiseInitializer: optional(initializer, "glorotUniform"),
  /** What large weights cost, as part of the loss. Default: nothing. */
  depthwiseRegularizer: regularizer,
  /** What weights are kept to after each step. Default: none. */
  depthwiseConstraint: constraint,
};

/** Those of the outputs: what other layers with weights have, without what is about a kernel. */
const { kernelInitializer, kernelRegularizer, kernelConstraint, ...TAIL } = WEIGHTS;

const depthwiseOptions = { ...DEPTHWISE, ...TAIL };

export interface DepthwiseConv2dOptions extends LayerOptions, OptionsOf<typeof depthwiseOptions> {}

/** Adds the depthwise convolution; `kernel`: its parameter's name. */
function depthwise(
  graph: GraphBuilder,
  name: string,
  input: Value,
  config: Filled<typeof depthwiseOptions>,
  kernel: string,
): Value {
  const { attributes, outputSize } = resolveWindow(name, input.shape, {
    sizeOption: "kernelSize",
    size: config.kernelSize,
    strides: config.strides,
    dilation: config.dilationRate,
    padding: config.padding,
  });
  const channels = input.shape[2]!;
  const multiplier = config.depthMultiplier;
  const shape = [...attributes.kernel, channels, multiplier];
  const parameters = weights(graph, name, config, shape, channels * multiplier, "depthwise", kernel);
  return graph.op(
    "depthwiseConv2d",
    name,
    [input],
    { ...attributes, multiplier },
    [...outputSize, channels * multiplier],
    parameters,
  );
}

export const DEPTHWISE_CONV2D = defineLayer({
  type: "depthwiseConv2d",
  options: depthwiseOptions,
  lower: (graph, name, [input], config) =>
    lowerOutput(graph, name, depthwise(graph, name, input, config, "kernel"), config),
});

/**
 * Depthwise 2-D convolution: each channel by filters of its own, `[height, width, channels]` to
 * `[outHeight, outWidth, channels * depthMultiplier]`. Parameters: kernel `[kernelHeight, kernelWidth, channels, depthMultiplier]` and
 * bias `[channels * depthMultiplier]`.
 */
export function depthwiseConv2d(options: DepthwiseConv2dOptions): Layer {
  return layer(DEPTHWISE_CONV2D, options);
}

const separableOptions = {
  /** Output channels. */
  filters: needed(whole(), 32),
  ...DEPTHWISE,
  /** Default "glorotUniform". */
  pointwiseInitializer: optional(initializer, "glorotUniform"),
  pointwiseRegularizer: regularizer,
  pointwiseConstraint: constraint,
  ...TAIL,
};

export interface SeparableConv2dOptions extends LayerOptions, OptionsOf<typeof separableOptions> {}

const HERE = {
  kernel: [1, 1],
  strides: [1, 1],
  dilation: [1, 1],
  pad: { top: 0, bottom: 0, left: 0, right: 0 },
} as const;

export const SEPARABLE_CONV2D = defineLayer({
  type: "separableConv2d",
  options: separableOptions,
  lower(graph, name, [input], config) {
    const { filters } = config;
    const inner = depthwise(graph, name, input, { ...config, useBias: false }, "depthwiseKernel");
    const [height, width, channels] = inner.shape as readonly number[] as [number, number, number];
    const shape = [1, 1, channels, filters];
    const parameters = weights(graph, name, config, shape, filters, "pointwise", "pointwiseKernel");
    const attributes = { ...HERE, filters, relu: false };
    const output = graph.op("conv2d", name, [inner], attributes, [height, width, filters], parameters);
    return lowerOutput(graph, name, output, config);
  },
});

/**
 * Separable 2-D convolution: a depthwise one, then a pointwise one (1x1) that mixes its channels. Parameters: depthwiseKernel
 * `[kernelHeight, kernelWidth, channels, depthMultiplier]`, pointwiseKernel `[1, 1, channels * depthMultiplier, filters]`, bias `[filters]`.
 */
export function separableConv2d(options: SeparableConv2dOptions): Layer {
  return layer(SEPARABLE_CONV2D, options);
}
