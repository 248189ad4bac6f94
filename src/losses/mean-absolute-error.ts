import type { Loss } from "./loss.ts";

/** Mean over outputs of |y - t|; its gradient is 0 where they are equal. */
export const MEAN_ABSOLUTE_ERROR = {
  name: "meanAbsoluteError",
  takes: "numbers",
  kernel: "meanAbsoluteError",
} as const satisfies Loss;
