import { yieldToEventLoop } from "#platform";
import { elements } from "../compiler/graph.ts";
import type { Logs } from "./callbacks.ts";
import { nonFinite, requireFiniteWeights } from "./finite.ts";
import type { Samples, SampleWeights } from "./samples.ts";
import type { Session } from "./session.ts";
import { batchOf, orderOf, type Part, wholePart } from "./validation.ts";

export interface PredictOptions {
  /** Samples computed at once, at most; changes speed and memory, not results. Default 64. */
  batchSize?: number;
  signal?: AbortSignal;
}

export interface EvaluateOptions extends PredictOptions {
  /** As `weights` in samples: what each one's loss is multiplied by. Metrics count all alike. */
  sampleWeight?: SampleWeights | readonly number[] | undefined;
}

/** The loss and the metrics by name, e.g. accuracy. */
export type Evaluation = Logs;

export const BATCH = 64;
/** The event loop gets a turn at least this often. */
export const YIELD_MS = 15;

/** Runs `step` over the samples in order, a batch at a time, yielding to the event loop. */
async function inBatches(
  part: Part,
  { batchSize = BATCH, signal }: PredictOptions,
  step: (samples: Samples, indices: Uint32Array, first: number) => void,
): Promise<void> {
  const order = orderOf(part);
  let yielded = performance.now();
  for (let first = 0; first < part.count; first += batchSize) {
    signal?.throwIfAborted();
    const indices = order.subarray(first, first + batchSize);
    step(...(await batchOf(part, indices)), first);
    if (performance.now() - yielded > YIELD_MS) {
      await yieldToEventLoop();
      yielded = performance.now();
    }
  }
}

/** See Model.evaluate. Throws NonFiniteError where a weight or the loss of a batch is NaN or infinite. */
export async function evaluate(
  session: Session,
  samples: Samples,
  options: EvaluateOptions,
): Promise<Evaluation> {
  requireFiniteWeights(session, "evaluate()");
  return measure(session, wholePart(samples), options, "", (first, count) => {
    const which = count === 1 ? `sample ${first}` : `samples ${first} to ${first + count - 1}`;
    throw nonFinite(session, samples, `the loss of ${which}`, first, count);
  });
}

/** Loss and metrics of some samples as they come, NaN included: what validation in a training reports, which goes on. */
export async function measure(
  session: Session,
  part: Part,
  options: EvaluateOptions,
  prefix: "" | "val_",
  onNonFinite?: (first: number, count: number) => never,
): Promise<Evaluation> {
  const meters = session.meters();
  await inBatches(part, options, (samples, indices, first) => {
    const result = session.evaluateStep(samples, indices);
    if (!Number.isFinite(result.loss)) onNonFinite?.(first, indices.length);
    meters.add(result, indices.length);
  });
  return meters.logs(prefix);
}

/** See Model.predict: a list, by output. Throws NonFiniteError where a weight or an output is NaN or infinite. */
export async function predict(
  session: Session,
  samples: Samples,
  options: PredictOptions,
): Promise<Float32Array[]> {
  requireFiniteWeights(session, "predict()");
  const sizes = session.graph.outputs.map(({ shape }) => elements(shape));
  const out = sizes.map((size) => new Float32Array(samples.count * size));
  await inBatches(wholePart(samples), options, (given, indices, first) => {
    const own = out.map((all, i) => all.subarray(first * sizes[i]!, (first + indices.length) * sizes[i]!));
    session.predictStep(given, indices, own);
    for (const [i, numbers] of own.entries()) {
      const at = numbers.findIndex((value) => !Number.isFinite(value));
      if (at < 0) continue;
      const sample = first + Math.floor(at / sizes[i]!);
      throw nonFinite(session, samples, `the output for sample ${sample}`, sample, 1);
    }
  });
  return out;
}
