import { show } from "../../options/show.ts";
import type { Callbacks } from "../callbacks.ts";

/**
 * A callback that sets the learning rate of each epoch (from 0), from the one before: Keras's LearningRateScheduler. The
 * optimizer's rate must be a number, not a schedule.
 *
 * Throws TypeError unless it is given a function; in fit(), RangeError where that gives no rate.
 */
export function learningRateScheduler(schedule: (epoch: number, learningRate: number) => number): Callbacks {
  if (typeof schedule !== "function")
    throw new TypeError(
      `learningRateScheduler: got ${show(schedule)}, expected a function. Write: learningRateScheduler((epoch, rate) => (epoch < 3 ? rate : rate * 0.9))`,
    );
  return {
    onEpochBegin(epoch, training) {
      training.learningRate = schedule(epoch, training.learningRate);
    },
  };
}
