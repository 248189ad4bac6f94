// Operators that stand between layers in a model, x + y, x * 0.5 or relu(x): which layer of here does what each does.

import { ACTIVATIONS } from "../../model/layers/layer.ts";
import type { SymbolicTensor } from "../../model/layers/types.ts";
import { isObject } from "../../options/kinds.ts";
import type { Options } from "./layer-config.ts";

/** What a layer or an operator takes: its name here and its shape, which is not known behind a layer that there is none of. */
export interface Value {
  readonly name: string;
  readonly tensor: SymbolicTensor | undefined;
}

/** A layer that does what an operator does, and what it takes. */
export interface Replacement {
  readonly type: string;
  readonly options: Options;
  readonly from: readonly Value[];
}

export type Operand = Value | number | string | boolean | null | readonly unknown[];

const isValue = (operand: Operand | undefined): operand is Value => isObject(operand) && "tensor" in operand;
const bare = (name: string) =>
  name
    .replace(/^.*[./]/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");

/** Names of operators of two values, of Keras 3 and of TensorFlow. */
const BINARY: Readonly<Record<string, string>> = {
  add: "add",
  addv2: "add",
  multiply: "multiply",
  mul: "multiply",
  subtract: "subtract",
  sub: "subtract",
  maximum: "maximum",
  minimum: "minimum",
};
const DIVIDE = ["divide", "truedivide", "truediv", "realdiv"];

/** Options of an operator, by their names: of Keras 3 those of its config and of its call. */
export type Named = Readonly<Record<string, unknown>>;

/** The layer; undefined where there is none. */
export function replacementOf(
  className: string,
  operands: readonly Operand[],
  named: Named,
): Replacement | undefined {
  const name = bare(className);
  const [a, b] = operands;
  if (isValue(a) && isValue(b) && BINARY[name] !== undefined)
    return { type: BINARY[name], options: {}, from: [a, b] };
  const linear = linearOf(name, a, b);
  if (linear) return linear;
  if (!isValue(a)) return undefined;
  if (name === "maximum" && b === 0) return { type: "relu", options: {}, from: [a] };
  if (name === "concatenate" || name === "concat") return undefined;
  return unaryOf(name, a, named);
}

/** scale x + offset. */
function linearOf(name: string, a: Operand | undefined, b: Operand | undefined): Replacement | undefined {
  const [x, other, swapped] = isValue(a) ? [a, b, false] : [b, a, true];
  if (!isValue(x)) return undefined;
  const rescaled = (scale: number, offset = 0): Replacement => ({
    type: "rescaling",
    options: { scale, offset },
    from: [x],
  });
  if (name === "negative" || name === "neg") return rescaled(-1);
  if (typeof other !== "number") return undefined;
  switch (BINARY[name]) {
    case "multiply":
      return rescaled(other);
    case "add":
      return rescaled(1, other);
    case "subtract":
      return swapped ? rescaled(-1, other) : rescaled(1, -other);
  }
  return DIVIDE.includes(name) && !swapped && other !== 0 ? rescaled(1 / other) : undefined;
}

const isAxes = (value: unknown, ...axes: readonly number[]) =>
  Array.isArray(value) && value.length === axes.length && axes.every((axis, i) => value[i] === axis);

function unaryOf(name: string, x: Value, named: Named): Replacement | undefined {
  const layer = (type: string, options: Options = {}): Replacement => ({ type, options, from: [x] });
  const number = (...keys: readonly string[]) =>
    keys.map((key) => named[key]).find((value): value is number => typeof value === "number");
  switch (name) {
    case "relu": {
      const maxValue = number("max_value");
      const options = { negativeSlope: number("negative_slope"), threshold: number("threshold"), maxValue };
      return layer(
        "relu",
        Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
      );
    }
    case "leakyrelu":
      return layer("leakyRelu", { alpha: number("negative_slope", "alpha") ?? 0.2 });
    case "elu":
      return layer("elu", { alpha: number("alpha") ?? 1 });
    case "gelu":
      return layer("activation", { activation: named.approximate ? "geluApproximate" : "gelu" });
    case "softmax":
      return named.axis === undefined || named.axis === null || named.axis === -1
        ? layer("softmax")
        : undefined;
    case "clipbyvalue":
    case "clip": {
      const least = number("clip_value_min", "x_min");
      const maxValue = number("clip_value_max", "x_max");
      return least === 0 && maxValue !== undefined && maxValue > 0 ? layer("relu", { maxValue }) : undefined;
    }
    case "mean":
    case "reducemean":
    case "max":
    case "reducemax":
      return isAxes(named.axis, 1, 2) && x.tensor?.shape.length === 3
        ? layer(name.endsWith("mean") ? "globalAveragePooling2d" : "globalMaxPooling2d", {
            keepdims: named.keepdims === true,
          })
        : undefined;
    case "reshape": {
      const shape = named.newshape ?? named.shape;
      return Array.isArray(shape) && shape.length > 1 && shape.every(Number.isInteger)
        ? layer("reshape", { targetShape: shape.slice(1) })
        : undefined;
    }
  }
  const activation = ACTIVATIONS.find((one) => one.toLowerCase() === name);
  return activation && layer("activation", { activation });
}
