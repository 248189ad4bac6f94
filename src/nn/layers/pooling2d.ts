import { ModelError } from "../errors.ts";
import { type Padding, type Pair, resolveWindow } from "../window.ts";
import { formatShape, type Layer, type LayerOptions } from "./layer.ts";

export interface Pooling2dOptions extends LayerOptions {
  /** Default 2. */
  poolSize?: Pair;
  /** Default: the pool size. */
  strides?: Pair;
  /** Default "valid". */
  padding?: Padding;
}

function pooling2d(type: string, mode: "max" | "average", options: Pooling2dOptions): Layer {
  const poolSize = options.poolSize ?? 2;
  const config = {
    poolSize,
    strides: options.strides ?? poolSize,
    padding: options.padding ?? "valid",
  } as const;
  return {
    type,
    name: options.name,
    inputShape: options.inputShape,
    config,
    lower(graph, name, input) {
      const { attributes, outputSize } = resolveWindow(name, input.shape, {
        sizeOption: "poolSize",
        size: config.poolSize,
        strides: config.strides,
        dilation: 1,
        padding: config.padding,
      });
      return graph.op("pool2d", name, [input], { ...attributes, mode }, [...outputSize, input.shape[2]!]);
    },
  };
}

/** Maximum of each window. `[height, width, channels]` to `[outHeight, outWidth, channels]`. */
export function maxPooling2d(options: Pooling2dOptions = {}): Layer {
  return pooling2d("maxPooling2d", "max", options);
}

/** Mean of each window; at a padded border, of the cells that exist. */
export function averagePooling2d(options: Pooling2dOptions = {}): Layer {
  return pooling2d("averagePooling2d", "average", options);
}

/** Mean over the whole image: `[height, width, channels]` to `[channels]`. */
export function globalAveragePooling2d(options: LayerOptions = {}): Layer {
  return {
    type: "globalAveragePooling2d",
    name: options.name,
    inputShape: options.inputShape,
    config: {},
    lower(graph, name, input) {
      if (input.shape.length !== 3)
        throw new ModelError(
          `got an input of shape ${formatShape(input.shape)}, expected an image (height, width, channels)`,
          name,
        );
      return graph.op("globalAveragePool2d", name, [input], {}, [input.shape[2]!]);
    },
  };
}
