import { PreparedPlan } from "../compiler/prepare.ts";
import type { ModelView } from "./callbacks.ts";
import type { WeightsTaken } from "./check-weights.ts";
import { Compiled } from "./compiled.ts";
import type { EvaluateOptions, Evaluation } from "./evaluate.ts";
import type { FitOptions } from "./fit.ts";
import type { Session } from "./session.ts";
import type { Held } from "./source.ts";
import { Training } from "./training.ts";

/** What a Model has compiled: unlike in a worker, samples may be a source's, which is told when nothing more is read. */
export class CompiledModel extends Compiled {
  #training: Training | undefined;
  /** The plan that answered last, of weights that were finite: while the arena is its own, they are as they were. */
  #answered: unknown;
  /** How often weights were set: meanwhile, too, so that what was asked before tells nothing of them. */
  #set = 0;

  constructor(session: Session) {
    super(session);
    session.asked = PreparedPlan;
  }

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
    this.#set++;
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

  override async predict(samples: Held, options: EvaluateOptions): Promise<Float32Array[]> {
    const { session } = this;
    const { engine } = session;
    const set = this.#set;
    session.finite = engine.arenaOwner !== undefined && engine.arenaOwner === this.#answered;
    const answers = await released(samples, super.predict(samples, options));
    const owner = engine.arenaOwner;
    this.#answered = owner instanceof PreparedPlan && set === this.#set ? owner : undefined;
    return answers;
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
