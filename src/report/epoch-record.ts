/** `{ ...info, ...logs }` of the callback onEpochEnd is one. NaN and infinite figures are allowed, and shown as missing. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  readonly loss: number;
  /** Share of right answers, 0 to 1; so too val_accuracy. */
  readonly accuracy?: number | undefined;
  readonly val_loss?: number | undefined;
  readonly val_accuracy?: number | undefined;
  /** Mean intersection over union of masks, 0 to 1. */
  readonly meanIoU?: number | undefined;
  readonly val_meanIoU?: number | undefined;
  /** Of numbers. */
  readonly meanAbsoluteError?: number | undefined;
  readonly val_meanAbsoluteError?: number | undefined;
  readonly meanSquaredError?: number | undefined;
  readonly val_meanSquaredError?: number | undefined;
  /** Training images per second. */
  readonly imagesPerSecond?: number | undefined;
  /** That of the next training step. */
  readonly learningRate?: number | undefined;
}

/** Of an epoch what the model is judged by. */
export type Figure = Exclude<keyof EpochRecord, "epoch" | "imagesPerSecond" | "learningRate">;
