import type { Callbacks } from "./callbacks.ts";
import type { Samples, SampleWeights } from "./samples.ts";
import type { SampleSource } from "./source.ts";
import type { TrainingState } from "./training-state.ts";
import type { ValidationSource } from "./validation.ts";

/** A weight by class id, or "balanced". */
export type ClassWeight = Readonly<Record<number, number>> | "balanced";

export interface FitOptions {
  /** Default 1. */
  epochs?: number;
  /** Default 32. */
  batchSize?: number;
  /** Share of the samples kept from training and evaluated after each epoch. Default none. */
  validationSplit?: number;
  /**
   * Which samples validationSplit takes. "last", as Keras does: right where samples come in no order. "stratified": the
   * same share of each class, drawn by the model's seed. "shuffled": drawn from all. Default "last".
   */
  validationFrom?: ValidationSource;
  /** Or samples of their own to evaluate after each epoch. */
  validationData?: Samples | SampleSource | undefined;
  /**
   * As `weights` in samples: what each one's loss is multiplied by, in the part that validationSplit takes, too. Metrics count all alike.
   * The mean stays over the number of samples, as Keras has it.
   */
  sampleWeight?: SampleWeights | readonly number[] | undefined;
  /**
   * What samples of a class count in training, by its id: `{ 0: 1, 1: 5 }`, others 1; "balanced": all classes the same, whatever the
   * training part has of each. Not in validation. For models of one output; not beside weights of samples.
   */
  classWeight?: ClassWeight | undefined;
  /** A new order each epoch, from the model's seed. Default true. */
  shuffle?: boolean;
  /** Number of the first epoch: continues the shuffles of an earlier fit. Default 0. */
  initialEpoch?: number;
  /**
   * Figure to choose by: at the end the model gets back the weights of the epoch in which it was best (the first of
   * equals), and history.bestEpoch tells which. Default: the last epoch's weights stay.
   */
  restoreBestWeights?: string;
  callbacks?: Callbacks | readonly Callbacks[];
  /**
   * Goes on from there to the same bits, as if the training whose state it is had never stopped: what training.state() or
   * loadCheckpoint() gave. Weights, the optimizer and the place in the data are the state's; all else must be as it was then,
   * but for a larger number of epochs. initialEpoch has no say then.
   */
  initialState?: TrainingState | undefined;
  /** Aborting ends training after the step under way: fit resolves, with `stopped: true`. */
  signal?: AbortSignal;
}
