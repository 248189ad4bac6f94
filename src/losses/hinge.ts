import type { Loss } from "./loss.ts";

/** Mean over outputs of max(1 - t y, 0), targets -1 and 1. Where a batch's targets are all 0 and 1, 0 counts as -1. */
export const HINGE = {
  name: "hinge",
  takes: "numbers",
  kernel: "hinge",
  allKernels: true,
  hinges: true,
} as const satisfies Loss;
