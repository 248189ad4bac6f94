/** What a step tells of one output of the model. */
export interface OutputResult {
  /** Mean loss over the batch. */
  readonly loss: number;
  /** Samples whose class is right. */
  readonly correct: number;
}

/** What a step on a batch tells. */
export interface StepResult {
  /** Mean loss over the batch. What divergence is judged by. */
  readonly loss: number;
  /** By output of the model. */
  readonly outputs: readonly OutputResult[];
}
