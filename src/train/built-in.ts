// What every training is called back by, before and after a caller's own callbacks.
import { yieldToEventLoop } from "#platform";
import { BestWeights } from "./best-weights.ts";
import type { BatchInfo, Callbacks, TrainingHandle } from "./callbacks.ts";
import { TrainingDivergedError } from "./errors.ts";
import { YIELD_MS } from "./evaluate.ts";
import type { Session } from "./session.ts";

/** Steps between copies of weights that are known to be good: how far back a diverged training may fall. */
const SNAPSHOT_STEPS = 100;

/** All callbacks of a training in the order in which they are called. `figure`: what the best weights are chosen by. */
export function allCallbacks(
  session: Session,
  figure: string | undefined,
  given: readonly Callbacks[],
): readonly Callbacks[] {
  return [
    // Before all others: they are told of no batch that diverged, and read the best weights when training ends.
    new GoodWeights(session),
    ...(figure === undefined ? [] : [new BestWeights(figure)]),
    ...given.filter(({ last }) => !last),
    ...given.filter(({ last }) => last),
    yielding(),
  ];
}

/** The event loop gets a turn now and then. */
function yielding(): Callbacks {
  let yielded = performance.now();
  return {
    async onBatchEnd() {
      if (performance.now() - yielded <= YIELD_MS) return;
      await yieldToEventLoop();
      yielded = performance.now();
    },
  };
}

/**
 * Ends a training whose loss or weights are no longer finite, with a copy of weights that are known to be good. Weights are
 * good when they and the loss that they give are finite, which the next step tells: a copy is a candidate until then.
 */
class GoodWeights implements Callbacks {
  readonly name = "goodWeights";
  readonly #session: Session;
  #good: Float32Array;
  #candidate: Float32Array;
  #steps = 0;
  /** The last batch; none where all weights were found finite after it. */
  #last: BatchInfo | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#good = new Float32Array(session.weightVector);
    this.#candidate = new Float32Array(this.#good);
  }

  onBatchEnd(info: BatchInfo, { loss }: { readonly loss: number }, training: TrainingHandle): void {
    this.#last = info;
    // The mean so far is finite as long as each batch's loss is.
    if (!Number.isFinite(loss)) this.#diverged(loss, training);
    const phase = this.#steps++ % SNAPSHOT_STEPS;
    if (phase === 0) this.#candidate.set(this.#session.weightVector);
    // A weight can be infinite where relu hides it from the loss.
    else if (phase === 1 && this.#candidate.every(Number.isFinite))
      [this.#good, this.#candidate] = [this.#candidate, this.#good];
  }

  onEpochEnd(_info: unknown, _logs: unknown, training: TrainingHandle): void {
    this.#look(training);
  }

  /** Where the signal ended the epoch. */
  onTrainEnd(_history: unknown, training: TrainingHandle): void {
    this.#look(training);
  }

  /** Nothing to remember: weights that a training goes on from are good. */
  state(): unknown {
    return null;
  }

  restore(): void {
    this.#good.set(this.#session.weightVector);
    this.#steps = 0;
    this.#last = undefined;
  }

  /** The last update's effect shows in no training loss: what it left. */
  #look(training: TrainingHandle): void {
    if (this.#last && !this.#session.weightVector.every(Number.isFinite))
      this.#diverged(Number.NaN, training);
    this.#last = undefined;
  }

  #diverged(loss: number, training: TrainingHandle): never {
    training.stop();
    this.#session.weightVector.set(this.#good);
    // The momenta come from the steps that went wrong.
    this.#session.optimizer.reset();
    const { epoch, batch } = this.#last!;
    throw new TrainingDivergedError(loss, epoch, batch);
  }
}
