import { checkOptions } from "../options/check.ts";
import { needed, type OptionsOf, optional, real, some, whole } from "../options/kinds.ts";

/** A learning rate for each step, counted from 0: what optimizers take as `learningRate`. */
export type Schedule = (step: number) => number;

const share = some<number>(
  "a number from 0 to 1",
  (value) => typeof value === "number" && value >= 0 && value <= 1,
);

const table = {
  /** The highest rate. */
  peak: needed(real(0, undefined, true), 0.004),
  /** Training steps in all: batches of an epoch times epochs. */
  steps: needed(whole(), 1000),
  /** Share of the steps in which the rate rises, 0 to 1. Default 0.3. */
  warmUp: optional(share, 0.3),
  /** The first rate, as a share of the peak. Default 0.1. */
  start: optional(share, 0.1),
};

export interface OneCycleOptions extends OptionsOf<typeof table> {}

/**
 * One cycle (Smith and Topin 2018): the rate rises linearly from `start * peak` to `peak`, then falls linearly to 0 with
 * the last step. Short trainings get further with it than with any constant rate: the high rate finds the way, the fall
 * settles. Only additions, multiplications and divisions: the same bits everywhere.
 *
 * @throws RangeError on options out of range
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  checkOptions({ call: "oneCycle(*)", table }, options);
  const { peak, steps, warmUp = 0.3, start = 0.1 } = options;
  const top = warmUp * steps;
  return (step) => {
    if (step < top) return peak * (start + ((1 - start) * step) / top);
    return step < steps ? (peak * (steps - step)) / (steps - top) : 0;
  };
}
