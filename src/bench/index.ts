// Measures this very browser: each configuration is a trainer in workers of its own, so that the page stays free.
import { createTrainer, loadDataset } from "../browser.ts";
import { BACKENDS } from "../engine/engine.ts";
import { sharesMemory } from "../engine/platform/web.ts";
import { BENCHMARK_IMAGES, benchmarkModel, Measurement } from "./measure.ts";
import type {
  BenchmarkProgress,
  BenchmarkReport,
  Configuration,
  MeasureOptions,
  OpenSubject,
} from "./types.ts";

export { TASKS } from "./measure.ts";
export type * from "./types.ts";

export interface BenchmarkOptions extends MeasureOptions {
  /** Default: what defaultConfigurations() gives. */
  readonly configurations?: readonly Configuration[];
  readonly onProgress?: (progress: BenchmarkProgress) => void;
  /** As createTrainer() takes it. */
  readonly workerUrl?: string | URL;
}

/** Every build on 1, 2, 4 and 8 threads, as many as the hardware has and the page may use. */
export function defaultConfigurations(
  hardware: number = sharesMemory() ? navigator.hardwareConcurrency : 1,
): Configuration[] {
  const threads = [1, 2, 4, 8].filter((n) => n <= Math.max(1, hardware));
  return BACKENDS.flatMap((build) => threads.map((n) => ({ build, threads: n })));
}

/**
 * Times the seed CNN on generated digits. What this browser can't run is among `skipped`, with its reason.
 * Rejects with the signal's reason when it is aborted.
 */
export async function runBenchmark(options: BenchmarkOptions = {}): Promise<BenchmarkReport> {
  const measurement = await prepareBenchmark(options);
  try {
    return await measurement.run();
  } finally {
    measurement.dispose();
  }
}

/** Opens and warms up all configurations, for a caller that makes the turns itself and disposes the measurement. */
export async function prepareBenchmark(options: BenchmarkOptions = {}): Promise<Measurement> {
  const { configurations = defaultConfigurations(), workerUrl, signal } = options;
  const worker = workerUrl === undefined ? {} : { workerUrl };
  const { train } = await loadDataset("digits", {
    train: BENCHMARK_IMAGES,
    test: 1,
    ...worker,
    ...(signal && { signal }),
  });
  const open: OpenSubject = async ({ build, threads }) => {
    const trainer = await createTrainer(benchmarkModel(), {
      backend: build,
      threads,
      metrics: [],
      ...worker,
    });
    if (trainer.info.threads === threads) return trainer;
    trainer.dispose();
    throw new Error(trainer.info.notice ?? `${trainer.info.threads} threads compute instead of ${threads}`);
  };
  const measurement = new Measurement(options);
  try {
    await measurement.open(configurations, open, train);
    return measurement;
  } catch (error) {
    measurement.dispose();
    throw error;
  }
}
