import { COSINE_DECAY } from "./cosine-decay.ts";
import { EXPONENTIAL_DECAY } from "./exponential-decay.ts";
import { ONE_CYCLE } from "./one-cycle.ts";
import { PIECEWISE_CONSTANT_DECAY } from "./piecewise-constant-decay.ts";

// Every schedule: a new one has its lines here.
export { type CosineDecayOptions, cosineDecay } from "./cosine-decay.ts";
export { type ExponentialDecayOptions, exponentialDecay } from "./exponential-decay.ts";
export { type OneCycleOptions, oneCycle } from "./one-cycle.ts";
export { type PiecewiseConstantDecayOptions, piecewiseConstantDecay } from "./piecewise-constant-decay.ts";

/** Each, by name. */
export const SCHEDULE_DEFINITIONS = {
  oneCycle: ONE_CYCLE,
  exponentialDecay: EXPONENTIAL_DECAY,
  cosineDecay: COSINE_DECAY,
  piecewiseConstantDecay: PIECEWISE_CONSTANT_DECAY,
};

export type ScheduleName = keyof typeof SCHEDULE_DEFINITIONS;
/** Every schedule. */
export const SCHEDULES = /* @__PURE__ */ Object.keys(SCHEDULE_DEFINITIONS) as readonly ScheduleName[];
