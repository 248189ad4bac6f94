import { median } from "d3-array";
import { yieldToEventLoop } from "#platform";
import { algorithmOf } from "../compiler/algorithm.ts";
import { elements } from "../compiler/graph.ts";
import type { CallInfo } from "../compiler/plan.ts";
import { shapesText } from "../compiler/shapes-text.ts";
import { trafficOf } from "../compiler/traffic.ts";
import type { Backend } from "../engine/engine.ts";
import { measureBandwidth, measurePeak } from "../engine/peak.ts";
import type { PlanOptions } from "./compile-plan.ts";
import type { Samples } from "./samples.ts";
import type { Session } from "./session.ts";

export interface ProfileOptions {
  readonly batchSize: number;
  /** train: forward, loss, backward and update. evaluate: forward and loss. predict: forward. */
  readonly mode: PlanOptions["mode"];
  /** Steps run call by call, and as many run whole, in turns. Default 50. */
  readonly repetitions?: number;
  /** Steps run before the clock counts, so that the runtime's optimising compiler has done its work. Default 500. */
  readonly warmUpMilliseconds?: number;
}

/** One kernel call of the plan. Times are medians. */
export interface ProfileRow {
  readonly phase: CallInfo["phase"];
  readonly layer: string;
  readonly kernel: CallInfo["kernel"];
  /** How the kernel goes about it, where there is more than one way; else "". */
  readonly algorithm: string;
  /** The sizes that it works on. */
  readonly shapes: string;
  /** Pieces that threads can share. */
  readonly tasks: number;
  /**
   * Multiplications and additions by the op's definition, 0 where they do not dominate. A kernel that saves some of
   * them, by Winograd's products or by leaving out zeros, may show more GFLOP/s than the machine has.
   */
  readonly flops: number;
  /** Bytes read and written, each tensor taken whole and once. */
  readonly bytes: number;
  readonly microseconds: number;
  /** null where flops is 0. */
  readonly gflops: number | null;
  /** gflops over the peak of all threads; null where flops is 0. */
  readonly peakShare: number | null;
  /** Bytes a second over what as many threads could copy in memory: above 1 where they lie in caches. */
  readonly bandwidthShare: number;
}

export interface Profile {
  readonly backend: Backend;
  readonly threads: number;
  readonly mode: PlanOptions["mode"];
  readonly batchSize: number;
  readonly repetitions: number;
  /** Measured peak of one thread, 10^9 multiplications and additions a second. */
  readonly peakGflops: number;
  /** Measured bytes a second, in 10^9, that one thread reads and writes when it copies what no cache holds. */
  readonly bandwidth: number;
  readonly rows: readonly ProfileRow[];
  /** Copying a batch into linear memory, on this thread. */
  readonly loadMicroseconds: number;
  /**
   * A whole step, loading included, as fit() and predict() run it: in one call into wasm. In mode "predict" without the calls of
   * weights alone, which are made once; predict() itself takes fewer images at once where caches hold no more.
   */
  readonly stepMicroseconds: number;
  readonly imagesPerSecond: number;
}

/**
 * Times every kernel call of a step by itself, and whole steps in between. Trains in mode "train": give it a model
 * of its own. Batches are taken from the samples in order, from the start again after the last.
 */
export async function profile(session: Session, samples: Samples, options: ProfileOptions): Promise<Profile> {
  const { batchSize, mode, repetitions = 50, warmUpMilliseconds = 500 } = options;
  const { engine } = session;
  let next = 0;
  const batch = new Uint32Array(batchSize);
  const nextBatch = () => {
    for (let i = 0; i < batchSize; i++) batch[i] = next++ % samples.count;
    return batch;
  };
  const outputs = new Float32Array(
    mode === "predict" ? batchSize * elements(session.graph.outputs[0]!.shape) : 0,
  );
  const wholeStep = () => {
    if (mode === "train") session.trainStep(samples, nextBatch());
    else if (mode === "evaluate") session.evaluateStep(samples, nextBatch());
    else session.predictStep(samples, nextBatch(), outputs);
  };

  const peakGflops = measurePeak(engine).gflops;
  const bandwidth = measureBandwidth();
  for (const end = performance.now() + warmUpMilliseconds; performance.now() < end; ) {
    wholeStep();
    await yieldToEventLoop();
  }

  const steps: number[] = [];
  const loads: number[] = [];
  const { plan } = session.load(mode, samples, nextBatch());
  const times = plan.calls.map((): number[] => []);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    nextBatch();
    loads.push(timed(() => session.load(mode, samples, batch)));
    if (mode === "train") session.optimizer.beginStep();
    for (let i = 0; i < times.length; i++) times[i]!.push(timed(() => plan.run(i, i + 1)));
    steps.push(timed(wholeStep));
    await yieldToEventLoop();
  }

  const stepMicroseconds = median(steps)!;
  const traffic = trafficOf(plan.planner);
  return {
    backend: engine.backend,
    threads: engine.threads,
    mode,
    batchSize,
    repetitions,
    peakGflops,
    bandwidth,
    rows: plan.calls.map((call, i) =>
      row(call, traffic[i]!, median(times[i]!)!, {
        gflops: peakGflops * engine.threads,
        bandwidth: bandwidth * engine.threads,
      }),
    ),
    loadMicroseconds: median(loads)!,
    stepMicroseconds,
    imagesPerSecond: (1e6 * batchSize) / stepMicroseconds,
  };
}

function row(
  call: CallInfo,
  bytes: number,
  microseconds: number,
  machine: { readonly gflops: number; readonly bandwidth: number },
): ProfileRow {
  const { phase, layer, kernel, tasks, flops } = call;
  const gflops = flops > 0 ? flops / microseconds / 1000 : null;
  const peakShare = gflops === null ? null : gflops / machine.gflops;
  return {
    phase,
    layer,
    kernel,
    algorithm: algorithmOf(call),
    shapes: shapesText(call),
    tasks,
    flops,
    bytes,
    microseconds,
    gflops,
    peakShare,
    bandwidthShare: bytes / microseconds / 1000 / machine.bandwidth,
  };
}

function timed(work: () => void): number {
  const began = performance.now();
  work();
  return 1000 * (performance.now() - began);
}
