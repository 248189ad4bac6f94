/**
 * The loss or a weight became NaN or infinite. The model holds good weights again: those of the last copy, which is
 * taken every 100 steps and counts as good once the next step's loss is finite. Its optimizer starts anew.
 */
export class TrainingDivergedError extends Error {
  override readonly name = "TrainingDivergedError";
  /** Both from 0. */
  readonly epoch: number;
  readonly batch: number;

  constructor(loss: number, epoch: number, batch: number) {
    super(
      `the loss became ${loss} in epoch ${epoch + 1}, batch ${batch + 1}; the model has its last good weights. Lower the learning rate, clip gradients, or check that inputs and targets are finite`,
    );
    this.epoch = epoch;
    this.batch = batch;
  }
}
