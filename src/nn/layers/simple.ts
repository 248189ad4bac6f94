import { ModelError } from "../errors.ts";
import { elements } from "../graph.ts";
import { shown } from "../shown.ts";
import { type Activation, type Layer, type LayerOptions, lowerActivation } from "./layer.ts";

/** Any shape to one axis, in NHWC order. */
export function flatten(options: LayerOptions = {}): Layer {
  return {
    type: "flatten",
    name: options.name,
    inputShape: options.inputShape,
    config: {},
    lower: (graph, name, input) => graph.op("reshape", name, [input], {}, [elements(input.shape)]),
  };
}

export interface DropoutOptions extends LayerOptions {
  /** Share of the inputs set to 0 in training, 0 <= rate < 1; the others are scaled by 1 / (1 - rate). */
  rate: number;
}

/** Inverted dropout (Srivastava et al. 2014), drawn from the model's seed; does nothing outside training. */
export function dropout(options: DropoutOptions): Layer {
  const { rate } = options;
  return {
    type: "dropout",
    name: options.name,
    inputShape: options.inputShape,
    config: { rate },
    lower(graph, name, input) {
      if (!(typeof rate === "number" && rate >= 0 && rate < 1))
        throw new ModelError(
          `rate is ${shown(rate)}, expected a number from 0 up to, not including, 1`,
          name,
        );
      return graph.op("dropout", name, [input], { rate, stream: graph.stream() }, input.shape);
    },
  };
}

export interface ActivationOptions extends LayerOptions {
  activation: Activation;
}

/** An activation on its own. */
export function activation(options: ActivationOptions): Layer {
  return {
    type: "activation",
    name: options.name,
    inputShape: options.inputShape,
    config: { activation: options.activation },
    lower: (graph, name, input) => lowerActivation(graph, name, input, options.activation),
  };
}

/** leakyRelu with a slope of one's own: x for x > 0, alpha x below. */
export function leakyRelu(options: LayerOptions & { alpha?: number } = {}): Layer {
  return parametric("leakyRelu", options);
}

/** elu with a scale of one's own: x for x > 0, alpha (exp(x) - 1) below (Clevert et al. 2016). */
export function elu(options: LayerOptions & { alpha?: number } = {}): Layer {
  return parametric("elu", options);
}

function parametric(type: "leakyRelu" | "elu", options: LayerOptions & { alpha?: number }): Layer {
  const alpha = options.alpha ?? (type === "elu" ? 1 : 0.3);
  return {
    type,
    name: options.name,
    inputShape: options.inputShape,
    config: { alpha },
    lower: (graph, name, input) => lowerActivation(graph, name, input, type, alpha),
  };
}
