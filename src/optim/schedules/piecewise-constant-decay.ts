import { needed, type OptionsOf, some } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

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

const table = () => ({
  /** Steps up to which each value holds, the step itself included: rising. */
  boundaries: numbers(
    "a list of rising steps",
    [1000, 2000],
    (x, i, all) => x >= 0 && (i === 0 || x > all[i - 1]!),
  ),
  /** Rates: one more than boundaries. */
  values: numbers("a list of numbers >= 0, one more than boundaries", [0.1, 0.01, 0.001], (x) => x >= 0),
});
type Table = ReturnType<typeof table>;

export interface PiecewiseConstantDecayOptions extends OptionsOf<Table> {}

export const PIECEWISE_CONSTANT_DECAY: ScheduleDefinition<Table> = {
  name: "piecewiseConstantDecay",
  table,
  problem: ({ boundaries, values }) =>
    values.length === boundaries.length + 1
      ? undefined
      : `got ${boundaries.length} boundaries and ${values.length} values, expected one value more than boundaries`,
  rate: (step, { boundaries, values }) => values.at(boundaries.findIndex((boundary) => step <= boundary))!,
};

/** Keras's PiecewiseConstantDecay: values[0] up to step boundaries[0], and so on. Throws RangeError on options out of range. */
export function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Schedule {
  return made(PIECEWISE_CONSTANT_DECAY, options);
}
