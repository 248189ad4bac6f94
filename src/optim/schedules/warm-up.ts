import { isObject, needed, type OptionsOf, optional, real, some, whole } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

const table = () => ({
  /** Steps in which the rate rises in a line. */
  warmupSteps: needed(whole(), 100),
  /** The first rate. Default 0. */
  initialLearningRate: optional(real(0), 0),
  /** What the rate rises to, and is then: a number, or a schedule, which begins when the rise ends. */
  schedule: needed(
    some<number | Schedule>(
      "a number >= 0, or a schedule such as cosineDecay() gives",
      (value) => real(0).accepts(value) || (isObject(value) && typeof value.rate === "function"),
      0.001,
    ),
  ),
});
type Table = ReturnType<typeof table>;

export interface WarmUpOptions extends OptionsOf<Table> {}

export const WARM_UP: ScheduleDefinition<Table> = {
  name: "warmUp",
  table,
  rate(step, { warmupSteps, initialLearningRate: first, schedule }) {
    const of = (at: number) =>
      typeof schedule === "number" ? schedule : schedule.rate(at, schedule.options);
    return step < warmupSteps ? first + ((of(0) - first) * step) / warmupSteps : of(step - warmupSteps);
  },
};

/** A linear rise before any schedule, or before a constant rate. Throws RangeError on options out of range. */
export function warmUp(options: WarmUpOptions): Schedule {
  return made(WARM_UP, options);
}
