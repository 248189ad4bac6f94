import { checkOptions } from "../../options/check.ts";
import { flag, type OptionsOf, optional, real, some, whole, withDefaults } from "../../options/kinds.ts";
import type { Callbacks } from "../callbacks.ts";
import type { NamedTensor } from "../safetensors.ts";
import { direction, MONITOR, requireFigure } from "./monitor.ts";

const table = {
  ...MONITOR,
  /** What counts as better: by more than this. Default 0. */
  minDelta: optional(real(0), 0),
  /** Epochs without anything better after which training stops. Default 0. */
  patience: optional(whole(0), 0),
  /** The figure must be better than this, too, or the epoch counts as one without. */
  baseline: some<number>("a finite number", Number.isFinite, 0.5),
  /** Whether the model gets back the weights of the best epoch. Default false: it keeps the last one's. */
  restoreBestWeights: optional(flag, false),
  /** Epochs at the beginning in which nothing is watched. Default 0. */
  startFromEpoch: optional(whole(0), 0),
};

export interface EarlyStoppingOptions extends OptionsOf<typeof table> {}

interface Kept {
  wait: number;
  best: number | undefined;
  bestEpoch: number;
  weights: readonly NamedTensor[] | undefined;
}

/**
 * A callback that stops training when a figure has not become better for some epochs: Keras's EarlyStopping.
 *
 * @throws RangeError on options out of range; in fit(), where the training does not report the figure
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callbacks {
  checkOptions({ call: "earlyStopping(*)", table }, options);
  const { monitor, mode, minDelta, patience, baseline, restoreBestWeights, startFromEpoch } = withDefaults(
    table,
    options,
  );
  const sign = direction(monitor, mode);
  const better = (value: number, than: number | undefined) =>
    than === undefined || sign * value - minDelta > sign * than;
  const fresh = (): Kept => ({ wait: 0, best: undefined, bestEpoch: 0, weights: undefined });
  let kept = fresh();
  let restored = false;
  return {
    onTrainBegin(info) {
      requireFigure("earlyStopping", monitor, info);
      if (!restored) kept = fresh();
      restored = false;
    },
    async onEpochEnd({ epoch }, logs, training) {
      const value = logs[monitor]!;
      if (epoch < startFromEpoch || Number.isNaN(value)) return;
      if (restoreBestWeights && !kept.weights)
        Object.assign(kept, { weights: await training.getWeights(), bestEpoch: epoch });
      kept.wait++;
      if (better(value, kept.best)) {
        Object.assign(kept, { best: value, bestEpoch: epoch });
        if (restoreBestWeights) kept.weights = await training.getWeights();
        if (baseline === undefined || better(value, baseline)) kept.wait = 0;
        return;
      }
      if (kept.wait >= patience && epoch > 0) training.stop();
    },
    async onTrainEnd(history, training) {
      if (!kept.weights) return;
      await training.setWeights(kept.weights);
      history.bestEpoch = kept.bestEpoch;
    },
    state: () => ({ ...kept }),
    restore(state) {
      kept = state as Kept;
      restored = true;
    },
  };
}
