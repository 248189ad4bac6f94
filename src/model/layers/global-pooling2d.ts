import { ModelError } from "../../compiler/errors.ts";
import { formatShape, type GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import { flag, type OptionsOf, optional } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";

const globalOptions = {
  /** Whether the axes that are pooled stay, with size 1: [1, 1, channels]. Default false. */
  keepdims: optional(flag, false),
};

export interface GlobalPooling2dOptions extends LayerOptions, OptionsOf<typeof globalOptions> {}

/** Adds the ops of the mean or the maximum over a whole image, `[channels]`, or with `keepdims` of that shape. */
export function lowerGlobal(
  graph: GraphBuilder,
  name: string,
  image: Value,
  mode: "max" | "average",
  keepdims: Shape | false,
): Value {
  const { shape } = image;
  if (shape.length !== 3)
    throw new ModelError(
      `got an input of shape ${formatShape(shape)}, expected an image (height, width, channels)`,
      name,
    );
  const [H, W, C] = shape as [number, number, number];
  if (mode === "average") {
    const mean = graph.op("globalAveragePool2d", name, [image], {}, [C]);
    return keepdims ? graph.op("reshape", name, [mean], {}, keepdims) : mean;
  }
  const window = { kernel: [H, W], strides: [1, 1], dilation: [1, 1] } as const;
  const pad = { top: 0, bottom: 0, left: 0, right: 0 };
  const most = graph.op("pool2d", name, [image], { ...window, pad, mode }, [1, 1, C]);
  return graph.op("reshape", name, [most], {}, keepdims || [C]);
}

function defineGlobal(type: string, mode: "max" | "average") {
  return defineLayer({
    type,
    options: globalOptions,
    lower: (graph, name, [input], { keepdims }) =>
      lowerGlobal(graph, name, input, mode, keepdims && [1, 1, input.shape[2]!]),
  });
}

export const GLOBAL_AVERAGE_POOLING_2D = /* @__PURE__ */ defineGlobal("globalAveragePooling2d", "average");
export const GLOBAL_MAX_POOLING_2D = /* @__PURE__ */ defineGlobal("globalMaxPooling2d", "max");

/** Mean over the whole image: `[height, width, channels]` to `[channels]`. */
export function globalAveragePooling2d(options: GlobalPooling2dOptions = {}): Layer {
  return layer(GLOBAL_AVERAGE_POOLING_2D, options);
}

/** Maximum over the whole image: `[height, width, channels]` to `[channels]`. */
export function globalMaxPooling2d(options: GlobalPooling2dOptions = {}): Layer {
  return layer(GLOBAL_MAX_POOLING_2D, options);
}
