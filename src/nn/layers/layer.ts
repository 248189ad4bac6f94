import { ModelError } from "../errors.ts";
import type { ActivationKind, GraphBuilder, Shape, Value } from "../graph.ts";
import { INITIALIZERS, type Initializer } from "../initializers.ts";
import { shown } from "../shown.ts";

/** One layer of a model: plain options, and how they lower to ops. */
export interface Layer {
  /** What a model file and the layer table call it: conv2d, dense ... */
  readonly type: string;
  /** Given by the user, or else by the model: the type, numbered from the second on. */
  readonly name: string | undefined;
  /** One sample's input shape: needed on a model's first layer. */
  readonly inputShape: Shape | undefined;
  /** The layer's options as plain data, defaults filled in: what a model file holds. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Adds the layer's ops to the graph. Throws ModelError where the input does not fit. */
  lower(graph: GraphBuilder, name: string, input: Value): Value;
}

/** Options that every layer takes. */
export interface LayerOptions {
  name?: string;
  /** One sample's shape, on the first layer: `[height, width, channels]` for images. */
  inputShape?: Shape;
}

export type Activation = "linear" | ActivationKind | "softmax";
export const ACTIVATIONS: readonly Activation[] = [
  "linear",
  "relu",
  "leakyRelu",
  "elu",
  "sigmoid",
  "tanh",
  "softmax",
];
/** Keras's defaults for an activation by name: the slope of leakyRelu and the scale of elu for x < 0. The layer leakyRelu() has 0.3. */
export const ACTIVATION_ALPHA: Readonly<Record<ActivationKind, number>> = {
  relu: 0,
  leakyRelu: 0.2,
  elu: 1,
  sigmoid: 0,
  tanh: 0,
};

/** Throws unless `value` is one of `allowed`. */
export function requireOneOf<T extends string>(
  layer: string,
  option: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  if (!allowed.includes(value as T))
    throw new ModelError(`${option} is ${shown(value)}, expected one of ${allowed.join(", ")}`, layer);
}

export function requireInitializer(
  layer: string,
  option: string,
  value: unknown,
): asserts value is Initializer {
  requireOneOf(layer, option, value, INITIALIZERS);
}

/** Adds the op of an activation; "linear" adds none. Softmax is over the last axis of a flat value. */
export function lowerActivation(
  graph: GraphBuilder,
  name: string,
  input: Value,
  activation: Activation,
  alpha?: number,
): Value {
  requireOneOf(name, "activation", activation, ACTIVATIONS);
  if (activation === "linear") return input;
  if (activation === "softmax") {
    if (input.shape.length !== 1)
      throw new ModelError(
        `softmax got values of shape ${formatShape(input.shape)}, expected flat ones; put flatten() or globalAveragePooling2d() before it`,
        name,
      );
    return graph.op("softmax", name, [input], {}, input.shape);
  }
  const scale = alpha ?? ACTIVATION_ALPHA[activation];
  if (!Number.isFinite(scale) || scale < 0)
    throw new ModelError(`alpha is ${scale}, expected a number >= 0`, name);
  return graph.op("activation", name, [input], { kind: activation, alpha: scale }, input.shape);
}

/** `[28, 28, 1]` as (28, 28, 1). */
export function formatShape(shape: Shape): string {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}
