// Layers of sequences [steps, channels]: images of one row.
import { ModelError } from "../../compiler/errors.ts";
import { formatShape, type GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import { flag, needed, type OptionsOf, oneOf, optional, whole } from "../../options/kinds.ts";
import { type Padding, resolveWindow, type WindowOptions } from "../window.ts";
import { lowerGlobal } from "./global-pooling2d.ts";
import {
  defineLayer,
  type Layer,
  type LayerOptions,
  layer,
  lowerOutput,
  padding,
  WEIGHTS,
  weights,
} from "./layer.ts";

function reshaped(graph: GraphBuilder, name: string, value: Value, shape: Shape): Value {
  return graph.op("reshape", name, [value], {}, shape);
}

/** A sequence as an image of one row. Throws ModelError where it is none. */
function rowOf(graph: GraphBuilder, name: string, input: Value): Value {
  if (input.shape.length !== 2)
    throw new ModelError(
      `got an input of shape ${formatShape(input.shape)}, expected a sequence (steps, channels)`,
      name,
    );
  return reshaped(graph, name, input, [1, ...input.shape]);
}

/** An image of one row as a sequence. */
function sequenceOf(graph: GraphBuilder, name: string, row: Value): Value {
  return reshaped(graph, name, row, row.shape.slice(1));
}

interface Window {
  readonly sizeOption: WindowOptions["sizeOption"];
  readonly size: number;
  readonly strides: number;
  readonly dilation: number;
  readonly padding: Padding | "causal";
}

/** As resolveWindow(), along the steps. */
function resolveSteps(name: string, row: Value, { sizeOption, size, strides, dilation, padding }: Window) {
  const steps = row.shape[1]!;
  const extent = (size - 1) * dilation + 1;
  if (padding === "valid" && steps < extent)
    throw new ModelError(
      `got ${steps} steps, but ${sizeOption} ${size} spans ${extent}; use a smaller ${sizeOption} or padding: "same"`,
      name,
    );
  const causal = padding === "causal";
  const { attributes, outputSize } = resolveWindow(name, causal ? [1, steps + extent - 1, 1] : row.shape, {
    sizeOption,
    size: [1, size],
    strides: [1, strides],
    dilation: [1, dilation],
    padding: causal ? "valid" : padding,
  });
  return {
    ...attributes,
    ...(causal && { pad: { top: 0, bottom: 0, left: extent - 1, right: 0 } }),
    outputSize,
  };
}

const convOptions = {
  /** Output channels. */
  filters: needed(whole(), 32),
  /** Steps that a filter spans. */
  kernelSize: needed(whole(), 3),
  /** Default 1. */
  strides: optional(whole(), 1),
  /** Default "valid": no padding. "same": as many outputs as inputs / strides. "causal": no output hangs on later steps. */
  padding: optional(oneOf<Padding | "causal">(["valid", "same", "causal"]), "valid"),
  /** Distance between taps; default 1. */
  dilationRate: optional(whole(), 1),
  ...WEIGHTS,
};

export interface Conv1dOptions extends LayerOptions, OptionsOf<typeof convOptions> {}

export const CONV1D = defineLayer({
  type: "conv1d",
  options: convOptions,
  lower(graph, name, [input], config) {
    const { filters, kernelSize } = config;
    const row = rowOf(graph, name, input);
    const { outputSize, ...window } = resolveSteps(name, row, {
      sizeOption: "kernelSize",
      size: kernelSize,
      strides: config.strides,
      dilation: config.dilationRate,
      padding: config.padding,
    });
    const shape = [kernelSize, input.shape[1]!, filters];
    const parameters = weights(graph, name, config, shape, filters);
    const attributes = { ...window, filters, relu: false };
    const output = graph.op("conv2d", name, [row], attributes, [...outputSize, filters], parameters);
    return sequenceOf(graph, name, lowerOutput(graph, name, output, config));
  },
});

/**
 * 1-D convolution: `[steps, channels]` to `[outSteps, filters]`.
 * Parameters: kernel `[kernelSize, channels, filters]` and bias `[filters]`.
 */
export function conv1d(options: Conv1dOptions): Layer {
  return layer(CONV1D, options);
}

const poolOptions = {
  /** Steps of a window. Default 2. */
  poolSize: optional(whole(), 2),
  /** Default: the pool size. */
  strides: optional(whole(), ({ poolSize }) => poolSize as number),
  /** Default "valid". */
  padding,
};

export interface Pooling1dOptions extends LayerOptions, OptionsOf<typeof poolOptions> {}

function definePooling(type: string, mode: "max" | "average") {
  return defineLayer({
    type,
    options: poolOptions,
    lower(graph, name, [input], { poolSize: size, ...config }) {
      const row = rowOf(graph, name, input);
      const { outputSize, ...window } = resolveSteps(name, row, {
        sizeOption: "poolSize",
        size,
        dilation: 1,
        ...config,
      });
      const shape = [...outputSize, input.shape[1]!];
      return sequenceOf(graph, name, graph.op("pool2d", name, [row], { ...window, mode }, shape));
    },
  });
}

export const MAX_POOLING_1D = /* @__PURE__ */ definePooling("maxPooling1d", "max");
export const AVERAGE_POOLING_1D = /* @__PURE__ */ definePooling("averagePooling1d", "average");

/** Maximum of each window. `[steps, channels]` to `[outSteps, channels]`. */
export function maxPooling1d(options: Pooling1dOptions = {}): Layer {
  return layer(MAX_POOLING_1D, options);
}

/** Mean of each window; at a padded end, of the steps that exist. */
export function averagePooling1d(options: Pooling1dOptions = {}): Layer {
  return layer(AVERAGE_POOLING_1D, options);
}

const globalOptions = {
  /** Whether the steps stay as an axis of size 1: [1, channels]. Default false. */
  keepdims: optional(flag, false),
};

export interface GlobalPooling1dOptions extends LayerOptions, OptionsOf<typeof globalOptions> {}

function defineGlobal(type: string, mode: "max" | "average") {
  return defineLayer({
    type,
    options: globalOptions,
    lower: (graph, name, [input], { keepdims }) =>
      lowerGlobal(graph, name, rowOf(graph, name, input), mode, keepdims && [1, input.shape[1]!]),
  });
}

export const GLOBAL_AVERAGE_POOLING_1D = /* @__PURE__ */ defineGlobal("globalAveragePooling1d", "average");
export const GLOBAL_MAX_POOLING_1D = /* @__PURE__ */ defineGlobal("globalMaxPooling1d", "max");

/** Mean over all steps: `[steps, channels]` to `[channels]`. */
export function globalAveragePooling1d(options: GlobalPooling1dOptions = {}): Layer {
  return layer(GLOBAL_AVERAGE_POOLING_1D, options);
}

/** Maximum over all steps: `[steps, channels]` to `[channels]`. */
export function globalMaxPooling1d(options: GlobalPooling1dOptions = {}): Layer {
  return layer(GLOBAL_MAX_POOLING_1D, options);
}
