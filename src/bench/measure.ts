import { median } from "d3-array";
import { namedModel } from "../model/models.ts";
import type { PlainSamples } from "../train/samples.ts";
import { type Sequential, sequential } from "../train/sequential.ts";
import type {
  BenchmarkProgress,
  BenchmarkReport,
  BenchmarkRow,
  Configuration,
  MeasureOptions,
  OpenSubject,
  SkippedConfiguration,
  Subject,
  Task,
} from "./types.ts";

/** Images that a benchmark trains on, generated digits. */
export const BENCHMARK_IMAGES = 1600;
export const TASKS: readonly Task[] = [
  { what: "training", batch: 32 },
  { what: "training", batch: 128 },
  { what: "inference", batch: 100 },
];
/**
 * Passes over the images before anything is timed, 100 steps: closed relus make backward cheaper, an untrained net has
 * few of them, and runtimes replace their first code by better one meanwhile.
 */
const WARM_UP = { epochs: 2, batchSize: 32 };

/** The model that is timed: the seed CNN for 28x28 grey images. */
export function benchmarkModel(): Sequential {
  return sequential(namedModel("keras-mnist", [28, 28, 1], 10), { name: "keras-mnist" });
}

/** A configuration that is open, and the samples that its tasks take in a turn. */
interface Open {
  readonly configuration: Configuration;
  readonly subject: Subject;
  readonly runs: { readonly task: Task; readonly samples: PlainSamples; readonly figures: number[] }[];
}

/**
 * Times configurations in turns, A B C A B C: a drift of the machine falls on all alike and cancels in ratios.
 * Knows neither page nor process, so that browsers and Node are timed by the same code.
 */
export class Measurement {
  readonly #options: Required<Omit<MeasureOptions, "signal">>;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: BenchmarkProgress) => void) | undefined;
  readonly #open: Open[] = [];
  readonly #skipped: SkippedConfiguration[] = [];
  #done = 0;
  #total = 0;

  constructor(options: MeasureOptions & { onProgress?: (progress: BenchmarkProgress) => void } = {}) {
    const { tasks = TASKS, rounds = 7, milliseconds = 150 } = options;
    requireWhole("rounds", rounds);
    for (const { batch } of tasks) requireWhole("batch", batch);
    this.#options = { tasks, rounds, milliseconds };
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
  }

  /** Opens the configurations, trains each a little, and finds how many images fill a turn. Those that fail are skipped. */
  async open(
    configurations: readonly Configuration[],
    open: OpenSubject,
    samples: PlainSamples,
  ): Promise<void> {
    const { tasks, rounds } = this.#options;
    this.#total += configurations.length * (1 + rounds * tasks.length);
    for (const configuration of configurations) {
      this.#signal?.throwIfAborted();
      this.#report(configuration);
      let subject: Subject;
      try {
        subject = await open(configuration);
      } catch (error) {
        this.#skipped.push({
          ...configuration,
          reason: error instanceof Error ? error.message : String(error),
        });
        this.#total -= 1 + rounds * tasks.length;
        continue;
      }
      const runs: Open["runs"] = [];
      this.#open.push({ configuration, subject, runs });
      await subject.fit(samples, WARM_UP);
      for (const task of tasks) runs.push(await this.#prepare(subject, task, samples));
      this.#done++;
    }
  }

  /** Times every task once, of every configuration or of one. */
  async turn(only?: Configuration): Promise<void> {
    for (const { configuration, subject, runs } of this.#open) {
      if (only && (only.build !== configuration.build || only.threads !== configuration.threads)) continue;
      for (const { task, samples, figures } of runs) {
        this.#signal?.throwIfAborted();
        this.#report(configuration);
        figures.push(samples.count / (await seconds(subject, task, samples)));
        this.#done++;
      }
    }
  }

  /** All turns. */
  async run(): Promise<BenchmarkReport> {
    for (let round = 0; round < this.#options.rounds; round++) await this.turn();
    this.#report(undefined);
    return this.report;
  }

  /** What is measured so far. */
  get report(): BenchmarkReport {
    const rows: BenchmarkRow[] = [];
    for (const { configuration, runs } of this.#open)
      for (const { task, figures } of runs)
        if (figures.length > 0)
          rows.push({ ...configuration, ...task, imagesPerSecond: median(figures)!, samples: [...figures] });
    return { rows, skipped: [...this.#skipped] };
  }

  /** Ends the models and their threads. */
  dispose(): void {
    for (const { subject } of this.#open) subject.dispose();
  }

  /** As many whole batches as fill a turn, by a first look at the speed. */
  async #prepare(subject: Subject, task: Task, samples: PlainSamples): Promise<Open["runs"][number]> {
    const few = first(samples, task.batch * Math.max(1, Math.floor(400 / task.batch)));
    await seconds(subject, task, few);
    const images = (this.#options.milliseconds / 1000 / (await seconds(subject, task, few))) * few.count;
    const most = Math.floor(samples.count / task.batch);
    const count = task.batch * Math.min(most, Math.max(1, Math.round(images / task.batch)));
    return { task, samples: first(samples, count), figures: [] };
  }

  #report(now: Configuration | undefined): void {
    this.#onProgress?.({ done: this.#done, total: this.#total, now, ...this.report });
  }
}

/** Seconds of one pass: of the training steps alone, of the whole call in inference. */
async function seconds(subject: Subject, { what, batch }: Task, samples: PlainSamples): Promise<number> {
  if (what === "training") {
    const { trainSeconds, trainedSamples } = await subject.fit(samples, { epochs: 1, batchSize: batch });
    if (trainedSamples !== samples.count)
      throw new Error(`trained on ${trainedSamples} of ${samples.count} images: was the benchmark stopped?`);
    return trainSeconds;
  }
  const began = performance.now();
  await subject.predict(samples, { batchSize: batch });
  return (performance.now() - began) / 1000;
}

/** The first samples, copied: a view would be sent to a worker with all that lies behind it. */
function first(samples: PlainSamples, wanted: number): PlainSamples {
  const count = Math.min(wanted, samples.count);
  const size = samples.images.length / samples.count;
  return {
    images: samples.images.slice(0, count * size),
    shape: samples.shape,
    count,
    ...(samples.labels && { labels: samples.labels.slice(0, count) }),
  };
}

function requireWhole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} is ${value}, expected a whole number >= 1`);
}
