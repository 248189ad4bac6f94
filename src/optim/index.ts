export { type AdamOptions, adam, adamw } from "./adam.ts";
export { createOptimizer } from "./create.ts";
export { OPTIMIZERS, type OptimizerName } from "./definitions.ts";
export type { CommonOptions, Optimizer } from "./optimizer.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export {
  type CosineDecayOptions,
  cosineDecay,
  defineSchedule,
  type ExponentialDecayOptions,
  exponentialDecay,
  type OneCycleOptions,
  type OwnSchedule,
  oneCycle,
  type PiecewiseConstantDecayOptions,
  piecewiseConstantDecay,
} from "./schedules/make.ts";
export { type LearningRate, SCHEDULES, type Schedule, type ScheduleName } from "./schedules/schedule.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
