import type { Filled, Table } from "../../options/kinds.ts";

/** A schedule as plain data, which is what JSON keeps of one. */
export interface ScheduleData {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * A learning rate for each step: what oneCycle() and the like give, and optimizers take as `learningRate`. JSON keeps its name
 * and options, of which scheduleFromConfig() makes the same again.
 */
export interface Schedule extends ScheduleData {
  /** The rate of a step, counted from 0. */
  rate(step: number, options: Readonly<Record<string, unknown>>): number;
}

/** What optimizers take as `learningRate`: a constant, a schedule, or a function of the step, counted from 0. */
export type LearningRate = number | Schedule | ((step: number) => number);

/** A schedule: its options, and the rate that they give. */
export interface ScheduleDefinition<T extends Table = Table> {
  readonly name: string;
  table(): T;
  /** What is wrong with options that are each right; undefined where nothing is. */
  problem?(options: Filled<T>): string | undefined;
  /** The rate of a step, counted from 0. With + - * / alone it gives the same bits everywhere. */
  rate(step: number, options: Filled<T>): number;
}
