import { extname } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { DataError } from "../../data/errors.ts";
import { inMemory } from "../../data/streamed.ts";
import type { Dataset, ImageSet } from "../../data/types.ts";
import type { DatasetSheet, SheetPicture } from "../../report/dataset-sheet.ts";
import { checkRunConfig, isKnown, type RunConfig, TARGETS } from "../../run/config.ts";
import { partsOf, withLimits } from "../../run/run.ts";
import type { Model } from "../../train/model.ts";
import { orderOf, wholePart } from "../../train/validation.ts";
import { describeDataset, openDataset } from "../datasets.ts";
import { UsageError } from "../errors.ts";
import { withInterrupt } from "../interrupt.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { findModel } from "../models.ts";
import {
  batchSizeOption,
  dataDirOption,
  datasetOption,
  modelOption,
  nonEmpty,
  offlineOption,
  pictureOptions,
  streamOptions,
  trainingImagesOptions,
  wholeNumber,
} from "../options.ts";
import { formatCount, formatTable, type Output, printable } from "../output.ts";
import { type RunFlags, settingsOf } from "../run/settings.ts";
import { writeOutput } from "../write-output.ts";
import { givenOptions } from "./train.ts";

/** What the command has beside a run's settings. */
interface PreviewFlags {
  readonly out: string;
  readonly perClass: number;
  readonly versions: number;
}
type PreviewOptions = RunFlags & PreviewFlags & { readonly offline?: boolean };

/** Classes of which one picture is shown as training sees it. */
const MOST_SEEN = 20;

export function previewCommand(): Command {
  const usual = checkRunConfig({});
  const command = createCommand(
    "preview",
    "Show a dataset's pictures, and with a model that varies them what training sees",
  )
    .optionsGroup("Data:")
    .addOption(
      new Option(
        "--config <file>",
        "a JSON file of settings, or the result.json of a run; flags given beside it win",
      ).argParser(nonEmpty),
    )
    .addOption(datasetOption().default(usual.dataset))
    .addOption(dataDirOption())
    .addOption(offlineOption());
  for (const option of [...streamOptions(), ...trainingImagesOptions(usual.validationSplit)])
    command.addOption(option);
  command
    .addOption(
      new Option(
        "--targets <what>",
        "what a model is to give for an image, as for train: where the dataset has masks or numbers, these (default: labels)",
      ).choices(TARGETS),
    )
    .optionsGroup("Pictures:");
  for (const option of pictureOptions()) command.addOption(option);
  command
    .optionsGroup("As training sees them:")
    .addOption(modelOption(" with layers that vary pictures, such as randomFlip (default: none)"))
    .addOption(batchSizeOption("images in a training step").default(usual.batchSize))
    .addOption(
      new Option("--seed <n>", "the run's: fixes what becomes of a picture in which epoch")
        .argParser(wholeNumber(0))
        .default(usual.seed),
    )
    .addOption(
      new Option("--versions <n>", "epochs to show a picture in").argParser(wholeNumber(1, 100)).default(6),
    )
    .optionsGroup("Output:")
    .addOption(
      new Option("--per-class <n>", "pictures of each class").argParser(wholeNumber(1, 1000)).default(8),
    )
    .addOption(
      new Option("--out <file>", "an .html or a .png file, which replaces one that is there")
        .argParser(sheetFile)
        .default("preview.html"),
    );
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((options: PreviewOptions & CommonOptions) =>
      perform(options, (output) =>
        preview({ ...givenOptions(options, command), ...own(options) } as PreviewOptions, output),
      ),
    );
}

const own = ({ out, perClass, versions }: PreviewFlags): PreviewFlags => ({ out, perClass, versions });

const NOTES = `
Writes one file that needs no other: how many images each class has, some of them,
and with a model that has layers of augmentation (randomFlip, randomRotation,
cutMix, ...) what the first epochs of training see of one picture of each class, to
the bit. The settings are those of train: with the --config, or the flags, of a
run it shows what that run trains on. A .png has the pictures alone, in the order
of the classes.

Examples:
  wasmgrad data preview
  wasmgrad data preview --dataset path/to/pictures --image-size 64x64
  wasmgrad data preview --dataset mnist --model my-model.json --seed 7
  wasmgrad data preview --config runs/first/result.json --out pictures.png`;

function sheetFile(text: string): string {
  if (!/^\.(html?|png)$/i.test(extname(text)))
    throw new InvalidArgumentError("Expected a file that ends with .html or .png, such as preview.html.");
  return text;
}

export async function preview(options: PreviewOptions, output: Output): Promise<void> {
  const { out, perClass, versions, offline, ...flags } = options;
  const asked = await settingsOf(flags);
  // A backbone varies no pictures.
  const given = asked.base === undefined && (flags.model !== undefined || flags.config !== undefined);
  if (given && asked.model === undefined)
    throw new UsageError(
      "the settings begin with the weights of a run, and name no model: name it with --model, such as my-model.json",
    );
  const source = given ? await findModel(asked.model!) : undefined;
  await withInterrupt(undefined, async (signal) => {
    const whole = await openDataset({ ...asked, offline }, output, signal);
    const { answers } = whole;
    const settings =
      answers && asked.targets === undefined ? await settingsOf({ ...flags, targets: answers.kind }) : asked;
    const dataset = withLimits(whole, settings, !isKnown(settings.dataset));
    const { train } = dataset;
    const config = { ...settings, model: settings.model ?? "" } as RunConfig;
    const { targets = "labels" } = config;
    const model = source?.build(train.shape, targets === "labels" ? dataset.classNames.length : undefined);
    const { training, validation } = partsOf(dataset, config);
    const groups = groupsOf(dataset);
    const counts = groups.count(train, orderOf(training));
    const validated = groups.count(
      (validation?.samples ?? train) as ImageSet,
      validation ? orderOf(validation) : new Uint32Array(),
    );
    const tested = groups.count(dataset.test, orderOf(wholePart(dataset.test)));
    const classNames = groups.names;
    const chosen = choose(groups, train, orderOf(training), perClass);
    const rows = chosen.flat();
    const { images } = await inMemory(train, Uint32Array.from(rows));
    const size = images.length / Math.max(1, rows.length);
    const at = new Map(rows.map((row, i) => [row, i]));
    const picture = (row: number): SheetPicture => ({
      pixels: images.slice(at.get(row)! * size, (at.get(row)! + 1) * size),
      label: `Training image ${row}, of class ${classNames[groups.of(train, row)]}`,
    });
    const seen = model && (await seenBy(model, dataset, config, groups, chosen, versions, picture));
    signal.throwIfAborted();
    const sheet: DatasetSheet = {
      name: dataset.name,
      shape: train.shape,
      classes: classNames.map((name, id) => ({
        name,
        train: counts[id]!,
        validation: validated[id]!,
        test: tested[id]!,
        pictures: chosen[id]!.map(picture),
      })),
      seen,
    };
    await write(out, sheet);
    tell(output, dataset, sheet, model, out);
  });
}

/** The classes of a dataset; where answers are none, all its images are of one group. */
interface Groups {
  readonly names: readonly string[];
  of(set: ImageSet, row: number): number;
  count(set: ImageSet, rows: Uint32Array): number[];
}

function groupsOf({ classNames, answers }: Dataset): Groups {
  const names = answers ? ["all"] : classNames;
  const of = (set: ImageSet, row: number) => (answers ? 0 : set.labels[row]!);
  const count = (set: ImageSet, rows: Uint32Array) => {
    const counts = names.map(() => 0);
    for (const row of rows) counts[of(set, row)]!++;
    return counts;
  };
  return { names, of, count };
}

/** Numbers of the images to show of each class: evenly spread over those that are trained on. */
function choose({ names, of }: Groups, train: ImageSet, trained: Uint32Array, most: number): number[][] {
  const byClass: number[][] = names.map(() => []);
  for (const row of trained.toSorted()) byClass[of(train, row)]!.push(row);
  return byClass.map((rows) => {
    const shown = Math.min(most, rows.length);
    return Array.from({ length: shown }, (_, i) => rows[Math.floor((i * rows.length) / shown)]!);
  });
}

async function seenBy(
  model: Model,
  dataset: Dataset,
  config: RunConfig,
  groups: Groups,
  chosen: readonly (readonly number[])[],
  versions: number,
  picture: (row: number) => SheetPicture,
): Promise<DatasetSheet["seen"]> {
  const { seenInTraining } = await import("../../run/seen.ts");
  const rows = chosen.flatMap(([first]) => (first === undefined ? [] : [first])).slice(0, MOST_SEEN);
  const found = await seenInTraining(model, dataset, config, rows, versions);
  if (!found) return undefined;
  const { layers, mixes, shape, pictures } = found;
  return {
    ...{ model: model.name, layers, mixes, shape, seed: config.seed },
    rows: rows.map((row, i) => ({
      name: groups.names[groups.of(dataset.train, row)]!,
      original: picture(row),
      versions: pictures[i]!.map((pixels, epoch) => ({
        pixels,
        label: `Training image ${row} in epoch ${epoch + 1}`,
      })),
    })),
  };
}

async function write(path: string, sheet: DatasetSheet): Promise<void> {
  const { datasetHtml, datasetRaster } = await import("../../report/dataset-sheet.ts");
  if (!/^\.png$/i.test(extname(path))) {
    await written(path, new TextEncoder().encode(datasetHtml(sheet)));
    return;
  }
  const { pngBytes } = await import("../../report/png.ts");
  await written(path, pngBytes(datasetRaster(sheet)));
}

const written = (path: string, bytes: Uint8Array) =>
  writeOutput(path, bytes, (text, cause) => new DataError("unwritable", text, cause));

function tell(
  output: Output,
  dataset: Dataset,
  { classes, seen, shape }: DatasetSheet,
  model: Model | undefined,
  path: string,
): void {
  output.print(describeDataset(dataset));
  const rows = classes.map(({ name, train, validation, test }) => [
    printable(name),
    ...[train, validation, test].map(formatCount),
  ]);
  output.print(formatTable([["class", "training", "validation", "test"], ...rows], "<>>>"));
  output.print();
  if (model && !seen)
    output.notice(
      `${printable(model.name)} has no layer that varies pictures, such as randomFlip or randomRotation: training sees them as they are`,
    );
  if (seen) output.print(`Varied by: ${seen.layers.map((layer) => printable(layer)).join(", ")}`);
  output.print(`Written: ${printable(path)}`);
  output.document({
    file: path,
    dataset: dataset.name,
    shape,
    classes: classes.map(({ pictures, ...counts }) => ({ ...counts, shown: pictures.length })),
    varied: seen
      ? {
          model: seen.model,
          layers: seen.layers,
          seed: seen.seed,
          epochs: seen.rows[0]?.versions.length ?? 0,
        }
      : null,
  });
}
