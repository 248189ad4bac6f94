import { ModelError } from "../../compiler/errors.ts";
import { formatShape } from "../../compiler/graph.ts";
import { needed, type OptionsOf, whole } from "../../options/kinds.ts";
import { defineLayer, type Layer, type LayerOptions, layer, lowerActivation, WEIGHTS } from "./layer.ts";

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
    if (input.shape.length !== 1)
      throw new ModelError(
        `got an input of shape ${formatShape(input.shape)}, expected a flat one; put flatten() before it`,
        name,
      );
    const parameters = [
      graph.parameter(`${name}/kernel`, [input.shape[0]!, config.units], config.kernelInitializer),
    ];
    if (config.useBias)
      parameters.push(graph.parameter(`${name}/bias`, [config.units], config.biasInitializer));
    const attributes = { units: config.units, relu: false };
    const output = graph.op("dense", name, [input], attributes, [config.units], parameters);
    return lowerActivation(graph, name, output, config.activation);
  },
});

/** Fully connected layer on flat input: `[inputs]` to `[units]`. Parameters: kernel `[inputs, units]`, bias `[units]`. */
export function dense(options: DenseOptions): Layer {
  return layer(DENSE, options);
}
