/** What fit returns. */
export interface History {
  /** One number an epoch for each figure that was reported: loss, accuracy, val_loss, val_accuracy. */
  readonly history: { readonly loss: number[] } & Record<string, number[]>;
  /** Numbers of the finished epochs, from 0. */
  readonly epoch: number[];
  /** Epoch whose weights the model holds, where fit was told to restore the best ones. */
  bestEpoch?: number;
  /** True where its signal or a callback ended training early: an epoch that was broken off is not in the history. */
  stopped: boolean;
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
