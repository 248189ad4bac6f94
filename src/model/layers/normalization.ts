import { ModelError } from "../../compiler/errors.ts";
import { elements, formatShape, type GraphBuilder, type Value } from "../../compiler/graph.ts";
import { type Filled, flag, type OptionsOf, optional, real, some } from "../../options/kinds.ts";
import { initializer } from "./initializer.ts";
import { defineLayer, type Layer, type LayerOptions, layer } from "./layer.ts";

const SCALES = {
  /** Added to the variance. Default 0.001. */
  epsilon: optional(real(0, undefined, true), 0.001),
  /** Whether it learns to shift: beta. Default true. */
  center: optional(flag, true),
  /** Whether it learns to scale: gamma. Default true. */
  scale: optional(flag, true),
  /** Default "zeros". */
  betaInitializer: optional(initializer, "zeros"),
  /** Default "ones". */
  gammaInitializer: optional(initializer, "ones"),
};

function normalize(
  graph: GraphBuilder,
  name: string,
  input: Value,
  sizes: { readonly positions: number; readonly channels: number; readonly groups: number },
  shape: readonly number[],
  { epsilon, center, scale, betaInitializer, gammaInitializer }: Filled<typeof SCALES>,
): Value {
  const parameters = [
    ...(scale ? [graph.parameter(`${name}/gamma`, shape, gammaInitializer)] : []),
    ...(center ? [graph.parameter(`${name}/beta`, shape, betaInitializer)] : []),
  ];
  const attributes = { ...sizes, epsilon, center, scale };
  return graph.op("groupNorm", name, [input], attributes, input.shape, parameters);
}

const axes = some<number | readonly number[]>(
  "a whole number other than 0, or a list of such",
  (value) =>
    (Array.isArray(value) ? value : [value]).every((axis) => Number.isInteger(axis) && axis !== 0) &&
    !(Array.isArray(value) && value.length === 0),
  -1,
);

const layerOptions = {
  /** What is normalized together: the last axis, or a list of the last ones, [1, 2, 3] for whole images. Default -1. */
  axis: optional(axes, -1),
  ...SCALES,
};

export interface LayerNormalizationOptions extends LayerOptions, OptionsOf<typeof layerOptions> {}

export const LAYER_NORMALIZATION = defineLayer({
  type: "layerNormalization",
  options: layerOptions,
  lower(graph, name, [input], { axis, ...scales }) {
    const rank = input.shape.length;
    const wanted = [axis].flat().map((one) => (one < 0 ? rank + one : one - 1));
    const first = Math.min(...wanted);
    if (
      first < 0 ||
      new Set(wanted).size !== wanted.length ||
      wanted.length !== rank - first ||
      Math.max(...wanted) >= rank
    )
      throw new ModelError(
        `axis is ${JSON.stringify(axis)}, expected the last axes of an input of shape ${formatShape(input.shape)}, such as -1 or [${Array.from({ length: rank }, (_, i) => i + 1).join(", ")}]`,
        name,
      );
    const shape = input.shape.slice(first);
    return normalize(
      graph,
      name,
      input,
      { positions: 1, channels: elements(shape), groups: 1 },
      shape,
      scales,
    );
  },
});

/**
 * Layer normalization (Ba et al. 2016), as Keras has it: the numbers of each sample along the last axis, or the last axes, are brought to
 * mean 0 and variance 1, in training and after it alike. Parameters: gamma and beta, of the shape of those axes.
 */
export function layerNormalization(options: LayerNormalizationOptions = {}): Layer {
  return layer(LAYER_NORMALIZATION, options);
}

const groupOptions = {
  /** Groups of channels, which they have to divide; -1: each channel is one. Default 32. */
  groups: optional(
    some<number>(
      "a whole number >= 1, or -1",
      (value) => value === -1 || (Number.isSafeInteger(value) && (value as number) >= 1),
      8,
    ),
    32,
  ),
  ...SCALES,
};

export interface GroupNormalizationOptions extends LayerOptions, OptionsOf<typeof groupOptions> {}

export const GROUP_NORMALIZATION = defineLayer({
  type: "groupNormalization",
  options: groupOptions,
  lower(graph, name, [input], { groups, ...scales }) {
    const channels = input.shape.at(-1)!;
    const count = groups === -1 ? channels : groups;
    if (channels % count !== 0)
      throw new ModelError(
        `groups is ${count}, expected a number that divides the ${channels} channels of an input of shape ${formatShape(input.shape)}`,
        name,
      );
    const positions = elements(input.shape) / channels;
    return normalize(graph, name, input, { positions, channels, groups: count }, [channels], scales);
  },
});

/**
 * Group normalization (Wu and He 2018), as Keras has it: in each sample the channels of a group are brought to mean 0 and variance 1
 * together, whatever the batch. Parameters: gamma and beta `[channels]`.
 */
export function groupNormalization(options: GroupNormalizationOptions = {}): Layer {
  return layer(GROUP_NORMALIZATION, options);
}
