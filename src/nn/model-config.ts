import { CONV2D } from "./layers/conv2d.ts";
import { DENSE } from "./layers/dense.ts";
import type { Layer, LayerDefinition } from "./layers/layer.ts";
import { AVERAGE_POOLING_2D, GLOBAL_AVERAGE_POOLING_2D, MAX_POOLING_2D } from "./layers/pooling2d.ts";
import { ACTIVATION, DROPOUT, ELU, FLATTEN, LEAKY_RELU } from "./layers/simple.ts";

/** Every layer type, by name. */
export const LAYERS: Readonly<Record<string, LayerDefinition>> = Object.fromEntries(
  [
    CONV2D,
    DENSE,
    MAX_POOLING_2D,
    AVERAGE_POOLING_2D,
    GLOBAL_AVERAGE_POOLING_2D,
    FLATTEN,
    DROPOUT,
    ACTIVATION,
    LEAKY_RELU,
    ELU,
  ].map((definition) => [definition.type, definition as unknown as LayerDefinition]),
);

/** A model as plain data: what `model.safetensors` holds and `--model FILE.json` reads. */
export interface ModelConfig {
  readonly name?: string;
  readonly layers: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[];
}

/** Layers as plain data, names and defaults filled in. */
export function layersToConfig(layers: readonly Layer[], names: readonly string[]): ModelConfig["layers"] {
  return layers.map((layer, i) => ({
    type: layer.type,
    name: names[i]!,
    ...(layer.inputShape && { inputShape: [...layer.inputShape] }),
    ...layer.config,
  }));
}
