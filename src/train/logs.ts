/** Figures of a batch or an epoch by name: the loss, the metrics, and those with `val_` where there is validation data. */
export type Logs = {
  /** Mean loss: of the epoch so far, in a batch's logs. */
  readonly loss: number;
} & Readonly<
  /** By name, e.g. accuracy: share of samples whose class is right, 0 to 1. Undefined where it is not reported. */
  Record<string, number>
>;
