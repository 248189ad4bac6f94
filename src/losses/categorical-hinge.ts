import type { Loss } from "./loss.ts";

/** max(1 + greatest output of a wrong class - output of the right one, 0), targets 0 and 1. */
export const CATEGORICAL_HINGE = {
  name: "categoricalHinge",
  takes: "numbers",
  kernel: "categoricalHinge",
  allKernels: true,
} as const satisfies Loss;
