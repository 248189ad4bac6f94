import type { Loss } from "./loss.ts";

/** Mean over outputs of (log(1 + y) - log(1 + t))^2, y and t held above 1e-7: of quantities whose ratio matters. */
export const MEAN_SQUARED_LOGARITHMIC_ERROR = {
  name: "meanSquaredLogarithmicError",
  takes: "numbers",
  kernel: "meanSquaredLogarithmicError",
  allKernels: true,
} as const satisfies Loss;
