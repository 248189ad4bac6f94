import { type Command, Option } from "commander";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import type { Backend } from "../../engine/engine.ts";
import { loadPicture } from "../../picture/load.ts";
import { PictureError } from "../../picture/picture.ts";
import { MAX_PICTURE_BYTES } from "../../picture/png.ts";
import { type Prepared, preparePicture } from "../../picture/prepare.ts";
import { predictedClasses } from "../../report/metrics.ts";
import { sizes } from "../../run/build-model.ts";
import { NonFiniteError } from "../../train/errors.ts";
import { engineOptions } from "../engine-options.ts";
import { EXIT } from "../errors.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { backendOption, maxMemoryOption, wholeNumber } from "../options.ts";
import { formatPercent, type Output, printable } from "../output.ts";
import { type OpenedRun, openRun, readyModel } from "../run/load.ts";

export interface PredictOptions {
  readonly top: number;
  readonly invert?: boolean;
  readonly center?: boolean;
  readonly backend: Backend | "auto";
  readonly maxMemory?: number;
}

export function predictCommand(): Command {
  const command = createCommand("predict", "Classify pictures with a trained model")
    .argument("<run>", "run folder, or a model.safetensors")
    .argument("<image...>", "PNG, JPEG, WebP or GIF files")
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

A picture that cannot be read does not keep the others from being classified;
the exit status is 1 then.

Examples:
  wasmgrad predict runs/digits-keras-mnist-1 seven.png
  wasmgrad predict runs/first scan-*.png --top 1 --json
  wasmgrad predict runs/fashion photo.png --no-invert`;

/** A class and how sure the model is of it. */
interface Answer {
  readonly class: number;
  readonly name: string;
  /** The output; a probability where the model ends with softmax or sigmoid. */
  readonly probability: number;
}

type Prediction =
  | ({
      readonly file: string;
      readonly inverted: boolean;
      readonly centered: boolean;
      /** What is doubtful about the answer. */
      readonly notice?: string;
      readonly top: Answer[];
    } & Answer)
  | { readonly file: string; readonly error: string };

export async function predict(
  path: string,
  images: readonly string[],
  options: PredictOptions,
  output: Output,
): Promise<number> {
  const run = await openRun(path, options.maxMemory);
  const predictions: Prediction[] = [];
  try {
    // One picture is no work for two threads.
    await readyModel(run, engineOptions({ ...options, threads: 1 }));
    for (const file of images) {
      const prediction = await classify(run, file, options);
      predictions.push(prediction);
      print(prediction, run, output);
    }
  } finally {
    run.model.dispose();
  }
  output.document({ run: run.path, model: run.model.name, predictions });
  return predictions.some((prediction) => "error" in prediction) ? EXIT.failed : EXIT.ok;
}

async function classify(run: OpenedRun, file: string, options: PredictOptions): Promise<Prediction> {
  const { model, metadata } = run;
  let prepared: Prepared;
  let outputs: Float32Array;
  try {
    prepared = await prepare(run, file, options);
    outputs = await model.predict(prepared.pixels);
  } catch (error) {
    const own = [PictureError, DataError, NonFiniteError].some((type) => error instanceof type);
    if (!own) throw error;
    return { file, error: (error as Error).message };
  }
  const shares = outputs.length === 1 ? Float32Array.of(1 - outputs[0]!, outputs[0]!) : outputs;
  const answers = Array.from(shares, (probability, i): Answer => {
    return { class: i, name: metadata.classNames?.[i] ?? String(i), probability };
  });
  // The engine's own choice among equals comes first.
  const first = predictedClasses(outputs, 1).classes[0]!;
  answers.sort(
    (a, b) => b.probability - a.probability || Number(b.class === first) - Number(a.class === first),
  );
  const { inverted, centred: centered, drawings } = prepared;
  const notice =
    drawings > 1
      ? `${drawings} drawings lie side by side in it, and the model knows pictures of one: the answer is for all of them together. Cut them into a picture each`
      : undefined;
  return {
    file,
    ...answers[0]!,
    inverted,
    centered,
    ...(notice && { notice }),
    top: answers.slice(0, options.top),
  };
}

async function prepare(
  { model, metadata }: OpenedRun,
  file: string,
  options: PredictOptions,
): Promise<Prepared> {
  const picture = await loadPicture(await readWhole(file, MAX_PICTURE_BYTES));
  const { invert, center } = options;
  return preparePicture(picture, model.inputShape, { metadata, invert, center });
}

function print(prediction: Prediction, { model }: OpenedRun, output: Output): void {
  const file = printable(prediction.file);
  if ("error" in prediction) {
    const said = prediction.error.startsWith(prediction.file)
      ? prediction.error
      : `${file}: ${prediction.error}`;
    output.notice(`wasmgrad: ${printable(said)}`);
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
