import { needed, type OptionsOf, real } from "../../options/kinds.ts";
import { made } from "./made.ts";
import type { Schedule, ScheduleDefinition } from "./schedule.ts";

const table = () => ({
  learningRate: needed(real(0), 0.001),
});
type Table = ReturnType<typeof table>;

export interface ConstantRateOptions extends OptionsOf<Table> {}

export const CONSTANT_RATE: ScheduleDefinition<Table> = {
  name: "constantRate",
  table,
  rate: (_, { learningRate }) => learningRate,
};

/** The same rate in every step: what warmUp() may lead to. Throws RangeError on options out of range. */
export function constantRate(options: ConstantRateOptions): Schedule {
  return made(CONSTANT_RATE, options);
}
