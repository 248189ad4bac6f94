import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  elu,
  flatten,
  globalAveragePooling2d,
  type Layer,
  leakyRelu,
  maxPooling2d,
} from "./layers/index.ts";

/** Every layer type's function. */
export const CREATE = {
  conv2d,
  dense,
  maxPooling2d,
  averagePooling2d,
  globalAveragePooling2d,
  flatten,
  dropout,
  activation,
  leakyRelu,
  elu,
} as const;
export type LayerType = keyof typeof CREATE;

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

/** Layers from what layersToConfig() gave: not checked. */
export function layersFromKnownConfig({ layers }: ModelConfig): Layer[] {
  return layers.map(layerOf);
}

/** A layer from its type and options: not checked. */
export function layerOf({ type, ...options }: ModelConfig["layers"][number]): Layer {
  return (CREATE[type as LayerType] as (options: Record<string, unknown>) => Layer)(options);
}
