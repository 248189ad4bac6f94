import { type Command, Option } from "commander";
import { median } from "d3-array";
import { hardwareThreads } from "#platform";
import { GENERATED } from "../../data/datasets.ts";
import { BACKENDS, type Backend, Engine } from "../../engine/engine.ts";
import { measurePeak } from "../../engine/peak.ts";
import { loadDataset } from "../../sources/load.ts";
import type { PlainSamples, Samples } from "../../train/samples.ts";
import type { Sequential } from "../../train/sequential.ts";
import { COMMANDS } from "../command-names.ts";
import { EXIT } from "../errors.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { findModel } from "../models.ts";
import { batchSizeOption, modelOption, threadsOption, wholeNumber } from "../options.ts";
import { formatCount, formatTable, type Output, printable } from "../output.ts";
import { machine } from "../version.ts";

export interface BenchOptions {
  readonly model: string;
  readonly batchSize: number;
  readonly steps: number;
  readonly runs: number;
  /** Measured next to one thread. Default: all cores. */
  readonly threads?: number;
}

export function benchCommand(): Command {
  const command = createCommand("bench", COMMANDS.bench.does)
    .optionsGroup("Measurement:")
    .addOption(modelOption().default("keras-mnist"))
    .addOption(batchSizeOption("images in a training step").default(32))
    .addOption(
      new Option("--steps <n>", "training steps in a run").argParser(wholeNumber(1, 100_000)).default(20),
    )
    .addOption(
      new Option("--runs <n>", "timed runs of each build, after one to warm up")
        .argParser(wholeNumber(1, 1000))
        .default(7),
    )
    .addOption(threadsOption());
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((options: BenchOptions & CommonOptions) => perform(options, (output) => bench(options, output)));
}

const NOTES = `
Whole training steps on generated digits, batch assembly and optimizer included,
on one thread and on --threads. The builds take turns, so that a machine that slows
down slows all of them. A build that this runtime lacks is left out, and the reason
given. The peak is that of a loop of multiplications and additions in registers.
In a checkout, npm run bench measures each kernel as well.

Examples:
  wasmgrad bench
  wasmgrad bench --model lenet5 --batch-size 128 --json`;

interface Measured {
  readonly backend: Backend;
  readonly threads: number;
  /** Of each run, in order. */
  readonly imagesPerSecond: readonly number[];
  readonly median: number;
  /** What one thread of this build can do at most, multiplications and additions a second in 10^9. */
  readonly peakGflops: number;
}

interface Skipped {
  readonly backend: Backend;
  readonly threads: number;
  readonly skipped: string;
}

/** A build and a number of threads, ready to train. */
interface Contestant {
  readonly model: Sequential;
  readonly peakGflops: number;
  readonly speeds: number[];
}

export async function bench(options: BenchOptions, output: Output): Promise<number> {
  const { batchSize, steps, runs } = options;
  const source = await findModel(options.model);
  const { train } = await loadDataset(GENERATED, {
    digits: { train: Math.min(batchSize * steps, 2000), test: 1 },
  });
  const samples = repeated(train, batchSize * steps);
  const contestants: Contestant[] = [];
  const skipped: Skipped[] = [];
  try {
    for (const threads of new Set([1, options.threads ?? hardwareThreads()]))
      for (const backend of BACKENDS) {
        const peakGflops = await peakOf(backend);
        if (typeof peakGflops === "string") {
          skipped.push({ backend, threads, skipped: peakGflops });
          continue;
        }
        const model = source.build(train.shape, 10);
        contestants.push({ model, peakGflops, speeds: [] });
        await model.compile({ backend, threads });
      }
    const { cpu, runtimes } = machine();
    output.print(
      `${printable(source.name)}, batch size ${batchSize}, ${steps} steps a run, median of ${runs} runs; ${cpu}, Node ${runtimes.node}`,
    );
    for (let run = 0; run <= runs; run++)
      for (const { model, speeds } of contestants) {
        const { trainedSamples, trainSeconds } = await model.fit(samples, { batchSize });
        // The first one lets the runtime compile the kernels with its better compiler.
        if (run > 0) speeds.push(trainedSamples / trainSeconds);
      }
    const measured = contestants.map(measuredOf);
    report(measured, skipped, output);
    output.document({
      model: source.name,
      batchSize,
      steps,
      runs,
      machine: machine(),
      results: [...measured, ...skipped],
    });
    return measured.length > 0 ? EXIT.ok : EXIT.failed;
  } finally {
    for (const { model } of contestants) model.dispose();
  }
}

/** GFLOP/s of one thread, or the reason why this runtime does not have the build. */
async function peakOf(backend: Backend): Promise<number | string> {
  let engine: Engine;
  try {
    engine = await Engine.create({ backend, threads: 1 });
  } catch (error) {
    return (error as Error).message;
  }
  return measurePeak(engine).gflops;
}

function measuredOf({ model, speeds, peakGflops }: Contestant): Measured {
  const { backend, threads } = model.session.engine;
  return { backend, threads, imagesPerSecond: speeds, median: median(speeds)!, peakGflops };
}

function report(measured: readonly Measured[], skipped: readonly Skipped[], output: Output): void {
  const base = measured.find(({ backend, threads }) => backend === "scalar" && threads === 1)?.median;
  const rows = measured.map(({ backend, threads, imagesPerSecond, median, peakGflops }) => [
    backend,
    String(threads),
    formatCount(median),
    `${formatCount(Math.min(...imagesPerSecond))} to ${formatCount(Math.max(...imagesPerSecond))}`,
    base === undefined ? "-" : `${(median / base).toFixed(2)}x`,
    peakGflops.toFixed(1),
  ]);
  const head = ["build", "threads", "images/s", "range", "to scalar", "peak GFLOP/s a thread"];
  output.print(formatTable([head, ...rows], "<>>>>>"));
  for (const { backend, threads, skipped: reason } of skipped)
    output.print(`${backend}, ${threads} threads: left out: ${reason}`);
}

/** The images over and over, until there are `count`. */
function repeated(
  { images, labels, shape, count: have }: Required<Omit<PlainSamples, "targets" | "weights">>,
  count: number,
): Samples {
  const size = images.length / have;
  const out = new Uint8Array(count * size);
  for (let i = 0; i < count; i++)
    out.set(images.subarray((i % have) * size, ((i % have) + 1) * size), i * size);
  return {
    images: out,
    shape,
    count,
    labels: Uint8Array.from({ length: count }, (_, i) => labels[i % have]!),
  };
}
