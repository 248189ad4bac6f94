import { elements } from "../../compiler/graph.ts";
import { type Defaulted, needed, type OptionsOf, oneOf, optional, real } from "../../options/kinds.ts";
import { ACTIVATIONS, defineLayer, type Layer, type LayerOptions, layer, lowerActivation } from "./layer.ts";
import { F32_END } from "./numbers.ts";

export const FLATTEN = defineLayer({
  type: "flatten",
  options: {},
  lower: (graph, name, [input]) => graph.op("reshape", name, [input], {}, [elements(input.shape)]),
});

/** Any shape to one axis, in NHWC order. */
export function flatten(options: LayerOptions = {}): Layer {
  return layer(FLATTEN, options);
}

const dropoutOptions = {
  /** Share of the inputs set to 0 in training, 0 <= rate < 1; the others are scaled by 1 / (1 - rate). */
  rate: needed(real(0, 1)),
};

export interface DropoutOptions extends LayerOptions, OptionsOf<typeof dropoutOptions> {}

export const DROPOUT = defineLayer({
  type: "dropout",
  options: dropoutOptions,
  lower: (graph, name, [input], { rate }) =>
    graph.op("dropout", name, [input], { rate, stream: graph.stream() }, input.shape),
});

/** Inverted dropout (Srivastava et al. 2014), drawn from the model's seed; does nothing outside training. */
export function dropout(options: DropoutOptions): Layer {
  return layer(DROPOUT, options);
}

const activationOptions = { activation: needed(oneOf(ACTIVATIONS), "relu") };

export interface ActivationOptions extends LayerOptions, OptionsOf<typeof activationOptions> {}

export const ACTIVATION = defineLayer({
  type: "activation",
  options: activationOptions,
  lower: (graph, name, [input], { activation }) => lowerActivation(graph, name, input, activation),
});

/** An activation on its own. */
export function activation(options: ActivationOptions): Layer {
  return layer(ACTIVATION, options);
}

/** An activation with a number of its own, as a layer of its name. */
function scaled(type: "leakyRelu" | "elu", options: { readonly alpha: Defaulted<number> }) {
  return defineLayer({
    type,
    options,
    lower: (graph, name, [input], { alpha }) => lowerActivation(graph, name, input, type, alpha),
  });
}

const leakyReluOptions = {
  /** Slope for x < 0. Default 0.3. */
  alpha: optional(real(0, F32_END), 0.3),
};

export interface LeakyReluOptions extends LayerOptions, OptionsOf<typeof leakyReluOptions> {}

export const LEAKY_RELU = /* @__PURE__ */ scaled("leakyRelu", leakyReluOptions);

/** leakyRelu with a slope of one's own: x for x > 0, alpha x below. */
export function leakyRelu(options: LeakyReluOptions = {}): Layer {
  return layer(LEAKY_RELU, options);
}

const eluOptions = {
  /** Scale for x < 0. Default 1. */
  alpha: optional(real(0, F32_END), 1),
};

export interface EluOptions extends LayerOptions, OptionsOf<typeof eluOptions> {}

export const ELU = /* @__PURE__ */ scaled("elu", eluOptions);

/** elu with a scale of one's own: x for x > 0, alpha (exp(x) - 1) below (Clevert et al. 2016). */
export function elu(options: EluOptions = {}): Layer {
  return layer(ELU, options);
}
