import { type OptionsOf, optional } from "../../options/kinds.ts";
import { type Pair, resolveWindow } from "../window.ts";
import { defineLayer, type Layer, type LayerOptions, layer, padding, pair } from "./layer.ts";

const options = {
  /** Default 2. */
  poolSize: optional(pair, 2),
  /** Default: the pool size. */
  strides: optional(pair, ({ poolSize }) => poolSize as Pair),
  /** Default "valid". */
  padding,
};

export interface Pooling2dOptions extends LayerOptions, OptionsOf<typeof options> {}

function definePooling(type: string, mode: "max" | "average") {
  return defineLayer({
    type,
    options,
    lower(graph, name, [input], config) {
      const { attributes, outputSize } = resolveWindow(name, input.shape, {
        sizeOption: "poolSize",
        size: config.poolSize,
        strides: config.strides,
        dilation: 1,
        padding: config.padding,
      });
      return graph.op("pool2d", name, [input], { ...attributes, mode }, [...outputSize, input.shape[2]!]);
    },
  });
}

export const MAX_POOLING_2D = /* @__PURE__ */ definePooling("maxPooling2d", "max");
export const AVERAGE_POOLING_2D = /* @__PURE__ */ definePooling("averagePooling2d", "average");

/** Maximum of each window. `[height, width, channels]` to `[outHeight, outWidth, channels]`. */
export function maxPooling2d(options: Pooling2dOptions = {}): Layer {
  return layer(MAX_POOLING_2D, options);
}

/** Mean of each window; at a padded border, of the cells that exist. */
export function averagePooling2d(options: Pooling2dOptions = {}): Layer {
  return layer(AVERAGE_POOLING_2D, options);
}
