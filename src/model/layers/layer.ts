import { ModelError } from "../../compiler/errors.ts";
import type {
  ActivationKind,
  GraphBuilder,
  Parameter,
  Shape,
  UnaryActivation,
  Value,
} from "../../compiler/graph.ts";
import type { Initializer } from "../../compiler/initializers.ts";
import type { Constraint, Regularizer } from "../../compiler/weight-limits.ts";
import { checkOptions } from "../../options/check.ts";
import {
  type Filled,
  flag,
  type OptionsOf,
  oneOf,
  optional,
  some,
  type Table,
  withDefaults,
} from "../../options/kinds.ts";
import { applyLayer } from "../symbolic.ts";
import type { Padding, Pair } from "../window.ts";
import { initializer } from "./initializer.ts";
import { LIMITS } from "./regularizer.ts";
import type { Inputs, Layer } from "./types.ts";

export type { Inputs, Layer } from "./types.ts";

/** Options that every layer takes. */
export const COMMON = {
  /** Default: the layer's type, numbered from the second on. */
  name: some<string>(
    "a name without '/'",
    (value) => typeof value === "string" && value !== "" && !value.includes("/"),
    "first",
  ),
  /** One sample's shape, on the first layer: `[height, width, channels]` for images. */
  inputShape: some<Shape>(
    "whole numbers >= 1, [height, width, channels] for images",
    (value) => Array.isArray(value) && value.length > 0 && value.every(isSize),
    [28, 28, 1],
  ),
  /** Whether training changes the layer's weights. Default true. */
  trainable: flag,
};

export interface LayerOptions extends OptionsOf<typeof COMMON> {}

/**
 * A type of layer, described once: its table gives the types of the options, their defaults, and the checks of model
 * files and of calls.
 */
export interface LayerDefinition<T extends Table = Table> {
  readonly type: string;
  readonly options: T;
  /** Whether it takes several inputs. Default false: one. */
  readonly merges?: boolean;
  /** Adds the ops to the graph. Throws ModelError where the inputs do not fit the options, which are all in range. */
  lower(graph: GraphBuilder, name: string, inputs: Inputs, options: Filled<T>): Value | readonly Value[];
}

/** The definition, with the types of its options inferred. */
export function defineLayer<T extends Table>(definition: LayerDefinition<T>): LayerDefinition<T> {
  return definition;
}

/** All options of a layer type: those of its own, and those that all have. */
export function layerTable({ options }: LayerDefinition): Table {
  return { ...options, ...COMMON };
}

/** The layer of options that are checked here. Throws ModelError, naming the option, what was got and what to write. */
export function layer<T extends Table>(
  definition: LayerDefinition<T>,
  options: LayerOptions & OptionsOf<T>,
): Layer {
  const table = layerTable(definition as unknown as LayerDefinition);
  const error = (problem: string, who: string) => {
    const name = (options as LayerOptions | null)?.name;
    return typeof name === "string" ? new ModelError(problem, name) : new ModelError(`${who}: ${problem}`);
  };
  checkOptions({ call: `${definition.type}(*)`, table, error }, options);
  return makeLayer(definition as unknown as LayerDefinition, options);
}

/** The layer of options that are known to be right. */
export function makeLayer(definition: LayerDefinition, options: Readonly<Record<string, unknown>>): Layer {
  const config = withDefaults(definition.options, options);
  const { name, inputShape, trainable = true } = options as LayerOptions;
  const { type, merges = false } = definition;
  return {
    type,
    name,
    inputShape,
    trainable,
    config,
    lower(graph, given, inputs) {
      if (!merges && inputs.length !== 1)
        throw new ModelError(
          `got ${inputs.length} inputs, expected one; add(), concatenate() and multiply() take several`,
          given,
        );
      const outputs = definition.lower(graph, given, inputs, config);
      return "length" in outputs ? outputs : [outputs];
    },
    apply(inputs) {
      return applyLayer(this, inputs);
    },
  };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** One number for both axes, or `[height, width]`. */
export const pair = some<Pair>(
  "a whole number >= 1, or two: [height, width]",
  (value) => isSize(value) || (Array.isArray(value) && value.length === 2 && value.every(isSize)),
  3,
);

/** Two whole numbers from 0 on, or one for both. */
export const sizes = some<Pair>(
  "a whole number >= 0, or two: [height, width]",
  (value) =>
    [value].flat().every((size) => Number.isSafeInteger(size) && (size as number) >= 0) &&
    (!Array.isArray(value) || value.length === 2),
  1,
);

export const padding = optional(oneOf<Padding>(["valid", "same"]), "valid");

export type Activation = "linear" | ActivationKind | "softmax" | UnaryActivation;
export const ACTIVATIONS = /* @__PURE__ */ (
  "linear relu leakyRelu elu sigmoid tanh softmax " +
  "relu6 silu swish gelu geluApproximate softplus softsign selu hardSigmoid hardSilu hardSwish exponential mish"
).split(" ") as readonly Activation[];
/** Keras's defaults for an activation by name: the slope of leakyRelu and the scale of elu for x < 0. The layer leakyRelu() has 0.3. */
export const ACTIVATION_ALPHA: Readonly<Record<ActivationKind, number>> = {
  relu: 0,
  leakyRelu: 0.2,
  elu: 1,
  sigmoid: 0,
  tanh: 0,
};

/** Options of the layers that have weights. */
export const WEIGHTS = {
  /** Default "linear". */
  activation: optional(oneOf(ACTIVATIONS), "linear"),
  /** Default true. */
  useBias: optional(flag, true),
  /** Default "glorotUniform". */
  kernelInitializer: optional(initializer, "glorotUniform"),
  /** Default "zeros". */
  biasInitializer: optional(initializer, "zeros"),
  ...LIMITS,
};

/** Adds the op of an activation; "linear" adds none. Softmax is over the last axis. */
export function lowerActivation(
  graph: GraphBuilder,
  name: string,
  input: Value,
  kind: Activation,
  alpha = ACTIVATION_ALPHA[kind as ActivationKind],
): Value {
  if (kind === "linear") return input;
  if (kind === "softmax") return graph.op(kind, name, [input], {}, input.shape);
  return alpha === undefined
    ? graph.op("unary", name, [input], { kind: kind as UnaryActivation }, input.shape)
    : graph.op("activation", name, [input], { kind: kind as ActivationKind, alpha }, input.shape);
}

/** What a layer's options say of its weights of a kind: kernelInitializer, kernelRegularizer and kernelConstraint. */
type WeightOptions<K extends string> = Readonly<
  Record<`${K}Initializer`, Initializer> &
    Partial<
      Record<`${K}Regularizer`, Regularizer | undefined> & Record<`${K}Constraint`, Constraint | undefined>
    >
>;

/** Adds a layer's kernel of this shape, and where it has one its bias, of a number for each output. */
export function weights<K extends string = "kernel">(
  graph: GraphBuilder,
  name: string,
  config: WeightOptions<K | "bias"> & { readonly useBias: boolean },
  shape: Shape,
  outputs: number,
  kind = "kernel" as K,
  called: string = kind,
): Parameter[] {
  const options: WeightOptions<string> = config;
  const one = (called: string, kind: string, shape: Shape) =>
    graph.parameter(`${name}/${called}`, shape, options[`${kind}Initializer`]!, "weight", {
      regularizer: options[`${kind}Regularizer`],
      constraint: options[`${kind}Constraint`],
    });
  const kernel = one(called, kind, shape);
  return config.useBias ? [kernel, one("bias", "bias", [outputs])] : [kernel];
}

/** Adds what comes after a layer's product: its activation, and what large outputs cost. */
export function lowerOutput(
  graph: GraphBuilder,
  name: string,
  output: Value,
  config: { readonly activation: Activation; readonly activityRegularizer?: Regularizer | undefined },
): Value {
  const value = lowerActivation(graph, name, output, config.activation);
  const { activityRegularizer } = config;
  if (!activityRegularizer) return value;
  const { l1 = 0, l2 = 0 } = activityRegularizer;
  return graph.op("activityPenalty", name, [value], { l1, l2 }, value.shape);
}
