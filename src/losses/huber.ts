import type { Loss } from "./loss.ts";

/** Mean over outputs of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = y - t: strays pull no harder than delta. */
export const HUBER = {
  name: "huber",
  takes: "numbers",
  kernel: "huber",
  allKernels: true,
  defaults: { delta: 1 },
} as const satisfies Loss;
