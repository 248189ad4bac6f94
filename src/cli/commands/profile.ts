import { type Command, Option } from "commander";
import { elements } from "../../compiler/graph.ts";
import { wideChoice } from "../../engine/platform/wide.ts";
import { usualLoss } from "../../losses/usual-loss.ts";
import { requireOneOfEach } from "../../run/build-model.ts";
import { loadDataset } from "../../sources/load.ts";
import type { Model } from "../../train/model.ts";
import { type Profile, type ProfileRow, profile } from "../../train/profile.ts";
import type { Samples } from "../../train/samples.ts";
import { COMMANDS } from "../command-names.ts";
import { type EngineFlags, engineOptions } from "../engine-options.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { findModel } from "../models.ts";
import {
  backendOption,
  batchSizeOption,
  maxMemoryOption,
  modelOption,
  shape,
  threadsOption,
  wholeNumber,
} from "../options.ts";
import { formatCount, formatTable, type Output, printable } from "../output.ts";
import { machine } from "../version.ts";

export interface ProfileCommandOptions extends EngineFlags {
  readonly model: string;
  readonly inputShape?: readonly number[];
  readonly classes?: number;
  readonly batchSize: number;
  readonly inference?: boolean;
  readonly repetitions: number;
}

export function profileCommand(): Command {
  const command = createCommand("profile", COMMANDS.profile.does)
    .optionsGroup("Model:")
    .addOption(modelOption().default("keras-mnist"))
    .addOption(
      new Option(
        "--input-shape <sizes>",
        "height x width x channels (default: 28x28x1, or the model file's own)",
      ).argParser(shape),
    )
    .addOption(
      new Option("--classes <n>", "outputs (default: 10, or the model file's own)").argParser(wholeNumber(1)),
    )
    .optionsGroup("Measurement:")
    .addOption(batchSizeOption("images in a step").default(32))
    .addOption(new Option("--inference", "the forward pass alone, as predict runs it"))
    .addOption(
      new Option("--repetitions <n>", "steps timed call by call; the table has the medians")
        .argParser(wholeNumber(1, 100_000))
        .default(50),
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(maxMemoryOption("2GB"));
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((options: ProfileCommandOptions & CommonOptions) =>
      perform(options, (output) => profileModel(options, output)),
    );
}

const NOTES = `
Each line is one kernel call of the compiled plan. FLOP are the multiplications
and additions of the layer's definition: a kernel that saves some, by Winograd's
products or by leaving out zeros, may show more GFLOP/s than the machine has. KiB
counts each tensor that a call reads or writes once. The peak is measured first,
by a loop that keeps everything in registers, and what memory gives by copying
64 MiB; shares are of all threads'. GB/s beyond memory's come out of caches.
With --inference whole steps leave out what packs or transforms weights, which is
done once, and predict may take fewer images at once than a batch has here.

Examples:
  wasmgrad profile
  wasmgrad profile --model lenet5 --batch-size 128 --backend relaxed
  wasmgrad profile --inference --batch-size 100 --json`;

export async function profileModel(options: ProfileCommandOptions, output: Output): Promise<void> {
  const { batchSize, inference, repetitions } = options;
  const source = await findModel(options.model);
  const model = source.build(options.inputShape, options.classes);
  requireOneOfEach(model);
  try {
    await model.compile({ ...engineOptions(options), loss: usualLoss(model.graph), metrics: [] });
    const mode = inference ? "predict" : "train";
    // Refuses what is too large before images are made for it.
    model.session.plan({ batch: batchSize, mode, inputs: ["bytes"], targets: ["labels"] });
    const batches = Math.floor(MOST_BYTES / (batchSize * elements(model.inputShape)));
    const samples = await samplesFor(model, batchSize * Math.min(8, Math.max(1, batches)));
    const measured = await profile(model.session, samples, { batchSize, mode, repetitions });
    output.print(`${printable(source.name)}, ${machine().cpu}, Node ${machine().runtimes.node}`);
    output.print(profileText(measured));
    const chosen = options.backend === "auto" ? await wideChoice() : undefined;
    if (chosen) output.print(`\nauto is ${measured.backend} here: ${chosen}.`);
    output.document({
      model: source.name,
      machine: machine(),
      ...measured,
      ...(chosen && { backendChoice: chosen }),
    });
  } finally {
    model.dispose();
  }
}

/** Bytes of images that are made to be profiled with, but for one batch at least. */
const MOST_BYTES = 2 ** 28;

/** Generated digits where they fit, as zeros and closed relus decide how long some kernels take; else noise. */
async function samplesFor({ inputShape, outputShape }: Model, count: number): Promise<Samples> {
  const outputs = outputShape.at(-1)!;
  if (inputShape.join() === "28,28,1" && outputShape.join() === "10") {
    const { train } = await loadDataset("digits", { digits: { train: count, test: 1 } });
    return train;
  }
  const noise = (length: number, below: number) =>
    Uint8Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) >>> 8) * below) / 2 ** 24);
  return {
    images: noise(count * elements(inputShape), 256),
    labels: noise((count * elements(outputShape)) / outputs, Math.min(256, Math.max(2, outputs))),
    shape: inputShape,
    count,
  };
}

const HEADER = [
  "phase",
  "layer",
  "kernel",
  "algorithm",
  "sizes",
  "tasks",
  "MFLOP",
  "KiB",
  "us",
  "%",
  "GFLOP/s",
  "of peak",
  "GB/s",
  "of memory",
];

/** The calls as an aligned table, then times by phase and of the whole step. */
export function profileText(measured: Profile): string {
  const { backend, threads, mode, batchSize, repetitions, rows } = measured;
  const total = (of: (row: ProfileRow) => number) => rows.reduce((result, row) => result + of(row), 0);
  const sum = total(({ microseconds }) => microseconds);
  const percent = (microseconds: number) => ((100 * microseconds) / sum).toFixed(1);
  const body = rows.map((row) => [
    row.phase,
    printable(row.layer),
    row.kernel,
    row.algorithm,
    row.shapes,
    String(row.tasks),
    row.flops > 0 ? (row.flops / 1e6).toFixed(2) : "",
    (row.bytes / 1024).toFixed(1),
    row.microseconds.toFixed(1),
    percent(row.microseconds),
    row.gflops === null ? "" : row.gflops.toFixed(1),
    row.peakShare === null ? "" : `${(100 * row.peakShare).toFixed(0)} %`,
    (row.bytes / row.microseconds / 1000).toFixed(1),
    `${(100 * row.bandwidthShare).toFixed(0)} %`,
  ]);
  const phases = [...new Set(rows.map(({ phase }) => phase))].map((phase) => {
    const own = rows.filter((row) => row.phase === phase).reduce((total, row) => total + row.microseconds, 0);
    return `${phase} ${formatCount(own)} us (${percent(own)} %)`;
  });
  return [
    `${mode}, batch size ${batchSize}, ${backend}, ${threads} thread${threads > 1 ? "s" : ""}; peak ${measured.peakGflops.toFixed(1)} GFLOP/s, memory ${measured.bandwidth.toFixed(1)} GB/s a thread; medians of ${repetitions} steps`,
    "",
    formatTable([HEADER, ...body], "<<<<<>>>>>>>>>"),
    "",
    `All calls ${formatCount(sum)} us: ${phases.join(", ")}.`,
    `They compute ${(total(({ flops }) => flops) / sum / 1000).toFixed(1)} GFLOP/s and move ${(total(({ bytes }) => bytes) / 2 ** 20).toFixed(1)} MiB, ${(total(({ bytes }) => bytes) / sum / 1000).toFixed(1)} GB/s.`,
    `Whole step ${formatCount(measured.stepMicroseconds)} us, of which ${measured.loadMicroseconds.toFixed(1)} us copy the batch in: ${formatCount(measured.imagesPerSecond)} images/s.`,
  ].join("\n");
}
