import type { Loss } from "./loss.ts";

/**
 * Mean over outputs of -t log y - (1 - t) log(1 - y). On a sigmoid output computed from its inputs, so that a unit learns
 * however sure of the wrong it is; on a softmax output of probabilities clipped to 1e-7 and 1 - 1e-7. Keras does both so.
 */
export const BINARY_CROSSENTROPY = {
  name: "binaryCrossentropy",
  takes: "probabilities",
  kernel: "binaryCrossentropy",
  fused: "sigmoid",
  logitsKernel: "sigmoidCrossentropy",
} as const satisfies Loss;
