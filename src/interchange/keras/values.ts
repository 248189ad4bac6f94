// What options of layers hold beside numbers and names: initializers, regularizers, constraints and activations, in and out.

import { FURTHER_INITIALIZERS, INITIALIZERS, type Initializer } from "../../compiler/initializers.ts";
import type { Constraint, Regularizer } from "../../compiler/weight-limits.ts";
import { ACTIVATIONS } from "../../model/layers/layer.ts";
import { isObject } from "../../options/kinds.ts";
import { nearest } from "../../options/names.ts";
import { snake } from "./names.ts";

type Config = Readonly<Record<string, unknown>>;
/** How objects are written: with the module that Keras 3 names, or as Keras 2 and TensorFlow.js have them. */
export type Version = 2 | 3;

/** What a value of another framework is here; or that it is nothing of here, and what is nearest to it. */
export type Read<T> = { readonly value: T } | { readonly problem: string; readonly nearest: string };

/** By a name of a file's: "constructor", say, which every object has, is none of a record's own. */
export const ownValue = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** The name and the options of an object, which may be written as its name alone. */
function objectOf(value: unknown): { name: string; config: Config } | undefined {
  if (typeof value === "string") return { name: value, config: {} };
  if (!isObject(value) || typeof value.class_name !== "string") return undefined;
  // A function: {"class_name": "function", "config": "relu"}.
  if (typeof value.config === "string") return { name: value.config, config: {} };
  return { name: value.class_name, config: isObject(value.config) ? value.config : {} };
}

const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The one of `names` of that name, however it is written. */
function named<T extends string>(names: readonly T[], name: string): T | undefined {
  return names.find((candidate) => bare(candidate) === bare(name));
}

function shown(value: unknown): string {
  return objectOf(value)?.name.slice(0, 60) ?? JSON.stringify(value)?.slice(0, 60) ?? "nothing";
}

const number = (value: unknown, fallback: number) => (typeof value === "number" ? value : fallback);

/** Numbers that initializers can be told, by Keras's names. */
const TOLD: Readonly<Record<string, string>> = { minValue: "minval", maxValue: "maxval" };

/** Of one that there is none of, what comes near it: the weights of a file make no difference of it. */
export function readInitializer(value: unknown): Read<Initializer> {
  const found = objectOf(value);
  if (!found) return { problem: `the initializer ${shown(value)}`, nearest: "zeros" };
  const { name, config } = found;
  if (bare(name) === "constant") return { value: { type: "constant", value: number(config.value, 0) } };
  const known = named(INITIALIZERS, name.replace(/Initializer$/, ""));
  if (known === undefined) return { value: scaling(config) };
  const told: readonly string[] | undefined = (FURTHER_INITIALIZERS as Record<string, readonly string[]>)[
    known
  ];
  const numbers = (told ?? [])
    .map((key) => [key, config[TOLD[key] ?? snake(key)]] as const)
    .filter(([, given]) => typeof given === "number");
  return {
    value: (numbers.length > 0 ? { type: known, ...Object.fromEntries(numbers) } : known) as Initializer,
  };
}

/** Keras's VarianceScaling. */
function scaling({ scale, mode, distribution }: Config): Initializer {
  const kind = distribution === "uniform" ? "Uniform" : "Normal";
  if (mode !== "fan_in") return `glorot${kind}`;
  return number(scale, 1) > 1 ? `he${kind}` : `lecun${kind}`;
}

export function writeInitializer(value: Initializer, version: Version): unknown {
  const own = typeof value === "string" ? { type: value } : value;
  const { type, ...numbers } = own as { type: string } & Config;
  const config = Object.fromEntries(
    Object.entries(numbers).map(([key, number]) => [TOLD[key] ?? snake(key), number]),
  );
  return object("keras.initializers", type[0]!.toUpperCase() + type.slice(1), config, version);
}

export function readRegularizer(value: unknown): Read<Regularizer> {
  const found = objectOf(value);
  if (!found || !["l1", "l2", "l1l2"].includes(bare(found.name)))
    return { problem: `the regularizer ${shown(value)}`, nearest: "l1l2()" };
  const { name, config } = found;
  // By name alone, as Keras's defaults.
  const plain = Object.keys(config).length === 0;
  const factor = (key: "l1" | "l2") => number(config[key], plain && bare(name).includes(key) ? 0.01 : 0);
  return {
    value: { l1: factor("l1"), l2: bare(name) === "l1l2" && plain ? 0.01 : factor("l2") },
  };
}

export function writeRegularizer({ l1 = 0, l2 = 0 }: Regularizer, version: Version): unknown {
  return object("keras.regularizers", "L1L2", { l1, l2 }, version);
}

const CONSTRAINTS = ["maxNorm", "minMaxNorm", "nonNeg", "unitNorm"] as const;

export function readConstraint(value: unknown): Read<Constraint> {
  const found = objectOf(value);
  const type = found && named(CONSTRAINTS, found.name);
  if (!found || type === undefined)
    return { problem: `the constraint ${shown(value)}`, nearest: `${CONSTRAINTS.join("(), ")}()` };
  const { config } = found;
  const axis = Array.isArray(config.axis) && config.axis.length === 1 ? config.axis[0] : (config.axis ?? 0);
  const options = {
    maxNorm: () => ({ maxValue: number(config.max_value, 2), axis }),
    minMaxNorm: () => ({
      minValue: number(config.min_value, 0),
      maxValue: number(config.max_value, 1),
      rate: number(config.rate, 1),
      axis,
    }),
    nonNeg: () => ({}),
    unitNorm: () => ({ axis }),
  };
  return { value: { type, ...options[type]() } as Constraint };
}

export function writeConstraint({ type, ...options }: Constraint, version: Version): unknown {
  const config = Object.fromEntries(Object.entries(options).map(([key, value]) => [snake(key), value]));
  return object("keras.constraints", type[0]!.toUpperCase() + type.slice(1), config, version);
}

/** Those that Keras calls otherwise than here. */
const ACTIVATION_NAMES: Readonly<Record<string, string>> = { swish: "silu", hardSwish: "hardSilu" };
/** Those of here that others have under no name; and Keras 2's hard sigmoid is another function. */
const UNNAMED = ["geluApproximate"];

export function readActivation(value: unknown, version: Version): Read<string> {
  const found = objectOf(value ?? "linear");
  const name = found && named(ACTIVATIONS, found.name);
  if (!found || name === undefined || UNNAMED.includes(name))
    return {
      problem: `the activation ${shown(value)}`,
      nearest: nearest(found?.name ?? "", ACTIVATIONS) ?? ACTIVATIONS.join(", "),
    };
  const { alpha, negative_slope, max_value, axis } = found.config;
  if ([alpha, negative_slope, max_value, axis].some((own) => own !== undefined && own !== null && own !== -1))
    return {
      problem: `the activation ${found.name} with numbers of its own`,
      nearest: `${name === "relu" || name === "elu" ? name : "leakyRelu"}() as a layer`,
    };
  if (name === "hardSigmoid" && version === 2)
    return {
      problem: "Keras 2's hard_sigmoid, x / 5 + 1 / 2 from 0 to 1",
      nearest: "hardSigmoid, Keras 3's: x / 6 + 1 / 2",
    };
  return { value: name };
}

/** Undefined where there is no name for it. */
export function writeActivation(name: string, version: Version): string | undefined {
  if (UNNAMED.includes(name) || (version === 2 && name === "hardSigmoid")) return undefined;
  // Keras 2 has it as swish since 2.0, as silu since 2.16 or so.
  if (version === 2 && (name === "silu" || name === "swish")) return "swish";
  return snake(ACTIVATION_NAMES[name] ?? name);
}

/** An object as Keras writes it. */
export function object(module: string, className: string, config: unknown, version: Version): Config {
  return version === 3
    ? { module, class_name: className, config, registered_name: null }
    : { class_name: className, config };
}
