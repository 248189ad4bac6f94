import { mkdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { DataError, reasonOf } from "../../data/errors.ts";
import { answerRasters } from "../../report/image-pictures.ts";
import { predictedMask } from "../../report/metrics.ts";
import { pngBytes } from "../../report/png.ts";
import { printable } from "../output.ts";
import type { OpenedRun } from "./load.ts";

/** What a model that gives images made of a picture. */
export interface ImageAnswer {
  readonly file: string;
  /** Of the answer: `[height, width]` of a mask, of numbers with the channels. */
  readonly shape: readonly number[];
  /** Of a mask the share of the pixels of each class that is there, by its name. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Of numbers the least, the greatest and their mean. */
  readonly numbers?: { readonly least: number; readonly greatest: number; readonly mean: number };
  /** Files that were written. */
  readonly written?: readonly string[];
}

/** Asks a model whose outputs are images about one, and writes the answer into a folder where there is one. */
export async function imageAnswer(
  { model, metadata }: OpenedRun,
  file: string,
  pixels: Uint8Array,
  out: string | undefined,
): Promise<ImageAnswer> {
  const output = await model.predict(pixels);
  const { outputShape } = model;
  const [height = 1, width = 1] = outputShape;
  const masks = metadata.targets === "masks";
  const mask = masks ? predictedMask(logitsAside(output, metadata.loss), height * width) : undefined;
  const written =
    out === undefined ? undefined : await write(out, file, outputShape, { mask, output, metadata });
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
  return { file, shape: outputShape, numbers, ...(written && { written }) };
}

/** A mask of one number a pixel is told from 0.5, of logits from 0. */
function logitsAside(output: Float32Array, loss: OpenedRun["metadata"]["loss"]): Float32Array {
  const logits = typeof loss === "object" && "fromLogits" in loss && loss.fromLogits === true;
  return logits ? output.map((x) => x + 0.5) : output;
}

interface Answer {
  readonly mask: Uint8Array | undefined;
  readonly output: Float32Array;
  readonly metadata: OpenedRun["metadata"];
}

/** Writes cat.png; of a mask in colours, and beside it cat-classes.png, whose greys are the classes. Throws DataError. */
async function write(
  folder: string,
  file: string,
  shape: readonly number[],
  { mask, output, metadata }: Answer,
): Promise<string[]> {
  const name = basename(file, extname(file));
  const { scale, offset } = metadata.preprocessing!;
  const rasters = answerRasters(shape, mask, output, [offset, 255 * scale + offset]);
  if (!rasters)
    throw new DataError(
      "bad-dimensions",
      `${printable(folder)}: an answer of shape ${shape.join("x")} is no picture: leave --out out.`,
    );
  const { picture, ids } = rasters;
  const files = [
    [`${name}.png`, picture],
    ...(ids ? ([[`${name}-classes.png`, ids]] as const) : []),
  ] as const;
  try {
    await mkdir(folder, { recursive: true });
    for (const [own, raster] of files) await writeFile(join(folder, own), pngBytes(raster));
  } catch (error) {
    throw new DataError("unreadable", `${printable(folder)}: cannot be written: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return files.map(([own]) => join(folder, own));
}
