import { type Command, Option } from "commander";
import type { Shape } from "../../compiler/graph.ts";
import { TO_UNIT } from "../../compiler/preprocessing.ts";
import { findArchive } from "../../data/archives.ts";
import { findDataset, GENERATED } from "../../data/datasets.ts";
import { DIGITS_SHAPE } from "../../data/digits.ts";
import { isImageSize, type PictureOptions } from "../../data/picture-options.ts";
import type { LossData, LossName } from "../../losses/names.ts";
import { intersectionsOverUnions } from "../../report/metrics.ts";
import { requireOneOfEach, sizes } from "../../run/build-model.ts";
import { isKnown } from "../../run/config.ts";
import { wantedFor, withTargets } from "../../run/targets.ts";
import { pictureOptionsAt } from "../../sources/load.ts";
import type { ImageTest } from "../../train/test-images.ts";
import { testOn } from "../../train/test-model.ts";
import { COMMANDS } from "../command-names.ts";
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
import { printImages, printTest, testLine } from "../run/print.ts";

export interface EvaluateOptions extends Omit<DataOptions, "dataset">, EngineFlags {
  /** Default: the one that the model was trained on. */
  readonly dataset?: string;
  readonly split: "test" | "train";
  readonly batchSize: number;
}

export function evaluateCommand(): Command {
  const command = createCommand("evaluate", COMMANDS.evaluate.does)
    .argument("<run>", "run folder, or a model file of a format that is read")
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
Prints loss, accuracy, the figures of each class and the confusion matrix; of
models that give masks the mean IoU and that of each class of pixels, of those that
give images their errors, and which images they do best and worst. The dataset must
have images of the model's input shape, and no more classes than the model has
outputs. Classes of masks are found by their names, ids, greys or colours.

Examples:
  wasmgrad evaluate runs/digits-keras-mnist-1
  wasmgrad evaluate runs/digits-keras-mnist-1 --dataset mnist
  wasmgrad evaluate runs/first/model.safetensors --dataset path/to/idx-folder --json`;

export async function evaluate(path: string, options: EvaluateOptions, output: Output): Promise<void> {
  const run = await openRun(path, { maxMemory: options.maxMemory });
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
    // Answers that are no labels lie in memory, and images beside them.
    const stream = metadata.targets ? (options.stream ?? false) : options.stream;
    const where = { ...options, ...(await fitting(run, name)), stream, dataset: name };
    const given = await openDataset(where, output, signal);
    const { preprocessing = TO_UNIT } = metadata;
    let dataset = withTargets(given, { targets: metadata.targets, preprocessing }, options.split);
    if (given.answers?.kind === "masks" && metadata.classNames) {
      const { withModelClasses } = await import("../../sources/model-classes.ts");
      dataset = withModelClasses(dataset, options.split, metadata.classNames);
    }
    const set = dataset[options.split];
    const outputs = model.outputShape.at(-1)!;
    fits(set.shape);
    const wanted = wantedFor(dataset).outputs;
    if (
      dataset.answers &&
      (dataset.answers.kind === "numbers" || wanted.length !== model.outputShape.length)
    ) {
      if (sizes(wanted) !== sizes(model.outputShape))
        throw new UsageError(
          `dataset '${printable(name)}' has answers of ${sizes(wanted)}, but the model gives ${sizes(model.outputShape)}`,
        );
    } else if (dataset.classNames.length > Math.max(outputs, 2))
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
      const asked = { signal, batchSize: options.batchSize };
      const own = { ...(dataset.answers && { answers: dataset.answers }), classNames: names };
      const loss = model.session.options.outputs[0]!.loss as LossName | LossData;
      const test = await testOn(model, set, own, loss, asked);
      output.print(output.paint.bold(`${options.split === "test" ? "Test" : "Training"} ${testLine(test)}`));
      if (test.images) printImages(output, test, names);
      else printTest(output, test, names);
      output.document({
        run: run.path,
        model: model.name,
        dataset: dataset.name,
        split: options.split,
        images: test.count,
        loss: test.loss,
        accuracy: test.accuracy,
        ...test.figures,
        ...(test.images ? imagesFor(test.images) : {}),
        ...(test.confusion.length > 0 && { confusionMatrix: test.confusion, classNames: names }),
        backend: model.session.engine.backend,
        threads: model.session.engine.threads,
        weightsSha256: await model.weightsSha256(),
      });
    } finally {
      model.dispose();
    }
  });
}

/** For programs: which images cost least and most, and the classes of pixels. */
function imagesFor({ by, best, worst, pixels }: ImageTest) {
  const told = (images: typeof best) => images.map(({ index, error }) => ({ index, error }));
  return {
    ...(pixels && { iou: intersectionsOverUnions(pixels) }),
    rankedBy: by,
    best: told(best),
    worst: told(worst),
  };
}

/** How a folder of pictures becomes images for the model; of other datasets what of that they take. */
async function fitting({ model, metadata }: OpenedRun, name: string): Promise<PictureOptions> {
  const [height, width, channels] = model.inputShape;
  const size = [height, width];
  if (!metadata.pictures || !isImageSize(size)) return {};
  const colorMode = channels === 1 ? "grayscale" : "rgb";
  const all: PictureOptions = { ...metadata.pictures, imageSize: size, colorMode };
  const taken = await pictureOptionsAt(name);
  return Object.fromEntries(taken.filter((key) => all[key] !== undefined).map((key) => [key, all[key]]));
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
