import type { Loss } from "./loss.ts";

/**
 * Binary crossentropy times (1 - p_t)^gamma, p_t what the right answer got (Lin et al. 2017): what is easy counts little. With
 * applyClassBalancing ones count alpha, zeros 1 - alpha. On a sigmoid output, or fromLogits, computed from its inputs.
 */
export const BINARY_FOCAL_CROSSENTROPY = {
  name: "binaryFocalCrossentropy",
  takes: "probabilities",
  kernel: "binaryFocalCrossentropy",
  fused: "sigmoid",
  logitsKernel: "sigmoidFocalCrossentropy",
  allKernels: true,
  defaults: { gamma: 2, alpha: 0.25, applyClassBalancing: false },
} as const satisfies Loss;
