import type { Layer } from "./layers/types.ts";

/**
 * A model as plain data: what `model.safetensors` holds and `--model FILE.json` reads.
 *
 * Without `inputs`, a chain: each layer takes what the one before it gives. With `inputs` (version 2 of the format), a
 * graph: each layer but those of type "input" names in `from` what it takes. A name stands for what that layer gives;
 * `name:2` for what it gives when it is called a second time, which `{ "type": ..., "again": name, "from": [...] }` says.
 */
export interface ModelConfig {
  readonly name?: string;
  readonly layers: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[];
  /** Names of the input layers, in the order of the model's inputs. */
  readonly inputs?: readonly string[];
  /** What the model gives. */
  readonly outputs?: readonly string[];
}

/** Layers as plain data, names and defaults filled in. */
export function layersToConfig(layers: readonly Layer[], names: readonly string[]): ModelConfig["layers"] {
  return layers.map((layer, i) => layerToConfig(layer, names[i]!));
}

/** A layer as plain data. */
export function layerToConfig(layer: Layer, name: string): ModelConfig["layers"][number] {
  const { type, inputShape, trainable, config } = layer;
  return {
    type,
    name,
    ...(inputShape && { inputShape: [...inputShape] }),
    ...(trainable === false && { trainable }),
    ...config,
  };
}
