import type { Optimizer } from "./optimizer.ts";

/**
 * Throws unless the rate can take the place of the optimizer's own: TypeError where that follows a schedule, RangeError on
 * what is no rate.
 */
export function checkRate({ options: { learningRate } }: Optimizer, rate: number): void {
  if (typeof learningRate !== "number")
    throw new TypeError(
      "the learning rate follows a schedule. To set it while training, give the optimizer a number: adam({ learningRate: 0.001 })",
    );
  if (!(typeof rate === "number" && rate >= 0 && Number.isFinite(rate)))
    throw new RangeError(`learningRate is ${rate}, expected a number >= 0`);
}
