import type { Shape } from "../compiler/graph.ts";
import { rowsOf } from "../data/rows.ts";
import type { Answers, ImageSet } from "../data/types.ts";
import type { LossData, LossName } from "../losses/names.ts";
import { predictedMask } from "../report/metrics.ts";
import type { Asked } from "./asked.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import type { Samples } from "./samples.ts";

/** Numbers of outputs that are held at a time: 64 MiB. */
const MOST_NUMBERS = 2 ** 24;
/** Of the best and of the worst images so many are kept. */
const SHOWN = 8;
/** Keras's epsilon, which keeps logarithms finite. */
const EPSILON = 1e-7;

/** A test image, and what the model made of it. */
export interface TestedImage {
  /** Its number in the test set, from 0. */
  readonly index: number;
  /** What it costs: see `by`. */
  readonly error: number;
  /** What the model gave, of classes their probabilities: `[...shape, cols]`. */
  readonly output: Float32Array;
}

/** How a model whose outputs are images does on a test set. */
export interface ImageTest {
  readonly kind: Answers["kind"];
  /** Of the output. */
  readonly shape: Shape;
  /** What images are ranked by: a mean over an image's pixels. */
  readonly by: string;
  /** The cheapest first, and the dearest first. */
  readonly best: readonly TestedImage[];
  readonly worst: readonly TestedImage[];
  /** Of masks the pixels: rows truth, columns prediction. */
  readonly pixels?: number[][];
}

/** What an image costs, and its name. */
interface Ranking {
  readonly by: string;
  readonly of: (output: Float32Array, target: Uint8Array | Float32Array) => number;
}

/** @param loss what was trained: images are ranked by it where it is a crossentropy, or the mean of errors or squares */
export async function testImages(
  model: Asked,
  set: ImageSet,
  { kind, shape }: Answers,
  classes: number,
  loss: LossName | LossData,
  options: EvaluateOptions = {},
): Promise<ImageTest> {
  const rank = rankingOf(kind, loss);
  const truths = kind === "masks" ? set.labels : set.targets!;
  const each = truths.length / set.count;
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const errors = new Float64Array(set.count);
  const bytes = set.images.length / set.count;
  let size = 0;
  const outputsOf = async (samples: Samples) => {
    const outputs = await model.predict(samples, options);
    size = outputs.length / samples.count;
    return toProbabilities(outputs, loss, kind === "masks" ? size / each : shape.at(-1)!);
  };
  let [first, step] = [0, 1];
  while (first < set.count) {
    const last = Math.min(set.count, first + step);
    // Without answers, as predict() takes them; cut here, as what cuts samples is no page's until it trains.
    const images = set.images.subarray(first * bytes, last * bytes);
    const outputs = await outputsOf({ images, shape: set.shape, count: last - first });
    for (let i = first; i < last; i++) {
      const output = outputs.subarray((i - first) * size, (i - first + 1) * size);
      const truth = truths.subarray(i * each, (i + 1) * each);
      errors[i] = rank.of(output, truth);
      if (kind === "masks")
        predictedMask(output, each).forEach((id, at) => {
          matrix[truth[at]!]![id]!++;
        });
    }
    first = last;
    // The first one tells how large outputs are.
    step = Math.max(1, Math.min(1024, Math.floor(MOST_NUMBERS / size)));
  }
  const order = Array.from(errors.keys()).sort((a, b) => errors[a]! - errors[b]! || a - b);
  const half = Math.min(SHOWN, Math.ceil(order.length / 2));
  const shown = async (indices: number[]) => {
    const images = rowsOf(set.images, Uint32Array.from(indices), bytes);
    const outputs = await outputsOf({ images, shape: set.shape, count: indices.length });
    return indices.map(
      (index, i): TestedImage => ({
        index,
        error: errors[index]!,
        output: outputs.slice(i * size, (i + 1) * size),
      }),
    );
  };
  return {
    kind,
    shape: kind === "masks" ? [...shape, size / each] : shape,
    by: rank.by,
    best: await shown(order.slice(0, half)),
    worst: await shown(order.slice(half).slice(-SHOWN).reverse()),
    ...(kind === "masks" && { pixels: matrix }),
  };
}

function rankingOf(kind: Answers["kind"], loss: LossName | LossData): Ranking {
  const name = typeof loss === "string" ? loss : loss.name;
  if (kind === "masks") return { by: "crossentropy", of: maskCrossentropy };
  if (name === "binaryCrossentropy") return { by: "binary crossentropy", of: mean(binaryCrossentropy) };
  if (name === "meanAbsoluteError") return { by: "mean absolute error", of: mean((y, t) => Math.abs(y - t)) };
  return { by: "mean squared error", of: mean((y, t) => (y - t) ** 2) };
}

const clipped = (p: number) => Math.min(Math.max(p, EPSILON), 1 - EPSILON);
const binaryCrossentropy = (y: number, t: number) =>
  -t * Math.log(clipped(y)) - (1 - t) * Math.log(1 - clipped(y));

function mean(of: (y: number, t: number) => number): Ranking["of"] {
  return (output, target) => {
    let sum = 0;
    for (let i = 0; i < output.length; i++) sum += of(output[i]!, target[i]!);
    return sum / output.length;
  };
}

function maskCrossentropy(output: Float32Array, labels: ArrayLike<number>): number {
  const cols = output.length / labels.length;
  let sum = 0;
  for (let at = 0; at < labels.length; at++)
    sum +=
      cols === 1
        ? binaryCrossentropy(output[at]!, labels[at]!)
        : -Math.log(clipped(output[at * cols + labels[at]!]!));
  return sum / labels.length;
}

/**
 * In their place what a loss that is told logits makes of them; what others were told is left as it is.
 * @param last numbers along the last axis: shares that sum to 1, but for a binary loss, which takes each alone
 */
export function toProbabilities(outputs: Float32Array, loss: unknown, last: number): Float32Array {
  const { name, fromLogits } = Object(loss) as Partial<LossData>;
  if (fromLogits !== true) return outputs;
  const cols = name?.startsWith("binary") ? 1 : last;
  for (let at = 0; at < outputs.length; at += cols) {
    const row = outputs.subarray(at, at + cols);
    if (cols === 1) {
      row[0] = 1 / (1 + Math.exp(-row[0]!));
      continue;
    }
    const most = Math.max(...row);
    let sum = 0;
    for (const x of row) sum += Math.exp(x - most);
    for (const [i, x] of row.entries()) row[i] = Math.exp(x - most) / sum;
  }
  return outputs;
}
