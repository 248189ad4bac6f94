import type { BatchInfo, Callbacks } from "./callbacks.ts";
import { TrainingDivergedError } from "./errors.ts";
import type { Place } from "./place.ts";
import type { Session } from "./session.ts";

/** Steps between copies of weights that are known to be good: how far back a diverged training may fall. */
const SNAPSHOT_STEPS = 100;

/**
 * The guard of every training, first among its callbacks: where a loss or a weight became NaN or infinite it gives the model
 * its last good weights back and throws TrainingDivergedError; `quietly` it stops the training. Weights are good when they and the loss that they give are
 * finite, which the next step tells: a copy is a candidate until then.
 */
export function goodWeights(session: Session, place: Place, quietly: boolean): Callbacks {
  let lastBatch: number;
  let good: Float32Array;
  let candidate: Float32Array;
  let steps = 0;
  /** The last step, while nobody looked at what its update left. */
  let unseen: BatchInfo | undefined;

  const diverge = (loss: number, { epoch, batch }: BatchInfo) => {
    session.writableWeights.set(good);
    // The momenta come from the steps that went wrong.
    session.optimizer.reset();
    place.history.diverged = { epoch, batch };
    if (!quietly) throw new TrainingDivergedError(loss, epoch, batch);
    place.stopping = true;
  };
  /** The last update's effect shows in no training loss: looks at what it left, where the epoch was broken off, too. */
  const look = () => {
    const info = unseen;
    unseen = undefined;
    if (info && !session.weightVector.every(Number.isFinite)) diverge(Number.NaN, info);
  };

  return {
    onTrainBegin({ stepsPerEpoch }) {
      lastBatch = stepsPerEpoch - 1;
      good = new Float32Array(session.weightVector);
      candidate = new Float32Array(good);
    },
    onBatchEnd(info) {
      const { loss, batch } = info;
      if (!Number.isFinite(loss)) {
        unseen = undefined;
        return diverge(loss, info);
      }
      // The weights before the step were good.
      const phase = steps++ % SNAPSHOT_STEPS;
      if (phase === 0) candidate.set(session.weightVector);
      // A weight can be infinite where relu hides it from the loss.
      else if (phase === 1 && candidate.every(Number.isFinite)) [good, candidate] = [candidate, good];
      unseen = info;
      if (batch === lastBatch) look();
    },
    onTrainEnd: look,
  };
}
