import type { Callbacks, EpochInfo, Logs } from "../../train/callbacks.ts";

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

const COLUMNS = [
  ["loss", "loss"],
  ["accuracy", "accuracy"],
  ["val_loss", "val_loss"],
  ["val_accuracy", "val_accuracy"],
  ["learningRate", "learning_rate"],
  ["trainSeconds", "train_seconds"],
  ["validationSeconds", "validation_seconds"],
  ["imagesPerSecond", "images_per_second"],
] as const satisfies readonly (readonly [keyof EpochRow, string])[];

/** One line an epoch, numbered from 1; an empty cell where there is no figure. */
export function historyCsv(epochs: readonly EpochRow[]): string {
  const lines = epochs.map((row) => [row.epoch + 1, ...COLUMNS.map(([key]) => row[key] ?? "")].join(","));
  return `${[["epoch", ...COLUMNS.map(([, name]) => name)].join(","), ...lines].join("\n")}\n`;
}
