import { CONSTANT_RATE } from "./constant-rate.ts";
import { COSINE_DECAY } from "./cosine-decay.ts";
import { COSINE_DECAY_RESTARTS } from "./cosine-decay-restarts.ts";
import { EXPONENTIAL_DECAY } from "./exponential-decay.ts";
import { INVERSE_TIME_DECAY } from "./inverse-time-decay.ts";
import { ONE_CYCLE } from "./one-cycle.ts";
import { PIECEWISE_CONSTANT_DECAY } from "./piecewise-constant-decay.ts";
import { POLYNOMIAL_DECAY } from "./polynomial-decay.ts";
import { STEP_DECAY } from "./step-decay.ts";
import { WARM_UP } from "./warm-up.ts";

// Every schedule: a new one has its lines here.
export { type ConstantRateOptions, constantRate } from "./constant-rate.ts";
export { type CosineDecayOptions, cosineDecay } from "./cosine-decay.ts";
export { type CosineDecayRestartsOptions, cosineDecayRestarts } from "./cosine-decay-restarts.ts";
export { type ExponentialDecayOptions, exponentialDecay } from "./exponential-decay.ts";
export { type InverseTimeDecayOptions, inverseTimeDecay } from "./inverse-time-decay.ts";
export { type OneCycleOptions, oneCycle } from "./one-cycle.ts";
export { type PiecewiseConstantDecayOptions, piecewiseConstantDecay } from "./piecewise-constant-decay.ts";
export { type PolynomialDecayOptions, polynomialDecay } from "./polynomial-decay.ts";
export { type StepDecayOptions, stepDecay } from "./step-decay.ts";
export { type WarmUpOptions, warmUp } from "./warm-up.ts";

/** Each, by name. */
export const SCHEDULE_DEFINITIONS = {
  oneCycle: ONE_CYCLE,
  exponentialDecay: EXPONENTIAL_DECAY,
  cosineDecay: COSINE_DECAY,
  piecewiseConstantDecay: PIECEWISE_CONSTANT_DECAY,
  constantRate: CONSTANT_RATE,
  stepDecay: STEP_DECAY,
  polynomialDecay: POLYNOMIAL_DECAY,
  inverseTimeDecay: INVERSE_TIME_DECAY,
  cosineDecayRestarts: COSINE_DECAY_RESTARTS,
  warmUp: WARM_UP,
};

export type ScheduleName = keyof typeof SCHEDULE_DEFINITIONS;
/** Every schedule. */
export const SCHEDULES = /* @__PURE__ */ Object.keys(SCHEDULE_DEFINITIONS) as readonly ScheduleName[];
