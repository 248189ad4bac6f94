import { flag, needed, type OptionsOf, optional, real, whole } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";
import { power as raised } from "./series.ts";

const table = () => ({
  /** The first rate. */
  initialLearningRate: needed(real(0), 0.1),
  /** Steps in which it falls to the last one. */
  decaySteps: needed(whole(), 1000),
  /** Default 0.0001. */
  endLearningRate: optional(real(0), 0.0001),
  /** Default 1: a line. */
  power: optional(real(0, undefined, true), 1),
  /** Falls again from higher up after its steps, which become decaySteps more each time. Default false. */
  cycle: optional(flag, false),
});
type Table = ReturnType<typeof table>;

export interface PolynomialDecayOptions extends OptionsOf<Table> {}

export const POLYNOMIAL_DECAY: ScheduleDefinition<Table> = {
  name: "polynomialDecay",
  table,
  rate(step, { initialLearningRate: first, decaySteps, endLearningRate: last, power, cycle }) {
    const times = step / decaySteps;
    const whole = times % 1 === 0 ? times : times - (times % 1) + 1;
    const steps = cycle && step > 0 ? decaySteps * whole : decaySteps;
    const left = 1 - (step < steps ? step : steps) / steps;
    return (first - last) * (left > 0 ? raised(left, power) : 0) + last;
  },
};

/** Keras's PolynomialDecay: (first - last) * (1 - step / decaySteps) ** power + last. Throws RangeError on options out of range. */
export function polynomialDecay(options: PolynomialDecayOptions): Schedule {
  return made(POLYNOMIAL_DECAY, options);
}
