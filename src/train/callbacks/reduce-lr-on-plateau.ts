import { checkOptions } from "../../options/check.ts";
import { type OptionsOf, optional, real, some, whole, withDefaults } from "../../options/kinds.ts";
import type { Callbacks } from "../callbacks.ts";
import { MONITOR, Watch } from "./monitor.ts";

export const REDUCE_LR_ON_PLATEAU = {
  ...MONITOR,
  /** The rate is multiplied by this, above 0 and below 1. Default 0.1. */
  factor: optional(
    some<number>(
      "a number above 0 and below 1",
      (value) => typeof value === "number" && value > 0 && value < 1,
      0.1,
    ),
    0.1,
  ),
  /** Epochs without anything better after which the rate is reduced. Default 10. */
  patience: optional(whole(0), 10),
  /** What counts as better: by more than this. Default 0.0001. */
  minDelta: optional(real(0), 1e-4),
  /** Epochs after a reduction in which nothing is counted. Default 0. */
  cooldown: optional(whole(0), 0),
  /** The rate does not go below this. Default 0. */
  minLr: optional(real(0), 0),
};

export interface ReduceLROnPlateauOptions extends OptionsOf<typeof REDUCE_LR_ON_PLATEAU> {}

interface Kept {
  wait: number;
  cooling: number;
  best?: number;
}

/**
 * A callback that reduces the learning rate when a figure has not become better for some epochs: Keras's ReduceLROnPlateau.
 * The optimizer's rate must be a number, not a schedule.
 *
 * Throws RangeError on options out of range; in fit(), where the training does not report the figure; TypeError there on a schedule.
 */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callbacks {
  checkOptions({ call: "reduceLROnPlateau(*)", table: REDUCE_LR_ON_PLATEAU }, options);
  const filled = withDefaults(REDUCE_LR_ON_PLATEAU, options);
  const { monitor, factor, patience, cooldown, minLr } = filled;
  const watch = new Watch("reduceLROnPlateau", filled, (): Kept => ({ wait: 0, cooling: 0 }));
  return {
    onTrainBegin(info, training) {
      watch.begin(info);
      // Throws now where the rate follows a schedule, not when it is to be reduced.
      const { learningRate } = training;
      training.learningRate = learningRate;
    },
    onEpochEnd(_info, logs, training) {
      const { kept } = watch;
      const value = logs[monitor]!;
      if (kept.cooling > 0) {
        kept.cooling--;
        kept.wait = 0;
      }
      if (watch.better(value, kept.best)) {
        kept.best = value;
        kept.wait = 0;
      } else if (kept.cooling === 0 && ++kept.wait >= patience) {
        const rate = training.learningRate;
        if (rate <= minLr) return;
        training.learningRate = Math.max(rate * factor, minLr);
        kept.cooling = cooldown;
        kept.wait = 0;
      }
    },
    state: () => watch.state(),
    restore: (state) => watch.restore(state),
  };
}
