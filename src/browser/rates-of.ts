import { rateOf } from "../optim/schedules/index.ts";
import type { KeptState } from "../train/keep-state.ts";
import type { Fitting } from "./fitting.ts";
import type { FitRequest } from "./protocol.ts";

/**
 * A schedule's rates for all steps of a fit to so many samples, and the one after, which the last epoch's report shows. `steps`: how many the optimizer
 * has done, unless the state to go on from says it.
 */
export async function ratesOf(
  { made, options }: Fitting,
  count: number,
  state: KeptState | undefined,
  steps: () => Promise<number>,
): Promise<FitRequest["rates"]> {
  const { learningRate, gradientAccumulationSteps = 1 } = made.optimizer.options;
  const rate = rateOf(learningRate);
  const { epochs = 1, initialEpoch = 0, batchSize = 32 } = options;
  const wanted = Math.ceil(count / batchSize) * (epochs - initialEpoch);
  // Where gradients are accumulated, rates are those of updates.
  const firstStep = Math.floor((state?.optimizer.step ?? (await steps())) / gradientAccumulationSteps);
  // Options out of range are refused by the worker.
  const length = wanted > 0 && Number.isSafeInteger(wanted) ? wanted + 1 : 1;
  return { firstStep, values: Float64Array.from({ length }, (_, i) => rate(firstStep + i)) };
}
