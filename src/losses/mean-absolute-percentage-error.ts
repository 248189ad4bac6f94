import type { Loss } from "./loss.ts";

/** 100 times the mean over outputs of |y - t| / |t|, |t| held above 1e-7. */
export const MEAN_ABSOLUTE_PERCENTAGE_ERROR = {
  name: "meanAbsolutePercentageError",
  takes: "numbers",
  kernel: "meanAbsolutePercentageError",
  allKernels: true,
} as const satisfies Loss;
