import { type Command, Option } from "commander";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import type { Backend } from "../../engine/engine.ts";
import { counted } from "../../options/counted.ts";
import { PictureError } from "../../picture/picture.ts";
import { MAX_PICTURE_BYTES } from "../../picture/png.ts";
import { sizes } from "../../run/build-model.ts";
import { NonFiniteError } from "../../train/errors.ts";
import { type PictureClass, predictPicture } from "../../train/predict-picture.ts";
import { COMMANDS } from "../command-names.ts";
import { csvLine } from "../csv.ts";
import { engineOptions } from "../engine-options.ts";
import { figure } from "../epoch-line.ts";
import { EXIT, UsageError } from "../errors.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { backendOption, maxMemoryOption, nonEmpty, wholeNumber } from "../options.ts";
import { fill, formatPercent, type Output, printable } from "../output.ts";
import { pictureFiles } from "../picture-files.ts";
import type { ImageAnswer } from "../run/answers.ts";
import { type OpenedRun, openRun, readyModel } from "../run/load.ts";

export interface PredictOptions {
  readonly top: number;
  readonly csv?: boolean;
  readonly invert?: boolean;
  readonly center?: boolean;
  /** Folder for the pictures that a model gives. */
  readonly out?: string;
  readonly backend: Backend | "auto";
  readonly maxMemory?: number;
}

export function predictCommand(): Command {
  const command = createCommand("predict", COMMANDS.predict.does)
    .argument("<run>", "run folder, or a model file of a format that is read")
    .argument("<image...>", "PNG, JPEG, WebP or GIF files; folders of them; globs in quotes")
    .optionsGroup("Pictures:")
    .addOption(
      new Option("--invert", "swap light and dark (default: where the picture's border calls for it)"),
    )
    .addOption(new Option("--no-invert", "take light and dark as they are"))
    .addOption(
      new Option(
        "--center",
        "place the ink as MNIST does (default: for models of images that are, see below)",
      ),
    )
    .addOption(new Option("--no-center", "resize the whole picture"))
    .optionsGroup("Output:")
    .addOption(new Option("--top <n>", "classes to show").argParser(wholeNumber(1)).default(3))
    .addOption(
      new Option(
        "--csv",
        "print a table: file, answer, its probability, then that of each class; of models of numbers file and numbers",
      ).conflicts("json"),
    )
    .addOption(
      new Option(
        "--out <folder>",
        "of models that give images: write them there as PNG; masks in colours, and their classes as greys",
      ).argParser(nonEmpty),
    )
    .optionsGroup("Engine:")
    .addOption(backendOption())
    .addOption(maxMemoryOption("1GB"));
  return addCommonOptions(command)
    .addHelpText("after", NOTES)
    .action((run: string, images: string[], options: PredictOptions & CommonOptions) =>
      perform(options, (output) => predict(run, images, options, output)),
    );
}

const NOTES = `
What is done to a picture, in this order:
  1. Transparency: over white; but over black for light ink on a mostly
     transparent ground.
  2. Grey (ITU-R BT.601 luma) for models of one channel, RGB for models of three.
  3. Light and dark: a picture with a light border is inverted where the training
     images have a dark one, and the other way round; the output says so. MNIST's
     digits are light on dark, so a dark drawing on white paper is inverted.
     --invert and --no-invert decide it by hand.
  4. Size: for models of mnist, digits and other images that are placed so, the
     ink is cropped, its contrast stretched, scaled into a box of 20/28 of the
     size (proportions kept, mean over the area of each pixel), and put with its
     centre of mass in the middle, as MNIST's own digits were made. A picture that
     has the model's size already is taken as it is; one for another model is
     resized whole. --center and --no-center decide it by hand.

For models that were trained on a folder of pictures all of it is done as it was
there: size, colours and proportions, with light and dark as they are.

Models that give images take a picture with light and dark, and its ink, as they
are, unless --invert or --center is given. What --out writes has the size of the
picture, and lies over it (not with --center). No answer is written over a
picture that is asked about, or over another answer.

Of a folder all pictures are classified, those in folders within it, too. A
picture that cannot be read does not keep the others from being
classified; the exit status is 1 then.

Examples:
  wasmgrad predict runs/digits-keras-mnist-1 seven.png
  wasmgrad predict runs/first scan-*.png --top 1 --json
  wasmgrad predict runs/fashion photo.png --no-invert
  wasmgrad predict runs/pets holiday/ --csv > answers.csv
  wasmgrad predict runs/pets "photos/**/*.jpg" --top 1
  wasmgrad predict runs/masks photos/ --out answers`;

type Prediction =
  | ({
      readonly file: string;
      readonly inverted: boolean;
      readonly centered: boolean;
      /** What is doubtful about the answer. */
      readonly notice?: string;
      readonly top: readonly PictureClass[];
    } & PictureClass)
  | { readonly file: string; readonly error: string };

export async function predict(
  path: string,
  images: readonly string[],
  options: PredictOptions,
  output: Output,
): Promise<number> {
  const run = await openRun(path, { maxMemory: options.maxMemory });
  if (run.model.outputShape.length > 1 || run.metadata.targets === "numbers")
    return predictImages(run, images, options, output);
  if (options.out !== undefined)
    throw new UsageError(
      `--out is given, but ${printable(path)} gives classes, which are printed: leave it out, or write: --csv`,
    );
  const predictions: Prediction[] = [];
  // A table has all classes.
  const most = options.csv ? Number.MAX_SAFE_INTEGER : options.top;
  const tell = options.csv ? printRow : print;
  try {
    const files = await pictureFiles(images);
    // One picture is no work for two threads.
    await readyModel(run, engineOptions({ ...options, threads: 1 }));
    if (options.csv) printHead(run, output);
    for (const { file, error } of files) {
      const prediction = error === undefined ? await classify(run, file, most, options) : { file, error };
      predictions.push(prediction);
      tell(prediction, run, output);
    }
  } finally {
    run.model.dispose();
  }
  output.document({ run: run.path, model: run.model.name, predictions });
  return predictions.some((prediction) => "error" in prediction) ? EXIT.failed : EXIT.ok;
}

/** Of a model that gives images, or a list of numbers. */
async function predictImages(
  run: OpenedRun,
  images: readonly string[],
  { invert, center, out, csv, backend }: PredictOptions,
  output: Output,
): Promise<number> {
  const { outputShape } = run.model;
  const list = outputShape.length === 1;
  if (csv && !list)
    throw new UsageError(
      `--csv is for classes and lists of numbers, but ${printable(run.path)} gives an image of ${sizes(outputShape)} for each picture. Write: --out answers`,
    );
  if (list && out !== undefined)
    throw new UsageError(
      `--out is given, but ${printable(run.path)} gives ${counted(outputShape[0]!, "number")} for a picture, printed: leave it out, or write: --csv`,
    );
  const predictions: (ImageAnswer | { readonly file: string; readonly error: string })[] = [];
  try {
    const files = await pictureFiles(images);
    await readyModel(run, engineOptions({ backend, threads: 1 }));
    const { clashes, imageAnswer } = await import("../run/answers.ts");
    const asked = files.filter((given) => given.error === undefined).map(({ file }) => file);
    const refused = out === undefined ? undefined : await clashes(run, asked, out);
    if (csv) printLine(["file", ...numbered(outputShape[0]!), "error"], output);
    for (const given of files) {
      const { file } = given;
      const error = given.error ?? refused?.get(file);
      const answer = error === undefined ? await answered(file) : { file, error };
      predictions.push(answer);
      const failed = "error" in answer;
      if (failed) tellError(answer, output);
      if (csv) {
        const cells = failed ? numbered(outputShape[0]!).map(() => "") : answer.values!;
        printLine([file, ...cells, failed ? answer.error : ""], output);
      } else if (!failed) printAnswer(answer, output);
    }

    async function answered(file: string): Promise<(typeof predictions)[number]> {
      try {
        const { loadPicture } = await import("../../picture/load.ts");
        const picture = await loadPicture(await readWhole(file, MAX_PICTURE_BYTES));
        return await imageAnswer(run, file, picture, { invert, center, out });
      } catch (error) {
        return { file, error: messageOf(error) };
      }
    }
  } finally {
    run.model.dispose();
  }
  if (!list && out === undefined && predictions.some((prediction) => !("error" in prediction)))
    output.notice("The answers are images: --out <folder> writes them as PNG.");
  output.document({ run: run.path, model: run.model.name, predictions });
  return predictions.some((prediction) => "error" in prediction) ? EXIT.failed : EXIT.ok;
}

/** Numbers of a list have no names. */
const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i));

function printAnswer({ file, shape, classes, numbers, values, written }: ImageAnswer, output: Output): void {
  const { paint } = output;
  const to = written ? `: ${written.map((path) => printable(path)).join(", ")}` : "";
  if (values) {
    output.print(paint.bold(printable(file)));
    output.print(`  ${fill(values.map(figure), output.columns - 2, "  ").replaceAll("\n", "\n  ")}`);
    return;
  }
  output.print(`${paint.bold(printable(file))} ${paint.dim(`(${sizes(shape)})`)}${to}`);
  for (const [name, share] of Object.entries(classes ?? {}))
    output.print(`  ${printable(name)}  ${formatPercent(share)} of the pixels`);
  if (numbers)
    output.print(
      `  ${figure(numbers.least)} to ${figure(numbers.greatest)}, on average ${figure(numbers.mean)}`,
    );
}

/** What is wrong with a picture. Throws what is no error of one. */
function messageOf(error: unknown): string {
  const own = [PictureError, DataError, NonFiniteError].some((type) => error instanceof type);
  if (!own) throw error;
  return (error as Error).message;
}

async function classify(
  { model, metadata }: OpenedRun,
  file: string,
  top: number,
  { invert, center }: PredictOptions,
): Promise<Prediction> {
  try {
    const { loadPicture } = await import("../../picture/load.ts");
    const picture = await loadPicture(await readWhole(file, MAX_PICTURE_BYTES));
    const { centred: centered, ...predicted } = await predictPicture(model, picture, {
      metadata,
      invert,
      center,
      top,
    });
    return { file, ...predicted, centered };
  } catch (error) {
    return { file, error: messageOf(error) };
  }
}

/** Classes in the order of the model's outputs. */
function namesOf({ model, metadata }: OpenedRun): string[] {
  const outputs = Math.max(model.outputShape.at(-1)!, 2);
  return Array.from({ length: outputs }, (_, i) => metadata.classNames?.[i] ?? String(i));
}

/** For programs as it is, but a terminal would obey what names may hold. */
function printLine(cells: readonly (string | number)[], output: Output): void {
  const line = csvLine(cells);
  output.print(process.stdout.isTTY ? printable(line) : line);
}

function printHead(run: OpenedRun, output: Output): void {
  printLine(["file", "answer", "probability", ...namesOf(run), "error"], output);
}

function printRow(prediction: Prediction, run: OpenedRun, output: Output): void {
  if ("error" in prediction) {
    tellError(prediction, output);
    const none = namesOf(run).map(() => "");
    printLine([prediction.file, "", "", ...none, prediction.error], output);
    return;
  }
  const { file, name, probability, top } = prediction;
  const shares = top.toSorted((a, b) => a.class - b.class).map((one) => one.probability);
  printLine([file, name, probability, ...shares, ""], output);
}

function tellError({ file, error }: { readonly file: string; readonly error: string }, output: Output): void {
  const said = error.startsWith(file) ? error : `${file}: ${error}`;
  output.notice(`wasmgrad: ${printable(said)}`);
}

function print(prediction: Prediction, { model }: OpenedRun, output: Output): void {
  const file = printable(prediction.file);
  if ("error" in prediction) {
    tellError(prediction, output);
    return;
  }
  const { paint } = output;
  if (prediction.notice) output.notice(`wasmgrad: ${file}: ${prediction.notice}`);
  const done = [
    ...(prediction.inverted ? ["inverted"] : []),
    ...(prediction.centered ? [`centred in ${sizes(model.inputShape.slice(0, 2))}`] : []),
  ];
  output.print(`${paint.bold(file)}${done.length > 0 ? paint.dim(` (${done.join(", ")})`) : ""}`);
  const width = Math.max(...prediction.top.map(({ name }) => printable(name).length));
  prediction.top.forEach(({ name, probability }, i) => {
    const line = `  ${printable(name).padEnd(width)}  ${formatPercent(probability).padStart(8)}  ${"█".repeat(Math.round(20 * Math.max(0, Math.min(1, probability))))}`;
    output.print(i === 0 ? paint.green(line.trimEnd()) : line.trimEnd());
  });
}
