import type { Loss } from "./loss.ts";

/** Mean over outputs of max(1 - t y, 0)^2, targets as hinge takes them. */
export const SQUARED_HINGE = {
  name: "squaredHinge",
  takes: "numbers",
  kernel: "squaredHinge",
  allKernels: true,
  hinges: true,
} as const satisfies Loss;
