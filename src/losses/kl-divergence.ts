import type { Loss } from "./loss.ts";

/** Sum over outputs of t log(t / y), both clipped to 1e-7 and 1: how far one distribution is from another. */
export const KL_DIVERGENCE = {
  name: "klDivergence",
  takes: "numbers",
  kernel: "klDivergence",
  allKernels: true,
} as const satisfies Loss;
