import { onTestFinished } from "vitest";
import { ACCURACY } from "../../src/metrics/accuracy.ts";
import type { Metric } from "../../src/metrics/metric.ts";
import type { Layer } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import type { CompileOptions, OutputOptions } from "../../src/train/compiled-options.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { type Sequential, sequential } from "../../src/train/sequential.ts";
import { Session, type SessionOptions } from "../../src/train/session.ts";
import { hash32 } from "./fixture-values.ts";

/** Options of a session; `loss` and `metrics` go for each output. */
export type TestSessionOptions = Partial<SessionOptions> & {
  readonly loss?: OutputOptions["loss"];
  readonly metrics?: readonly Metric[];
};

/** A session that ends with the test. By default on one thread, with an optimizer that changes nothing. */
export async function sessionOf(
  model: readonly Layer[] | Model,
  { loss = "categoricalCrossentropy", metrics = [ACCURACY], ...options }: TestSessionOptions = {},
): Promise<Session> {
  const { graph, outputs } = "graph" in model ? model : sequential(model);
  const session = await Session.create(graph, {
    backend: "simd",
    threads: 1,
    seed: 1,
    outputs: outputs.map(({ name }) => ({ name, loss, weight: 1, metrics })),
    optimizer: sgd({ learningRate: 0 }),
    preprocessing: { scale: 1 / 255, offset: 0 },
    ...options,
  });
  onTestFinished(() => session.dispose());
  return session;
}

/** A compiled model that ends with the test. By default on one thread. */
export async function modelOf(layers: readonly Layer[], options: CompileOptions = {}): Promise<Sequential> {
  const model = sequential(layers);
  await model.compile({ threads: 1, ...options });
  onTestFinished(() => model.dispose());
  return model;
}

/** 0 .. count - 1: all samples, in order. */
export function all(samples: Pick<Samples, "count">): Uint32Array {
  return Uint32Array.from({ length: samples.count }, (_, i) => i);
}

/** Outputs for all samples, as one batch. */
export function outputsOf(session: Session, samples: Samples): Float32Array {
  const out = new Float32Array(samples.count * session.graph.outputs[0]!.shape[0]!);
  session.predictStep(samples, all(samples), out);
  return out;
}

/** n multiples of 1/4 from -1 to 1: small sums and products of them are exact in f32, in any order. */
export function quarters(n: number, seed: number): Float32Array {
  const start = hash32(seed);
  return Float32Array.from({ length: n }, (_, i) => ((hash32(start + i) % 9) - 4) / 4);
}
