import type { Callbacks, EpochInfo, Logs } from "../train/callbacks.ts";
import type { TrainingState } from "../train/training-state.ts";

/** What is known of a finished epoch. */
export type EpochRow = EpochInfo & Logs;

/** Keeps what a training reports, so that it is there even when fit() rejects. */
export class Recorder implements Callbacks {
  readonly epochs: EpochRow[] = [];
  /** Loss of the first batch, before any update. */
  firstLoss: number | undefined;
  #stepped = 0;
  #seconds = 0;
  #partial = { seen: 0, seconds: 0 };

  /** Goes on from what another one had recorded when that state was taken. */
  resume(epochs: readonly EpochRow[], firstLoss: number | undefined, state: TrainingState): void {
    const { begun, batch, seconds, setting, history } = state;
    this.epochs.push(...epochs);
    this.firstLoss = firstLoss;
    const seen = begun ? Math.min(batch * setting.batchSize, history.trainSamples) : 0;
    this.#partial = { seen, seconds: begun ? seconds : 0 };
    this.#stepped = history.trainedSamples - seen;
    this.#seconds = history.trainSeconds - this.#partial.seconds;
  }

  onBatchEnd({ seen, imagesPerSecond }: { seen: number; imagesPerSecond: number }, { loss }: Logs): void {
    this.firstLoss ??= loss;
    this.#partial = { seen, seconds: seen / imagesPerSecond };
  }

  onEpochEnd(info: EpochInfo, logs: Logs): void {
    this.epochs.push({ ...info, ...logs });
    this.#stepped += this.#partial.seen;
    this.#seconds += this.#partial.seconds;
    this.#partial = { seen: 0, seconds: 0 };
  }

  /** Images trained on so far, those of an unfinished epoch included. */
  get trainedImages(): number {
    return this.#stepped + this.#partial.seen;
  }

  /** Seconds spent in training steps; validation and loading excluded. */
  get trainSeconds(): number {
    return this.#seconds + this.#partial.seconds;
  }

  get imagesPerSecond(): number {
    return this.trainedImages === 0 ? 0 : this.trainedImages / this.trainSeconds;
  }
}
