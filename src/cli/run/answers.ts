import { realpath } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { writeAtomic } from "../../data/cache.ts";
import { DataError, reasonOf } from "../../data/errors.ts";
import { unfitPicture } from "../../picture/fit.ts";
import type { Picture } from "../../picture/picture.ts";
import { preparePicture } from "../../picture/prepare.ts";
import { answerRasters } from "../../report/image-pictures.ts";
import { predictedMask } from "../../report/metrics.ts";
import { pngBytes, type Raster } from "../../report/png.ts";
import { toProbabilities } from "../../train/test-images.ts";
import { printable } from "../output.ts";
import type { OpenedRun } from "./load.ts";

/** What a model that gives images made of a picture. */
export interface ImageAnswer {
  readonly file: string;
  /** Of the answer: `[height, width]` of a mask, of numbers with the channels. */
  readonly shape: readonly number[];
  /** Of a mask the share of the pixels of each class that is there, by its name. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Of a list of numbers they themselves. */
  readonly values?: readonly number[];
  /** Of numbers the least, the greatest and their mean. */
  readonly numbers?: { readonly least: number; readonly greatest: number; readonly mean: number };
  /** Files that were written. */
  readonly written?: readonly string[];
}

/** What is to be done to a picture, and where the answer is to go. */
export interface AnswerOptions {
  readonly invert?: boolean | undefined;
  readonly center?: boolean | undefined;
  /** Folder for the answer's pictures. */
  readonly out?: string | undefined;
}

/** The files that an answer is written to: cat.png; of a mask in colours, and beside it cat-classes.png, whose greys are the classes. */
function answerFiles({ metadata }: OpenedRun, file: string, folder: string): string[] {
  const name = basename(file, extname(file));
  const endings = metadata.targets === "masks" ? [".png", "-classes.png"] : [".png"];
  return endings.map((ending) => join(folder, name + ending));
}

/**
 * For each picture why its answer cannot be written, where it would replace a picture that is asked about or another one's answer.
 * Nothing has been written by then.
 */
export async function clashes(
  run: OpenedRun,
  files: readonly string[],
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const inputs = new Map(await Promise.all(files.map(async (file) => [await placeOf(file), file] as const)));
  const answers = new Map<string, string>();
  for (const file of files) {
    for (const path of answerFiles(run, file, folder)) {
      const place = await placeOf(path);
      const [input, other] = [inputs.get(place), answers.get(place)];
      answers.set(place, file);
      if (input !== undefined)
        found.set(
          file,
          `its answer would be written over the picture ${printable(input)}: give --out another folder`,
        );
      else if (other !== undefined && other !== file)
        found.set(file, `its answer would be written over that of ${printable(other)}: give it another name`);
    }
  }
  return found;
}

/** Where a file lies or would lie, whatever links lead to it; alike for names that some file systems hold to be one. */
async function placeOf(path: string): Promise<string> {
  const real = async (place: string): Promise<string> => {
    const parent = dirname(place);
    return realpath(place).catch(async () =>
      parent === place ? place : join(await real(parent), basename(place)),
    );
  };
  return (await real(resolve(path))).normalize("NFC").toLowerCase();
}

/**
 * Asks a model whose outputs are images about a picture, and writes the answer into a folder where there is one. The picture is taken as
 * it is, unless it is to be inverted or centred: an answer is to lie over it.
 */
export async function imageAnswer(
  run: OpenedRun,
  file: string,
  picture: Picture,
  { invert = false, center = false, out }: AnswerOptions,
): Promise<ImageAnswer> {
  const { model, metadata } = run;
  const { pixels } = preparePicture(picture, model.inputShape, { metadata, invert, center });
  const { outputShape } = model;
  const [height = 1, width = 1] = outputShape;
  const masks = metadata.targets === "masks";
  const output = toProbabilities(await model.predict(pixels), metadata.loss, model.outputShape.at(-1)!);
  const mask = masks ? predictedMask(output, height * width) : undefined;
  const written =
    out === undefined
      ? undefined
      : await write(answerFiles(run, file, out), out, rastersOf(run, { mask, output }, picture, center));
  if (mask) {
    const counts = new Map<number, number>();
    for (const id of mask) counts.set(id, (counts.get(id) ?? 0) + 1);
    const named = [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([id, n]) => [metadata.classNames?.[id] ?? String(id), n / mask.length]);
    return { file, shape: [height, width], classes: Object.fromEntries(named), ...(written && { written }) };
  }
  let [least, greatest, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const x of output) [least, greatest, sum] = [Math.min(least, x), Math.max(greatest, x), sum + x];
  const numbers = { least, greatest, mean: sum / output.length };
  const values = outputShape.length === 1 ? { values: [...output] } : {};
  return { file, shape: outputShape, ...values, numbers, ...(written && { written }) };
}

interface Answer {
  readonly mask: Uint8Array | undefined;
  readonly output: Float32Array;
}

/**
 * An answer's pictures in the size of the picture that was asked about. Those of one whose ink was centred, or that are larger than what
 * the model takes, as a model gives them that enlarges, are left as they are. None where an answer is no picture.
 */
function rastersOf(
  { model, metadata }: OpenedRun,
  { mask, output }: Answer,
  picture: Picture,
  center: boolean,
): Raster[] {
  const { outputShape, inputShape } = model;
  const rasters = answerRasters(outputShape, mask, output, blackAndWhite(metadata));
  if (!rasters) return [];
  const all = rasters.ids ? [rasters.picture, rasters.ids] : [rasters.picture];
  const [seenHeight = 1, seenWidth = 1] = inputShape;
  const enlarged = rasters.picture.height > seenHeight || rasters.picture.width > seenWidth;
  if (center || enlarged) return all;
  const interpolation = mask ? "nearest" : "bilinear";
  const seen = [seenHeight, seenWidth] as const;
  return all.map((raster) => ({
    ...unfitPicture(raster, picture, seen, metadata.pictures?.resize, interpolation),
    channels: raster.channels,
  }));
}

/** Of images those of the images that the model sees; of other numbers as reports have it: 0 and 1, unless those that it learned go beyond. */
function blackAndWhite({
  preprocessing,
  range,
}: OpenedRun["metadata"]): readonly [low: number, high: number] {
  const { scale, offset } = preprocessing!;
  return range ? [Math.min(0, range[0]!), Math.max(1, range[1]!)] : [offset, 255 * scale + offset];
}

/** Throws DataError. */
async function write(
  files: readonly string[],
  folder: string,
  rasters: readonly Raster[],
): Promise<readonly string[]> {
  if (rasters.length === 0)
    throw new DataError(
      "bad-dimensions",
      `${printable(folder)}: the model's answers are no pictures: leave --out out.`,
    );
  try {
    for (const [i, raster] of rasters.entries()) await writeAtomic(files[i]!, pngBytes(raster));
  } catch (error) {
    throw new DataError("unreadable", `${printable(folder)}: cannot be written: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return files;
}
