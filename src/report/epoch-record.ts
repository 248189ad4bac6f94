/** `{ ...info, ...logs }` of the callback onEpochEnd is one. NaN and infinite figures are allowed, and shown as missing. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  readonly loss: number;
  /** Share of right answers, 0 to 1; so too val_accuracy. */
  readonly accuracy?: number | undefined;
  readonly val_loss?: number | undefined;
  readonly val_accuracy?: number | undefined;
  /** Training images per second. */
  readonly imagesPerSecond?: number | undefined;
}
