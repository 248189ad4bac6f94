export { type AdamOptions, adam, adamw } from "./adam.ts";
export { createOptimizer } from "./create.ts";
export { OPTIMIZERS, type OptimizerName } from "./definitions.ts";
export type { CommonOptions, Optimizer } from "./optimizer.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { type OneCycleOptions, oneCycle, type Schedule } from "./schedules.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
