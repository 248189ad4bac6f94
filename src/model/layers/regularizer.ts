import type { Constraint, Regularizer } from "../../compiler/weight-limits.ts";
import { checkOptions } from "../../options/check.ts";
import {
  isOptions,
  type Kind,
  type OptionsOf,
  optional,
  real,
  some,
  type Table,
} from "../../options/kinds.ts";

/** Whether an object has these keys alone, and what they hold fits. */
const holds = (value: unknown, table: Table, type?: string): boolean =>
  isOptions(value) &&
  (type === undefined || value.type === type) &&
  Object.entries(value).every(
    ([key, one]) => (key === "type" && type !== undefined) || table[key]?.accepts(one),
  ) &&
  Object.entries(table).every(([key, kind]) => key in value || !("needed" in kind));

const factors = () => ({
  /** Of the sum of the absolute values. Default 0. */
  l1: optional(real(0), 0),
  /** Of the sum of the squares. Default 0. */
  l2: optional(real(0), 0),
});

/** What makes weights or activations dear: part of the loss. */
export const regularizer: Kind<Regularizer> = some("l1(), l2() or l1l2(), as data { l1, l2 }", (value) =>
  holds(value, factors()),
);

export interface L1L2Options extends OptionsOf<ReturnType<typeof factors>> {}

/** A penalty of l1 * sum |x| + l2 * sum x^2: Keras's L1L2. Throws RangeError on a factor below 0. */
export function l1l2(options: L1L2Options): Regularizer {
  checkOptions({ call: "l1l2(*)", table: factors }, options);
  return { l1: options.l1 ?? 0, l2: options.l2 ?? 0 };
}

/** A penalty of l1 * sum |x|: Keras's L1. Default 0.01. */
export function l1(options: Pick<L1L2Options, "l1"> = {}): Regularizer {
  checkOptions({ call: "l1(*)", table: () => ({ l1: factors().l1 }) }, options);
  return { l1: options.l1 ?? 0.01, l2: 0 };
}

/** A penalty of l2 * sum x^2: Keras's L2. Default 0.01. */
export function l2(options: Pick<L1L2Options, "l2"> = {}): Regularizer {
  checkOptions({ call: "l2(*)", table: () => ({ l2: factors().l2 }) }, options);
  return { l1: 0, l2: options.l2 ?? 0.01 };
}

const axis = some<number | readonly number[]>(
  "0, or the first axes in their order: [0, 1, 2] for a convolution's kernel",
  (value) => {
    const axes = [value].flat();
    return axes.length > 0 && axes.length < 4 && axes.every((one, i) => one === i);
  },
  [0, 1, 2],
);

const tables = {
  maxNorm: () => ({
    /** Default 2. */
    maxValue: optional(real(0), 2),
    /** What norms are taken along. Default 0: of a dense kernel each unit's weights. */
    axis: optional(axis, 0),
  }),
  minMaxNorm: () => ({
    /** Default 0. */
    minValue: optional(real(0), 0),
    /** Default 1. */
    maxValue: optional(real(0), 1),
    /** How far towards the limits each step goes, 0 to 1. Default 1. */
    rate: optional(real(0, 1.0000001), 1),
    /** Default 0. */
    axis: optional(axis, 0),
  }),
  nonNeg: () => ({}),
  unitNorm: () => ({
    /** Default 0. */
    axis: optional(axis, 0),
  }),
};

/** What weights are kept to after each update. */
export const constraint: Kind<Constraint> = some("maxNorm(), minMaxNorm(), nonNeg() or unitNorm()", (value) =>
  Object.entries(tables).some(([type, table]) => holds(value, table(), type)),
);

export interface MaxNormOptions extends OptionsOf<ReturnType<(typeof tables)["maxNorm"]>> {}
export interface MinMaxNormOptions extends OptionsOf<ReturnType<(typeof tables)["minMaxNorm"]>> {}
export interface UnitNormOptions extends OptionsOf<ReturnType<(typeof tables)["unitNorm"]>> {}

/** Weights whose norm along the axis is at most maxValue: Keras's MaxNorm (Srivastava et al. 2014). */
export function maxNorm(options: MaxNormOptions = {}): Constraint {
  checkOptions({ call: "maxNorm(*)", table: tables.maxNorm }, options);
  return { type: "maxNorm", maxValue: options.maxValue ?? 2, axis: options.axis ?? 0 };
}

/** Weights whose norm along the axis lies between minValue and maxValue: Keras's MinMaxNorm. */
export function minMaxNorm(options: MinMaxNormOptions = {}): Constraint {
  checkOptions({ call: "minMaxNorm(*)", table: tables.minMaxNorm }, options);
  const { minValue = 0, maxValue = 1, rate = 1, axis: along = 0 } = options;
  return { type: "minMaxNorm", minValue, maxValue, rate, axis: along };
}

/** Weights that are not negative: Keras's NonNeg. */
export function nonNeg(): Constraint {
  return { type: "nonNeg" };
}

/** Weights whose norm along the axis is 1: Keras's UnitNorm. */
export function unitNorm(options: UnitNormOptions = {}): Constraint {
  checkOptions({ call: "unitNorm(*)", table: tables.unitNorm }, options);
  return { type: "unitNorm", axis: options.axis ?? 0 };
}

/** Options of the layers that have a kernel and a bias. */
export const LIMITS = {
  /** What large weights cost, as part of the loss: l2({ l2: 0.001 }). Default: nothing. */
  kernelRegularizer: regularizer,
  biasRegularizer: regularizer,
  /** What large outputs cost. Default: nothing. */
  activityRegularizer: regularizer,
  /** What weights are kept to after each step: maxNorm({ maxValue: 3 }). Default: none. */
  kernelConstraint: constraint,
  biasConstraint: constraint,
};
