/** A learning rate for each step, counted from 0: what optimizers take as `learningRate`. */
export type Schedule = (step: number) => number;

export interface OneCycleOptions {
  /** The highest rate. */
  peak: number;
  /** Training steps in all: batches of an epoch times epochs. */
  steps: number;
  /** Share of the steps in which the rate rises, 0 to 1. Default 0.3. */
  warmUp?: number;
  /** The first rate, as a share of the peak. Default 0.1. */
  start?: number;
}

/**
 * One cycle (Smith and Topin 2018): the rate rises linearly from `start * peak` to `peak`, then falls linearly to 0 with
 * the last step. Short trainings get further with it than with any constant rate: the high rate finds the way, the fall
 * settles. Only additions, multiplications and divisions: the same bits everywhere.
 *
 * @throws RangeError on options out of range
 */
export function oneCycle({ peak, steps, warmUp = 0.3, start = 0.1 }: OneCycleOptions): Schedule {
  if (!(peak > 0 && Number.isFinite(peak)))
    throw new RangeError(`oneCycle: peak is ${peak}, expected a number > 0`);
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new RangeError(`oneCycle: steps is ${steps}, expected a whole number >= 1`);
  for (const [name, value] of Object.entries({ warmUp, start }))
    if (!(value >= 0 && value <= 1))
      throw new RangeError(`oneCycle: ${name} is ${value}, expected a number from 0 to 1`);
  const top = warmUp * steps;
  return (step) => {
    if (step < top) return peak * (start + ((1 - start) * step) / top);
    return step < steps ? (peak * (steps - step)) / (steps - top) : 0;
  };
}
