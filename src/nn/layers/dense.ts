import { ModelError, requireInteger } from "../errors.ts";
import type { Initializer } from "../initializers.ts";
import {
  type Activation,
  formatShape,
  type Layer,
  type LayerOptions,
  lowerActivation,
  requireInitializer,
} from "./layer.ts";

export interface DenseOptions extends LayerOptions {
  /** Outputs. */
  units: number;
  /** Default "linear". */
  activation?: Activation;
  /** Default true. */
  useBias?: boolean;
  /** Default "glorotUniform". */
  kernelInitializer?: Initializer;
  /** Default "zeros". */
  biasInitializer?: Initializer;
}

/** Fully connected layer on flat input: `[inputs]` to `[units]`. Parameters: kernel `[inputs, units]`, bias `[units]`. */
export function dense(options: DenseOptions): Layer {
  const config = {
    units: options.units,
    activation: options.activation ?? "linear",
    useBias: options.useBias ?? true,
    kernelInitializer: options.kernelInitializer ?? "glorotUniform",
    biasInitializer: options.biasInitializer ?? "zeros",
  } as const;
  return {
    type: "dense",
    name: options.name,
    inputShape: options.inputShape,
    config,
    lower(graph, name, input) {
      requireInteger(name, "units", config.units);
      requireInitializer(name, "kernelInitializer", config.kernelInitializer);
      requireInitializer(name, "biasInitializer", config.biasInitializer);
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
  };
}
