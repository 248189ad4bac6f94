import { ModelError } from "../../compiler/errors.ts";
import { needed, type OptionsOf, optional, whole } from "../../options/kinds.ts";
import { resolveWindow } from "../window.ts";
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

const options = {
  /** Output channels. */
  filters: needed(whole(), 32),
  /** One number for both axes, or `[height, width]`. */
  kernelSize: needed(pair),
  /** Default 1. */
  strides: optional(pair, 1),
  /** Default "valid": no padding. "same": as many outputs as inputs / strides, zeros around. */
  padding,
  /** Distance between taps; default 1. */
  dilationRate: optional(pair, 1),
  /** Groups of channels, each convolved by filters of its own; divides channels and filters. Default 1. */
  groups: optional(whole(), 1),
  ...WEIGHTS,
};

export interface Conv2dOptions extends LayerOptions, OptionsOf<typeof options> {}

export const CONV2D = defineLayer({
  type: "conv2d",
  options,
  lower(graph, name, [input], config) {
    const { attributes, outputSize } = resolveWindow(name, input.shape, {
      sizeOption: "kernelSize",
      size: config.kernelSize,
      strides: config.strides,
      dilation: config.dilationRate,
      padding: config.padding,
    });
    const { filters, groups } = config;
    const channels = input.shape[2]!;
    if (channels % groups !== 0 || filters % groups !== 0)
      throw new ModelError(`groups is ${groups}, expected a divisor of ${channels} and ${filters}`, name);
    const shape = [...attributes.kernel, channels / groups, filters];
    const parameters = weights(graph, name, config, shape, config.filters);
    const to = [...outputSize, filters];
    const output =
      groups === 1
        ? graph.op("conv2d", name, [input], { ...attributes, filters, relu: false }, to, parameters)
        : groups === channels
          ? graph.op(
              "depthwiseConv2d",
              name,
              [input],
              { ...attributes, multiplier: filters / groups },
              to,
              parameters,
            )
          : graph.op("groupedConv2d", name, [input], { ...attributes, filters, groups }, to, parameters);
    return lowerOutput(graph, name, output, config);
  },
});

/**
 * 2-D convolution: `[height, width, channels]` to `[outHeight, outWidth, filters]`.
 * Parameters: kernel `[kernelHeight, kernelWidth, channels / groups, filters]` and bias `[filters]`.
 */
export function conv2d(options: Conv2dOptions): Layer {
  return layer(CONV2D, options);
}
