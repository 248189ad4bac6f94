import { needed, type OptionsOf, whole } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer, lowerOutput, WEIGHTS, weights } from "./layer.ts";

const options = {
  /** Outputs. */
  units: needed(whole(), 10),
  ...WEIGHTS,
};

export interface DenseOptions extends LayerOptions, OptionsOf<typeof options> {}

export const DENSE = defineLayer({
  type: "dense",
  options,
  lower(graph, name, [input], config) {
    const { shape } = input;
    const parameters = weights(graph, name, config, [shape.at(-1)!, config.units], config.units);
    const attributes = { units: config.units, relu: false };
    const output = graph.op("dense", name, [input], attributes, shape.with(-1, config.units), parameters);
    return lowerOutput(graph, name, output, config);
  },
});

/**
 * Fully connected layer: `[inputs]` to `[units]`; of inputs of more axes, along the last one, `[..., inputs]` to `[..., units]`.
 * Parameters: kernel `[inputs, units]`, bias `[units]`.
 */
export function dense(options: DenseOptions): Layer {
  return layer(DENSE, options);
}
