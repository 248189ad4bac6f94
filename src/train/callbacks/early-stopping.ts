import { checkOptions } from "../../options/check.ts";
import { flag, type OptionsOf, optional, real, some, whole, withDefaults } from "../../options/kinds.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { Callbacks } from "../callbacks.ts";
import { MONITOR, Watch } from "./monitor.ts";

export const EARLY_STOPPING = {
  ...MONITOR,
  /** What counts as better: by more than this. Default 0. */
  minDelta: optional(real(0), 0),
  /** Epochs without anything better after which training stops; one whose figure is NaN is such. Default 0. */
  patience: optional(whole(0), 0),
  /** The figure must be better than this, too, or the epoch counts as one without. */
  baseline: some<number>("a finite number", Number.isFinite, 0.5),
  /** Whether the model gets back the weights of the best epoch. Default false: it keeps the last one's. */
  restoreBestWeights: optional(flag, false),
  /** Epochs at the beginning in which nothing is watched. Default 0. */
  startFromEpoch: optional(whole(0), 0),
};

export interface EarlyStoppingOptions extends OptionsOf<typeof EARLY_STOPPING> {}

interface Kept {
  wait: number;
  best?: number;
  bestEpoch: number;
  weights?: readonly NamedTensor[];
}

/**
 * A callback that stops training when a figure has not become better for some epochs: Keras's EarlyStopping.
 *
 * Throws RangeError on options out of range; in fit(), where the training does not report the figure.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callbacks {
  checkOptions({ call: "earlyStopping(*)", table: EARLY_STOPPING }, options);
  const filled = withDefaults(EARLY_STOPPING, options);
  const { monitor, patience, baseline, restoreBestWeights, startFromEpoch } = filled;
  const watch = new Watch("earlyStopping", filled, (): Kept => ({ wait: 0, bestEpoch: 0 }));
  return {
    onTrainBegin: (info) => watch.begin(info),
    async onEpochEnd({ epoch }, logs, training) {
      if (epoch < startFromEpoch) return;
      const { kept } = watch;
      const value = logs[monitor]!;
      kept.wait++;
      if (watch.better(value, kept.best)) {
        Object.assign(kept, { best: value, bestEpoch: epoch });
        if (restoreBestWeights) kept.weights = await training.getWeights();
        if (baseline === undefined || watch.better(value, baseline)) kept.wait = 0;
      } else if (kept.wait >= patience && epoch > 0) training.stop();
    },
    async onTrainEnd(history, training) {
      const { weights, bestEpoch } = watch.kept;
      if (!weights) return;
      await training.setWeights(weights);
      history.bestEpoch = bestEpoch;
    },
    state: () => watch.state(),
    restore: (state) => watch.restore(state),
  };
}
