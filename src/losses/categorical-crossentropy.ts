import type { Loss } from "./loss.ts";

/** -sum t log y on a softmax output, computed from its inputs (stable). */
export const CATEGORICAL_CROSSENTROPY = {
  name: "categoricalCrossentropy",
  takes: "classes",
  kernel: "categoricalCrossentropy",
  fused: "softmax",
  logitsKernel: "softmaxCrossentropy",
} as const satisfies Loss;

/** The same: class ids are turned into one-hot targets under either name. */
export const SPARSE_CATEGORICAL_CROSSENTROPY = {
  ...CATEGORICAL_CROSSENTROPY,
  name: "sparseCategoricalCrossentropy",
} as const satisfies Loss;
