import type { History } from "./history.ts";
import type { Training } from "./training.ts";

export type { FitOptions } from "./fit-options.ts";

/** Trains to the end. See Model.fit. */
export async function fit(training: Training): Promise<History> {
  while (await training.step());
  return training.end();
}
