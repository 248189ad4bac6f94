import type { Loss } from "./loss.ts";

/** Mean over outputs of y - t log(y + 1e-7): of counts. Outputs have to be positive, as activation "softplus" or "exponential" gives them. */
export const POISSON = {
  name: "poisson",
  takes: "numbers",
  kernel: "poisson",
  allKernels: true,
} as const satisfies Loss;
