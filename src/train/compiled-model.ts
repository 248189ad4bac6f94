import { atOnce } from "./at-once.ts";
import type { ModelView } from "./callbacks.ts";
import type { WeightsTaken } from "./check-weights.ts";
import { Compiled } from "./compiled.ts";
import { BATCH, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import type { Held } from "./source.ts";
import { Training } from "./training.ts";

/** What a Model has compiled: unlike in a worker, samples may be a source's, which is told when nothing more is read. */
export class CompiledModel extends Compiled {
  #training: Training | undefined;

  /** `model`: whose training it is, for callbacks. */
  training(samples: Held, options: FitOptions, model: ModelView): Training {
    const training = new Training(this.session, samples, options, model);
    this.#leave();
    this.#training = training;
    return training;
  }

  override setWeights(...given: Parameters<Compiled["setWeights"]>): WeightsTaken {
    const taken = super.setWeights(...given);
    this.#training?.forget();
    return taken;
  }

  override dispose(): void {
    this.#leave();
    super.dispose();
  }

  /** The last training can go no further: its sources may let go. */
  #leave(): void {
    this.#training?.close().catch(() => {});
    this.#training = undefined;
  }

  override evaluate(samples: Held, options: EvaluateOptions): Promise<Evaluation> {
    return released(samples, super.evaluate(samples, options));
  }

  override predict(samples: Held, options: EvaluateOptions): Promise<Float32Array[]> {
    const { batchSize = BATCH } = options;
    const some = { ...options, batchSize: atOnce(this.session, Math.min(batchSize, samples.count)) };
    return released(samples, super.predict(samples, some));
  }
}

async function released<T>(samples: Held, work: Promise<T>): Promise<T> {
  let answer: T;
  try {
    answer = await work;
  } catch (error) {
    const explained = samples.explained?.(error) ?? error;
    await samples.release?.().catch(() => {});
    throw explained;
  }
  await samples.release?.();
  return answer;
}

export { checkMetrics } from "../metrics/check-metrics.ts";
export { checkCompile } from "./outputs.ts";
export { held } from "./stream.ts";
export { weightsSha256 } from "./weights.ts";
