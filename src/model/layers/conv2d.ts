import { needed, type OptionsOf, optional, whole } from "../../options/kinds.ts";
import { resolveWindow } from "../window.ts";
import {
  defineLayer,
  type Layer,
  type LayerOptions,
  layer,
  lowerActivation,
  padding,
  pair,
  WEIGHTS,
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
    const shape = [...attributes.kernel, input.shape[2]!, config.filters];
    const parameters = [graph.parameter(`${name}/kernel`, shape, config.kernelInitializer)];
    if (config.useBias)
      parameters.push(graph.parameter(`${name}/bias`, [config.filters], config.biasInitializer));
    const output = graph.op(
      "conv2d",
      name,
      [input],
      { ...attributes, filters: config.filters, relu: false },
      [...outputSize, config.filters],
      parameters,
    );
    return lowerActivation(graph, name, output, config.activation);
  },
});

/**
 * 2-D convolution: `[height, width, channels]` to `[outHeight, outWidth, filters]`.
 * Parameters: kernel `[kernelHeight, kernelWidth, channels, filters]` and bias `[filters]`.
 */
export function conv2d(options: Conv2dOptions): Layer {
  return layer(CONV2D, options);
}
