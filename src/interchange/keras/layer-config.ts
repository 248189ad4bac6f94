// A layer's options as Keras's config of it, and back: by the definition of the layer of here, and what differs.

import type { Initializer } from "../../compiler/initializers.ts";
import type { Constraint, Regularizer } from "../../compiler/weight-limits.ts";
import { LAYERS } from "../../model/layers/index.ts";
import { isObject } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import { camel, classOf, snake, typeOf } from "./names.ts";
import {
  type Read,
  readActivation,
  readConstraint,
  readInitializer,
  readRegularizer,
  type Version,
  writeActivation,
  writeConstraint,
  writeInitializer,
  writeRegularizer,
} from "./values.ts";

type Config = Readonly<Record<string, unknown>>;
export type Options = Readonly<Record<string, unknown>>;

/** What a class of Keras's has otherwise than the layer of here of its name. */
interface Difference {
  /** Keras's names of options, Keras 3's and Keras 2's. */
  readonly names?: Readonly<Record<string, readonly [three: string, two: string]>>;
  /** Keras's defaults, where they are others. */
  readonly defaults?: Options;
  /** Options of Keras's that say nothing here. */
  readonly ignored?: readonly string[];
  /** Written beside the options. */
  readonly also?: Config;
}

const RANGE = { defaults: { valueRange: [0, 255] } };
const KERNEL = ["kernel_initializer", "kernel_regularizer", "kernel_constraint"];

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  leakyRelu: { names: { alpha: ["negative_slope", "alpha"] } },
  randomContrast: RANGE,
  randomBrightness: RANGE,
  randomErasing: RANGE,
  depthwiseConv2d: { ignored: KERNEL },
  separableConv2d: { ignored: KERNEL },
  batchNormalization: { ignored: ["fused", "synchronized", "renorm_momentum"], also: { axis: -1 } },
  groupNormalization: { also: { axis: -1 } },
  softmax: { also: { axis: -1 } },
  normalization: { also: { axis: -1, invert: false } },
};

/** Options of Keras's that say nothing here, whatever they are. */
const IGNORED = new Set([
  ...["name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "seed", "optional"],
  ...["implementation", "autocast", "build_config", "input_dtype", "input_dim"],
]);

/** Layers of which an axis is to be the last. */
const LAST_AXIS = new Set(["batchNormalization", "groupNormalization", "softmax", "normalization"]);

/** What is wrong with a config is told to this: what the layer uses that there is none of, and what is nearest. */
export type Lacking = (uses: string, nearest: string) => void;

export interface Given {
  readonly className: string;
  readonly config: Config;
  readonly version: Version;
  /** Axes of the layer's input, the batch's included; undefined where that is not known. */
  readonly rank: number | undefined;
}

/** The options of the layer of here; tells all that it lacks. The class has one. */
export function readOptions({ className, config, version, rank }: Given, lacking: Lacking): Options {
  const type = typeOf(className)!;
  const { names = {}, defaults = {}, ignored = [] } = DIFFERENCES[type] ?? {};
  const table = LAYERS[type]!.options;
  const options: Record<string, unknown> = {};
  const known = new Set([...IGNORED, ...ignored]);
  for (const [key, kind] of Object.entries(table)) {
    const called = names[key] ?? [snake(key)];
    for (const name of called) known.add(name);
    const value = called.map((name) => config[name]).find((given) => given !== undefined && given !== null);
    if (value === undefined) {
      if (Object.hasOwn(defaults, key)) options[key] = defaults[key];
      else if ("needed" in kind) lacking(`${className} without ${called[0]}`, kind.expected);
      continue;
    }
    const read = readValue(type, key, value, version);
    if ("problem" in read) lacking(`${className} with ${read.problem}`, read.nearest);
    else if (kind.accepts(read.value)) options[key] = read.value;
    else lacking(`${className}, whose ${called[0]} is ${show(value)}`, kind.expected);
  }
  const others = Object.entries(config).filter(([key]) => !known.has(key));
  for (const [key, value] of others)
    if (!isNeutral(type, key, value, rank)) tell(className, key, value, lacking);
  return options;
}

function tell(className: string, key: string, value: unknown, lacking: Lacking): void {
  const nearest =
    key === "data_format" ? "channels_last" : key === "axis" ? "the last axis, -1" : `without ${key}`;
  lacking(`${className}, whose ${key.slice(0, 60)} is ${show(value)}`, nearest);
}

/** Whether an option that there is none of here leaves the layer as it is without. */
function isNeutral(type: string, key: string, value: unknown, rank: number | undefined): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (Array.isArray(value) && value.length === 0) return true;
  if (key === "data_format") return value === "channels_last";
  if (key === "groups") return value === 1;
  if (key === "padding") return value === "valid";
  if (key === "axis" && LAST_AXIS.has(type)) {
    const axis = Array.isArray(value) && value.length === 1 ? value[0] : value;
    return axis === -1 || (typeof axis === "number" && (rank === undefined || axis === rank - 1));
  }
  return false;
}

/** A value of an option, in Keras's way: the names of its kinds are snake_case, and it has lists of one where we have one. */
function readValue(type: string, key: string, value: unknown, version: Version): Read<unknown> {
  if (/[iI]nitializer$/.test(key)) return readInitializer(value);
  if (/[rR]egularizer$/.test(key)) return readRegularizer(value);
  if (/[cC]onstraint$/.test(key)) return readConstraint(value);
  if (key === "activation") return readActivation(value, version);
  if (typeof value === "string") return { value: camel(value) };
  if (Array.isArray(value) && value.length === 1 && (type.endsWith("1d") || key === "axis"))
    return { value: value[0] };
  // Of numbers that NumPy wrote: {"class_name": "__numpy__", "config": {"value": [...]}}.
  if (isObject(value) && isObject(value.config) && "value" in value.config)
    return { value: flattened(value.config.value) };
  if (key === "mean" || key === "variance") return { value: flattened(value) };
  return { value };
}

/** [[[1, 2, 3]]] as [1, 2, 3]. */
function flattened(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[]).flat(8) : value;
}

/** Options that are written as a list of one for each axis of an image. */
const PAIRS = new Set(["kernelSize", "strides", "poolSize", "dilationRate", "size", "outputPadding"]);
const CHANNELS_LAST = /[12]d(Transpose)?$|^flatten$/;

/** Keras's config of a layer; tells what Keras lacks. `trainable`, where it is not. */
export function writeOptions(
  type: string,
  { name, trainable = true, inputShape: _, ...options }: Options,
  version: Version,
  lacking: Lacking,
): Record<string, unknown> {
  const { names = {}, also = {} } = DIFFERENCES[type] ?? {};
  // SpatialDropout2D takes no other option.
  const flags = type === "spatialDropout2d" ? {} : { trainable };
  const config: Record<string, unknown> = { name, ...flags, dtype: "float32", ...also };
  if (CHANNELS_LAST.test(type)) config.data_format = "channels_last";
  for (const key of Object.keys(LAYERS[type]!.options)) {
    config[names[key]?.[3 - version] ?? snake(key)] = writeValue(type, key, options[key], version, lacking);
  }
  return config;
}

function writeValue(type: string, key: string, value: unknown, version: Version, lacking: Lacking): unknown {
  if (value === undefined) return null;
  if (/[iI]nitializer$/.test(key)) return writeInitializer(value as Initializer, version);
  if (/[rR]egularizer$/.test(key)) return writeRegularizer(value as Regularizer, version);
  if (/[cC]onstraint$/.test(key)) return writeConstraint(value as Constraint, version);
  if (key === "activation") {
    const name = writeActivation(value as string, version);
    if (name === undefined)
      lacking(
        `${classOf(type)} with the activation ${value}`,
        value === "geluApproximate" ? "gelu" : "sigmoid",
      );
    return name;
  }
  if (typeof value === "string") return snake(value);
  if (PAIRS.has(key) && typeof value === "number") return type.endsWith("1d") ? [value] : [value, value];
  if (key === "padding" || key === "cropping") return sides(value as number | readonly Side[]);
  return value;
}

type Side = number | readonly [number, number];

/** [[top, bottom], [left, right]]. */
function sides(value: number | readonly Side[]): unknown {
  const both = typeof value === "number" ? [value, value] : value;
  return both.map((side) => (typeof side === "number" ? [side, side] : side));
}
