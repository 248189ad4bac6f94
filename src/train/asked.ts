import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { Samples } from "./samples.ts";

/** What can be asked: a compiled Model, or a Trainer. */
export interface Asked {
  evaluate(samples: Samples, options?: EvaluateOptions): Promise<Evaluation>;
  predict(samples: Samples, options?: EvaluateOptions): Promise<Float32Array>;
}
