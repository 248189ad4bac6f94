// The functions that make schedules, and the tables of their options. What they give is data: the formulas stand in files of
// their own, which what trains alone loads.
import { checkOptions } from "../../options/check.ts";
import {
  callable,
  type Filled,
  flag,
  needed,
  type OptionsOf,
  optional,
  real,
  some,
  type Table,
  type TableOf,
  text,
  whole,
  withDefaults,
} from "../../options/kinds.ts";
import type { Schedule, ScheduleDefinition, ScheduleName } from "./schedule.ts";

/** The schedule of options that a caller gave. Throws RangeError on one that the table lacks or that is out of range. */
function made<T extends Table>(name: ScheduleName, table: T, given: OptionsOf<T>): Schedule {
  checkOptions({ call: `${name}(*)`, table }, given);
  return { name, options: withDefaults(table, given) };
}

const share = () =>
  some<number>("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, 0.1);

const numbers = (
  expected: string,
  example: readonly number[],
  fits: (x: number, i: number, all: number[]) => boolean,
) =>
  needed(
    some<readonly number[]>(
      expected,
      (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((x, i, all) => Number.isFinite(x) && fits(x, i, all)),
    ),
    example,
  );

const oneCycleTable = () => ({
  /** The highest rate. */
  peak: needed(real(0, undefined, true), 0.004),
  /** Training steps in all: batches of an epoch times epochs. */
  steps: needed(whole(), 1000),
  /** Share of the steps in which the rate rises, 0 to 1. Default 0.3. */
  warmUp: optional(share(), 0.3),
  /** The first rate, as a share of the peak. Default 0.1. */
  start: optional(share(), 0.1),
});

export interface OneCycleOptions extends OptionsOf<ReturnType<typeof oneCycleTable>> {}
export type FilledOneCycleOptions = Filled<ReturnType<typeof oneCycleTable>>;

/**
 * One cycle (Smith and Topin 2018): the rate rises linearly from `start * peak` to `peak`, then falls linearly to 0 with
 * the last step. Short trainings get further with it than with any constant rate: the high rate finds the way, the fall
 * settles.
 *
 * @throws RangeError on options out of range
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  return made("oneCycle", oneCycleTable(), options);
}

const exponentialDecayTable = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps in which the rate is multiplied by decayRate once. */
  decaySteps: needed(whole(), 1000),
  decayRate: needed(real(0, undefined, true), 0.96),
  /** All at once after decaySteps each, in place of a little each step. Default false. */
  staircase: optional(flag, false),
});

export interface ExponentialDecayOptions extends OptionsOf<ReturnType<typeof exponentialDecayTable>> {}
export type FilledExponentialDecayOptions = Filled<ReturnType<typeof exponentialDecayTable>>;

/** Keras's ExponentialDecay: initialLearningRate * decayRate ** (step / decaySteps). Throws RangeError on options out of range. */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  return made("exponentialDecay", exponentialDecayTable(), options);
}

const cosineDecayTable = () => ({
  /** The rate that the decay begins with; with a warmupTarget, the first one of the warm-up. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps of the decay, those of the warm-up not counted. */
  decaySteps: needed(whole(), 1000),
  /** The last rate, as a share of the one that the decay begins with. Default 0. */
  alpha: optional(share(), 0),
  /** The rate that rises linearly from initialLearningRate, to decay from. Default: no warm-up. */
  warmupTarget: real(0),
  /** Steps of the warm-up. Default 0. */
  warmupSteps: optional(whole(0), 0),
});

export interface CosineDecayOptions extends OptionsOf<ReturnType<typeof cosineDecayTable>> {}
export type FilledCosineDecayOptions = Filled<ReturnType<typeof cosineDecayTable>>;

/**
 * Keras's CosineDecay (Loshchilov and Hutter 2017): the rate falls along half a cosine, to `alpha` of what it was, after a
 * linear warm-up where warmupTarget is given. Throws RangeError on options out of range.
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  return made("cosineDecay", cosineDecayTable(), options);
}

const piecewiseConstantDecayTable = () => ({
  /** Steps up to which each value holds, the step itself included: rising. */
  boundaries: numbers(
    "a list of rising steps",
    [1000, 2000],
    (x, i, all) => x >= 0 && (i === 0 || x > all[i - 1]!),
  ),
  /** Rates: one more than boundaries. */
  values: numbers("a list of numbers >= 0, one more than boundaries", [0.1, 0.01, 0.001], (x) => x >= 0),
});

export interface PiecewiseConstantDecayOptions
  extends OptionsOf<ReturnType<typeof piecewiseConstantDecayTable>> {}
export type FilledPiecewiseConstantDecayOptions = Filled<ReturnType<typeof piecewiseConstantDecayTable>>;

/** Keras's PiecewiseConstantDecay: values[0] up to step boundaries[0], and so on. Throws RangeError on options out of range. */
export function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Schedule {
  const schedule = made("piecewiseConstantDecay", piecewiseConstantDecayTable(), options);
  const { boundaries, values } = options;
  if (values.length !== boundaries.length + 1)
    throw new RangeError(
      `piecewiseConstantDecay: got ${boundaries.length} boundaries and ${values.length} values, expected one value more than boundaries`,
    );
  return schedule;
}

const ownTable = (): TableOf<OwnSchedule<Schedule["options"]>> => ({
  name: needed(text, "mine"),
  rate: needed(callable<OwnSchedule<Schedule["options"]>["rate"]>("a function of the step and the options")),
});

/** What defineSchedule() takes: a name, and the rate of a step, counted from 0. */
export interface OwnSchedule<Options> extends ScheduleDefinition<Options> {
  readonly name: string;
}

/**
 * A schedule of your own: the function that makes it of its options, which records tell beside its name. Throws RangeError
 * where the definition lacks something.
 *
 *     const linear = defineSchedule({ name: "linear", rate: (step, { first, steps }) => first * Math.max(0, 1 - step / steps) });
 *     adam({ learningRate: linear({ first: 0.01, steps: 1000 }) });
 */
export function defineSchedule<Options extends object = Readonly<Record<string, number>>>(
  definition: OwnSchedule<Options>,
): (options: Options) => Schedule {
  checkOptions({ call: "defineSchedule(*)", table: ownTable }, definition);
  const { name, rate } = definition;
  return (options) => ({
    name,
    options: { ...options } as unknown as Schedule["options"],
    rate: rate as unknown as NonNullable<Schedule["rate"]>,
  });
}
