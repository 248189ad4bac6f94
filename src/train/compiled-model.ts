import type { ModelView } from "./callbacks.ts";
import { Compiled } from "./compiled.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import type { Held } from "./source.ts";
import { Training } from "./training.ts";

/** What a Model has compiled: unlike in a worker, samples may be a source's, which is told when nothing more is read. */
export class CompiledModel extends Compiled {
  /** `model`: whose training it is, for callbacks. */
  training(samples: Held, options: FitOptions, model: ModelView): Training {
    return new Training(this.session, samples, options, model);
  }

  override evaluate(samples: Held, options: EvaluateOptions): Promise<Evaluation> {
    return released(samples, super.evaluate(samples, options));
  }

  override predict(samples: Held, options: EvaluateOptions): Promise<Float32Array[]> {
    return released(samples, super.predict(samples, options));
  }
}

async function released<T>(samples: Held, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw samples.explained?.(error) ?? error;
  } finally {
    await samples.release?.();
  }
}

export { checkMetrics } from "../metrics/check-metrics.ts";
export { checkCompile } from "./outputs.ts";
export { held } from "./stream.ts";
export { weightsSha256 } from "./weights.ts";
