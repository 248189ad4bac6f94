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

/** Where the first number that is not finite was found; "range": all that went in is finite, what came of it grew too large. */
export type NonFiniteSource = "weights" | "inputs" | "targets" | "range";

/** A result would be NaN or infinite, which is no answer; or the weights that a training begins with are. */
export class NonFiniteError extends Error {
  override readonly name = "NonFiniteError";
  readonly code: NonFiniteSource;

  constructor(code: NonFiniteSource, message: string) {
    super(message);
    this.code = code;
  }
}
