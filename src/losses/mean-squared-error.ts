import type { Loss } from "./loss.ts";

/** Mean over outputs of (y - t)^2. */
export const MEAN_SQUARED_ERROR = {
  name: "meanSquaredError",
  takes: "numbers",
  kernel: "meanSquaredError",
} as const satisfies Loss;
