import { requireInteger } from "../errors.ts";
import type { Initializer } from "../initializers.ts";
import { type Padding, type Pair, resolveWindow } from "../window.ts";
import {
  type Activation,
  type Layer,
  type LayerOptions,
  lowerActivation,
  requireInitializer,
} from "./layer.ts";

export interface Conv2dOptions extends LayerOptions {
  /** Output channels. */
  filters: number;
  kernelSize: Pair;
  /** Default 1. */
  strides?: Pair;
  /** Default "valid": no padding. "same": as many outputs as inputs / strides, zeros around. */
  padding?: Padding;
  /** Distance between taps; default 1. */
  dilationRate?: Pair;
  /** Default "linear". */
  activation?: Activation;
  /** Default true. */
  useBias?: boolean;
  /** Default "glorotUniform". */
  kernelInitializer?: Initializer;
  /** Default "zeros". */
  biasInitializer?: Initializer;
}

/**
 * 2-D convolution: `[height, width, channels]` to `[outHeight, outWidth, filters]`.
 * Parameters: kernel `[kernelHeight, kernelWidth, channels, filters]` and bias `[filters]`.
 */
export function conv2d(options: Conv2dOptions): Layer {
  const config = {
    filters: options.filters,
    kernelSize: options.kernelSize,
    strides: options.strides ?? 1,
    padding: options.padding ?? "valid",
    dilationRate: options.dilationRate ?? 1,
    activation: options.activation ?? "linear",
    useBias: options.useBias ?? true,
    kernelInitializer: options.kernelInitializer ?? "glorotUniform",
    biasInitializer: options.biasInitializer ?? "zeros",
  } as const;
  return {
    type: "conv2d",
    name: options.name,
    inputShape: options.inputShape,
    config,
    lower(graph, name, input) {
      requireInteger(name, "filters", config.filters);
      requireInitializer(name, "kernelInitializer", config.kernelInitializer);
      requireInitializer(name, "biasInitializer", config.biasInitializer);
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
  };
}
