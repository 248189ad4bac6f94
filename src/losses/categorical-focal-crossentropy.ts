import type { Loss } from "./loss.ts";

/** alpha times the sum over classes of -t (1 - y)^gamma log y. On a softmax output, or fromLogits, computed from its inputs. */
export const CATEGORICAL_FOCAL_CROSSENTROPY = {
  name: "categoricalFocalCrossentropy",
  takes: "classes",
  kernel: "categoricalFocalCrossentropy",
  fused: "softmax",
  logitsKernel: "softmaxFocalCrossentropy",
  allKernels: true,
  // The kernel's arguments are those of the binary one, which asks for the last.
  defaults: { gamma: 2, alpha: 0.25, applyClassBalancing: false },
} as const satisfies Loss;
