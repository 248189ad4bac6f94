import { type AdamOptions, adam, adamw } from "./adam.ts";
import { OPTIMIZERS, type Optimizer, type OptimizerName } from "./optimizer.ts";
import { type RmspropOptions, rmsprop } from "./rmsprop.ts";
import { type SgdOptions, sgd } from "./sgd.ts";

/** Every option of every optimizer. */
export type AnyOptimizerOptions = SgdOptions & RmspropOptions & AdamOptions;

const CREATE: Readonly<
  Record<OptimizerName, { create: (options: AnyOptimizerOptions) => Optimizer; own: readonly string[] }>
> = {
  sgd: { create: sgd, own: ["momentum", "nesterov"] },
  rmsprop: { create: rmsprop, own: ["rho", "momentum", "epsilon", "centered"] },
  adam: { create: adam, own: ["beta1", "beta2", "epsilon"] },
  adamw: { create: adamw, own: ["beta1", "beta2", "epsilon"] },
};
const SHARED = ["learningRate", "weightDecay", "clipNorm", "globalClipNorm", "clipValue"];

/** An optimizer by name. Throws RangeError on an unknown name, and on an option that this one does not have. */
export function createOptimizer(name: OptimizerName, options: AnyOptimizerOptions = {}): Optimizer {
  if (!OPTIMIZERS.includes(name))
    throw new RangeError(`optimizer '${name}' is unknown: expected one of ${OPTIMIZERS.join(", ")}`);
  const { create, own } = CREATE[name];
  for (const [key, value] of Object.entries(options))
    if (value !== undefined && !own.includes(key) && !SHARED.includes(key))
      throw new RangeError(
        `optimizer '${name}' has no option ${key}: it has ${[...own, ...SHARED].join(", ")}`,
      );
  return create(options);
}
