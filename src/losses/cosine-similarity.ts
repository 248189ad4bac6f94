import type { Loss } from "./loss.ts";

/** Minus the cosine of the angle between outputs and targets: -1 where their directions are the same. */
export const COSINE_SIMILARITY = {
  name: "cosineSimilarity",
  takes: "numbers",
  kernel: "cosineSimilarity",
  allKernels: true,
} as const satisfies Loss;
