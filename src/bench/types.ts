import type { Backend } from "../engine/engine.ts";
import type { Samples } from "../train/samples.ts";

/** What a row measures: whole training steps (batch assembly, forward, backward, update), or class probabilities. */
export type Work = "training" | "inference";

/** A build of the kernels on so many threads. */
export interface Configuration {
  readonly build: Backend;
  readonly threads: number;
}

/** Work at a batch size. */
export interface Task {
  readonly what: Work;
  readonly batch: number;
}

/** One figure of a benchmark. */
export interface BenchmarkRow extends Configuration, Task {
  /** Median of `samples`. */
  readonly imagesPerSecond: number;
  /** Images a second in each turn, in the order measured. */
  readonly samples: readonly number[];
}

/** A configuration that could not be measured, and why. */
export interface SkippedConfiguration extends Configuration {
  readonly reason: string;
}

export interface BenchmarkReport {
  /** In the order of the configurations, then of the tasks. */
  readonly rows: readonly BenchmarkRow[];
  readonly skipped: readonly SkippedConfiguration[];
}

/** What a benchmark times: a compiled Model where it runs itself, a Trainer where it runs in a worker. */
export interface Subject {
  fit(
    samples: Samples,
    options: { epochs: number; batchSize: number },
  ): Promise<{ readonly trainSeconds: number; readonly trainedSamples: number }>;
  predict(samples: Samples, options: { batchSize: number }): Promise<Float32Array>;
  dispose(): void;
}

/** Makes a model ready in a configuration. Rejects where this runtime can't run it: the message becomes the reason. */
export type OpenSubject = (configuration: Configuration) => Promise<Subject>;

export interface MeasureOptions {
  /** Default training at batch 32 and 128, inference at batch 100. */
  readonly tasks?: readonly Task[];
  /** Turns of each configuration. Default 7. */
  readonly rounds?: number;
  /** Milliseconds of each task in a turn, about. Default 150. */
  readonly milliseconds?: number;
  /** Ends the benchmark after the task under way: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How far a benchmark is. */
export interface BenchmarkProgress extends BenchmarkReport {
  /** Parts done, of `total`: preparing a configuration is one, each task of a turn is one. */
  readonly done: number;
  readonly total: number;
  /** What is measured now; undefined at the end. */
  readonly now: Configuration | undefined;
}
