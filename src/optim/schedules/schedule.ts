import type { Filled, Table } from "../../options/kinds.ts";

/** A learning rate for each step, as plain data: what oneCycle() and the like give, and optimizers take as `learningRate`. */
export interface Schedule {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Of a schedule of a user's: what gives the rate of a step, counted from 0. */
  rate?(step: number, options: Readonly<Record<string, unknown>>): number;
}

/** What optimizers take as `learningRate`: a constant, a schedule, or a function of the step, counted from 0. */
export type LearningRate = number | Schedule | ((step: number) => number);

/** What the options of a schedule are. Its formula is in extra.ts. */
export interface ScheduleOptions<T extends Table = Table> {
  readonly name: string;
  table(): T;
  /** What is wrong with options that are each right; undefined where nothing is. */
  problem?(options: Filled<T>): string | undefined;
}
