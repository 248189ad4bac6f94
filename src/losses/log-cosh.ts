import type { Loss } from "./loss.ts";

/** Mean over outputs of log(cosh(y - t)): about d^2 / 2 near 0, |d| - log 2 far away. */
export const LOG_COSH = {
  name: "logCosh",
  takes: "numbers",
  kernel: "logCosh",
  allKernels: true,
} as const satisfies Loss;
