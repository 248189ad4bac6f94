import { buildChain } from "../model/build.ts";
import type { Layer } from "../model/layers/layer.ts";
import { layersToConfig } from "../model/model-config.ts";
import { checkOptions } from "../options/check.ts";
import type { Loaded } from "./compiled-options.ts";
import { Model } from "./model.ts";
import { checkLayers, SEQUENTIAL } from "./options.ts";

/** A chain of layers: Keras's Sequential. */
export class Sequential extends Model {
  /**
   * Builds the graph. Throws ModelError, naming the layer, where a shape or an option does not fit.
   * @param loaded for loadModel() alone: what the model's file holds
   */
  constructor(layers: readonly Layer[], options: { name?: string | undefined } = {}, loaded?: Loaded) {
    checkLayers(layers);
    checkOptions(SEQUENTIAL, options);
    const { graph, rows } = buildChain(layers);
    const { name = "sequential" } = options;
    const names = rows.map((row) => row.name);
    super({ config: { name, layers: layersToConfig(layers, names) }, graph, rows, loaded });
  }
}

/** A model from a chain of layers. The first layer names its inputShape. */
export function sequential(
  layers: readonly Layer[],
  options: { name?: string | undefined } = {},
): Sequential {
  return new Sequential(layers, options);
}
