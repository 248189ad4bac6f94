/** Figures of a batch or an epoch by name: the loss, the metrics, and those with `val_` where there is validation data. */
export type Logs = {
  /** Mean loss: of the epoch so far, in a batch's logs. */
  readonly loss: number;
} & Readonly<
  /** By name, e.g. accuracy: share of samples whose class is right, 0 to 1. Undefined where it is not reported. */
  Record<string, number>
>;

export interface TrainInfo {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Training samples in an epoch, validation excluded. */
  readonly samples: number;
  readonly validationSamples: number;
  readonly batchSize: number;
  /** Figures that an epoch reports, by name: loss, accuracy, val_loss and so on. */
  readonly figures: readonly string[];
  /** For each of them 1 where more is better, -1 where less is. */
  readonly signs: readonly (1 | -1)[];
}

export interface BatchInfo {
  /** From 0. */
  readonly epoch: number;
  readonly batch: number;
  /** Mean loss of this batch alone, before its update; that of the epoch so far is in the logs. */
  readonly loss: number;
  /** Training samples done in this epoch. */
  readonly seen: number;
  /** Of the epoch so far: samples per second of training steps. */
  readonly imagesPerSecond: number;
}

export interface EpochInfo {
  readonly epoch: number;
  /** Seconds in training steps, batch assembly and optimizer included, and in validation. */
  readonly trainSeconds: number;
  readonly validationSeconds: number;
  readonly imagesPerSecond: number;
  readonly learningRate: number;
}

/** What fit returns. */
export interface History {
  /** One number an epoch for each figure that was reported: loss, accuracy, val_loss, val_accuracy. */
  readonly history: { readonly loss: number[] } & Record<string, number[]>;
  /** Numbers of the finished epochs, from 0. */
  readonly epoch: number[];
  /** Epoch whose weights the model holds, where fit was told to restore the best ones. */
  bestEpoch?: number;
  /** True where the signal or a callback's stop() ended training early: an epoch that was broken off is not in the history. */
  stopped: boolean;
  /** Where the loss was no longer finite, both from 0, with terminateOnNaN(), or as a training that rejected tells: that epoch is not in the history. */
  diverged?: { readonly epoch: number; readonly batch: number };
  /** What is odd about what was given, e.g. that validation lacks classes: a sentence each. */
  warnings: string[];
  /** Seconds in training steps, and samples trained on, over all epochs. */
  trainSeconds: number;
  trainedSamples: number;
  /** Training steps done. */
  steps: number;
  /** Samples that an epoch trains on, and those that validate it: 0 without validation. */
  readonly trainSamples: number;
  readonly validationSamples: number;
  /** The same by class, `counts[id]`; undefined without labels, or without validation. */
  readonly trainCounts: readonly number[] | undefined;
  readonly validationCounts: readonly number[] | undefined;
}
