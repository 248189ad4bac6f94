export { type AdamOptions, adam, adamw } from "./adam.ts";
export { createOptimizer } from "./create.ts";
export { OPTIMIZERS, type OptimizerName } from "./definitions.ts";
export type { CommonOptions, Optimizer } from "./optimizer.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { type CosineDecayOptions, cosineDecay } from "./schedules/cosine-decay.ts";
export { defineSchedule, type OwnSchedule } from "./schedules/define.ts";
export { type ExponentialDecayOptions, exponentialDecay } from "./schedules/exponential-decay.ts";
export { type OneCycleOptions, oneCycle } from "./schedules/one-cycle.ts";
export {
  type PiecewiseConstantDecayOptions,
  piecewiseConstantDecay,
} from "./schedules/piecewise-constant-decay.ts";
export type { LearningRate, Schedule } from "./schedules/schedule.ts";
export { SCHEDULES, type ScheduleName } from "./schedules/schedules.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
