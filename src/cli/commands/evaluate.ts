import { type Command, Option } from "commander";
import type { Shape } from "../../compiler/graph.ts";
import { findArchive } from "../../data/archives.ts";
import { findDataset, GENERATED } from "../../data/datasets.ts";
import { DIGITS_SHAPE } from "../../data/digits.ts";
import { isImageSize, type PictureOptions } from "../../data/picture-options.ts";
import { requireOneOfEach, sizes } from "../../run/build-model.ts";
import { isKnown } from "../../run/config.ts";
import { testModel } from "../../train/test-model.ts";
import { type DataOptions, describeDataset, openDataset } from "../datasets.ts";
import { type EngineFlags, engineOptions } from "../engine-options.ts";
import { UsageError } from "../errors.ts";
import { withInterrupt } from "../interrupt.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import {
  backendOption,
  batchSizeOption,
  dataDirOption,
  datasetOption,
  maxMemoryOption,
  offlineOption,
  skipBadOption,
  streamOptions,
  testSplitOption,
  threadsOption,
} from "../options.ts";
import { type Output, printable } from "../output.ts";
import { type OpenedRun, openRun, readyModel } from "../run/load.ts";
import { printTest, testLine } from "../run/print.ts";

export interface EvaluateOptions extends Omit<DataOptions, "dataset">, EngineFlags {
  /** Default: the one that the model was trained on. */
  readonly dataset?: string;
  readonly split: "test" | "train";
  readonly batchSize: number;
}

export function evaluateCommand(): Command {
  const command = createCommand("evaluate", "Test a trained model on a dataset")
    .argument("<run>", "run folder, or a model.safetensors")
    .optionsGroup("Data:")
    .addOption(datasetOption(" (default: what it was trained on)"))
    .addOption(new Option("--split <name>", "which images").choices(["test", "train"]).default("test"))
    .addOption(dataDirOption())
    .addOption(offlineOption());
  for (const option of streamOptions()) command.addOption(option);
  command
    .addOption(testSplitOption())
    .addOption(skipBadOption())
    .optionsGroup("Engine:")
    .addOption(batchSizeOption("images computed at once; results do not depend on it").default(64))
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(maxMemoryOption("1GB for one image, 2GB for a batch"));
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((run: string, options: EvaluateOptions & CommonOptions) =>
      perform(options, (output) => evaluate(run, options, output)),
    );
}

const NOTES = `
Prints loss, accuracy, the figures of each class and the confusion matrix. The
dataset must have images of the model's input shape, and no more classes than the
model has outputs.

Examples:
  wasmgrad evaluate runs/digits-keras-mnist-1
  wasmgrad evaluate runs/digits-keras-mnist-1 --dataset mnist
  wasmgrad evaluate runs/first/model.safetensors --dataset path/to/idx-folder --json`;

export async function evaluate(path: string, options: EvaluateOptions, output: Output): Promise<void> {
  const run = await openRun(path, options.maxMemory);
  const { model, metadata } = run;
  requireOneOfEach(model);
  const name = options.dataset ?? trainedOn(run);
  await withInterrupt(undefined, async (signal) => {
    const fits = (shape: Shape) => {
      if (shape.join() === model.inputShape.join()) return;
      throw new UsageError(
        `dataset '${printable(name)}' has images of ${sizes(shape)}, but the model takes ${sizes(model.inputShape)}`,
      );
    };
    // Before anything is downloaded or generated for nothing.
    const known = name === GENERATED ? DIGITS_SHAPE : (findDataset(name) ?? findArchive(name))?.shape;
    if (known) fits(known);
    const dataset = await openDataset({ ...options, ...fitting(run, name), dataset: name }, output, signal);
    const set = dataset[options.split];
    const outputs = model.outputShape.at(-1)!;
    fits(set.shape);
    if (dataset.classNames.length > Math.max(outputs, 2))
      throw new UsageError(
        `dataset '${printable(name)}' has ${dataset.classNames.length} classes, but the model has ${outputs} outputs`,
      );
    const classes = Math.max(outputs, 2);
    const names = Array.from(
      { length: classes },
      (_, i) => dataset.classNames[i] ?? metadata.classNames?.[i] ?? String(i),
    );
    try {
      await readyModel(run, engineOptions(options));
      output.print(`Model:    ${printable(model.name)} (${printable(run.path)})`);
      output.print(`Dataset:  ${describeDataset(dataset)}`);
      const test = await testModel(model, set, classes, { signal, batchSize: options.batchSize });
      output.print(output.paint.bold(`${options.split === "test" ? "Test" : "Training"} ${testLine(test)}`));
      printTest(output, test, names);
      output.document({
        run: run.path,
        model: model.name,
        dataset: dataset.name,
        split: options.split,
        images: test.count,
        loss: test.loss,
        accuracy: test.accuracy,
        confusionMatrix: test.confusion,
        classNames: names,
        backend: model.session.engine.backend,
        threads: model.session.engine.threads,
        weightsSha256: await model.weightsSha256(),
      });
    } finally {
      model.dispose();
    }
  });
}

/** How a folder of pictures becomes images for the model. */
function fitting({ model, metadata }: OpenedRun, name: string): PictureOptions {
  const [height, width, channels] = model.inputShape;
  const size = [height, width];
  if (isKnown(name) || !metadata.pictures || !isImageSize(size)) return {};
  return { ...metadata.pictures, imageSize: size, colorMode: channels === 1 ? "grayscale" : "rgb" };
}

/** The dataset in the model's metadata, where its name alone finds it again. */
function trainedOn({ metadata: { dataset } }: OpenedRun): string {
  if (dataset !== undefined && isKnown(dataset)) return dataset;
  throw new UsageError(
    dataset === undefined
      ? "the model file does not say what it was trained on: name a dataset with --dataset"
      : `the model was trained on the folder '${printable(dataset)}': name its path with --dataset`,
  );
}
