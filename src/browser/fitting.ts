import type { Optimizer } from "../optim/optimizer.ts";
import type { History, OwnCallbacks, TrainingHandle } from "../train/callbacks.ts";
import type { CompileOptions, OutputOptions } from "../train/compiled-options.ts";
import type { FitOptions } from "../train/fit.ts";
import type { Model } from "../train/model.ts";
import type { Samples } from "../train/samples.ts";

/** A trainer's model as its worker has compiled it. */
export interface Made {
  model: Model;
  readonly outputs: readonly OutputOptions[];
  readonly optimizer: Optimizer;
  /** What it was compiled with. */
  readonly options: CompileOptions;
  /** What takes the place of the optimizer's own rate, once it was set. */
  rate?: number | undefined;
  /** The last training that the worker was asked for. */
  last?: Fitting | undefined;
}

/** A trainer's training as the page has it. */
export interface Fitting {
  readonly made: Made;
  readonly samples: Samples;
  readonly options: FitOptions;
  readonly callbacks: readonly OwnCallbacks[];
  /** What callbacks get of it. */
  handle?: TrainingHandle;
  /** While the worker waits for a callback. */
  waits?: boolean;
  /** Whether one of them has stopped it. */
  stopping?: boolean;
  /** As its callbacks left it, once it has ended. */
  history?: History;
}
