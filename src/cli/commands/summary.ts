import { type Command, Option } from "commander";
import { requireRoom } from "../../compiler/footprint.ts";
import type { Shape } from "../../compiler/graph.ts";
import { DEFAULT_FILE_MEMORY } from "../../engine/memory-sizes.ts";
import type { Model } from "../../train/model.ts";
import { COMMANDS } from "../command-names.ts";
import { UsageError } from "../errors.ts";
import { layerTable } from "../layer-table.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { findModel, modelsHelp } from "../models.ts";
import { maxMemoryOption, modelOption, shape, wholeNumber } from "../options.ts";
import type { Output } from "../output.ts";
import { openRun } from "../run/load.ts";

export interface SummaryOptions {
  readonly model?: string;
  readonly inputShape?: Shape;
  readonly classes?: number;
  readonly maxMemory?: number;
}

export function summaryCommand(): Command {
  const command = createCommand("summary", COMMANDS.summary.does)
    .argument("[run]", "run folder, or a model file of a format that is read: in place of --model")
    .optionsGroup("Model:")
    .addOption(modelOption(" (default: keras-mnist)"))
    .addOption(
      new Option(
        "--input-shape <sizes>",
        "height x width x channels (default: 28x28x1, or the model file's own)",
      ).argParser(shape),
    )
    .addOption(
      new Option("--classes <n>", "outputs (default: 10, or the model file's own)").argParser(wholeNumber(1)),
    )
    .addOption(maxMemoryOption("1GB for one image"));
  return addCommonOptions(command)
    .addHelpText("after", () => `\n${modelsHelp()}\n${EXAMPLES}`)
    .action((run: string | undefined, options: SummaryOptions & CommonOptions) =>
      perform(options, (output) => summary(run, options, output)),
    );
}

const EXAMPLES = `
Examples:
  wasmgrad summary
  wasmgrad summary --model lenet5 --input-shape 32x32x3 --classes 100
  wasmgrad summary runs/first --json`;

export async function summary(
  run: string | undefined,
  options: SummaryOptions,
  output: Output,
): Promise<void> {
  const model = await find(run, options);
  output.print(layerTable(model.name, model.rows, output.columns));
  output.document({
    name: model.name,
    inputShape: model.inputShape,
    outputShape: model.outputShape,
    layers: model.rows,
    parameters: model.countParams(),
  });
}

async function find(run: string | undefined, options: SummaryOptions): Promise<Model> {
  const { model, inputShape, classes, maxMemory } = options;
  if (run === undefined) {
    const found = (await findModel(model ?? "keras-mnist")).build(inputShape, classes);
    requireRoom(found.graph, maxMemory ?? DEFAULT_FILE_MEMORY, (bytes) => `maxMemory: ${bytes}`);
    return found;
  }
  const excess = [
    ...(model !== undefined ? ["--model"] : []),
    ...(inputShape !== undefined ? ["--input-shape"] : []),
    ...(classes !== undefined ? ["--classes"] : []),
  ];
  if (excess.length > 0)
    throw new UsageError(
      `${excess.join(" and ")} and a run are given, but a run has its own model: name one or the other`,
    );
  return (await openRun(run, { maxMemory })).model;
}
