import type { Graph } from "../compiler/graph.ts";
import { classCounts, missingClasses } from "../report/verdict.ts";
import { listed, type Samples, SamplesError } from "./samples.ts";
import { permutation } from "./shuffle.ts";
import { type Held, isSource, type ReadBatch } from "./source.ts";
import { splitAt, splitSamples } from "./split.ts";

export const VALIDATION_SOURCES = ["last", "stratified", "shuffled"] as const;
/**
 * Which samples validationSplit takes. last: the last ones, as Keras does. stratified: the same share of each class, drawn
 * by the seed. shuffled: drawn by the seed from all.
 */
export type ValidationSource = (typeof VALIDATION_SOURCES)[number];

/** Some of the samples: all of them without `rows`. */
export interface Part {
  readonly samples: Held;
  /** Numbers of the samples, ascending. */
  readonly rows?: Uint32Array;
  readonly count: number;
  /** In a page: weights of its samples, which lie in the worker. */
  readonly weights?: Samples["weights"];
}

export const wholePart = (samples: Samples): Part => ({ samples, count: samples.count });

/** Numbers of a part's samples in the order in which they are trained on, or asked about. */
export function orderOf({ rows, count }: Part, shuffled?: Uint32Array): Uint32Array {
  if (!rows) return shuffled ?? new Uint32Array(count).map((_, i) => i);
  return shuffled?.map((i) => rows[i]!) ?? rows;
}

/** A batch of a part's samples, and its rows there: of a source, what was read of it. */
export function batchOf({ samples }: Part, indices: Uint32Array): ReadBatch | Promise<ReadBatch> {
  return samples.batch?.(indices) ?? [samples, indices];
}

/** Draws of a training are numbered by its epochs: none reaches this. */
const DRAW = 2 ** 32 - 1;

/**
 * Splits samples into `floor(count * (1 - fraction))` for training and the rest for validation. Nothing is copied.
 * Throws SamplesError where a part would be empty, or stratified is asked of samples without labels.
 */
export function splitForValidation(
  samples: Held,
  fraction: number,
  source: ValidationSource,
  seed: number,
): { readonly train: Part; readonly validation: Part } {
  const { count } = samples;
  const at = splitAt(samples, fraction);
  const part = (rows: Uint32Array): Part => ({ samples, rows, count: rows.length });
  const inOrder = orderOf(wholePart(samples));
  if (source === "last") {
    // What is read batch by batch has no parts of its own.
    if (samples.batch || isSource(samples))
      return { train: part(inOrder.slice(0, at)), validation: part(inOrder.slice(at)) };
    const [first, last] = splitSamples(samples, fraction);
    return { train: wholePart(first), validation: wholePart(last) };
  }
  const labels = labelsOf(samples);
  if (source === "stratified" && !labels)
    throw new SamplesError(
      `validationFrom is "stratified", but the samples have ${listed(samples.labels).some(Boolean) ? "maps of labels and no label each" : "targets and no labels"} to tell classes by: use "shuffled"`,
    );
  const classOf = source === "stratified" ? labels! : new Uint8Array(count);
  const left = shares(classCounts(classOf, 256), count - at);
  const drawn = new Uint8Array(count);
  for (const row of permutation(count, seed, DRAW)) if (left[classOf[row]!]!-- > 0) drawn[row] = 1;
  const drawnAs = (of: number) => part(inOrder.filter((row) => drawn[row] === of));
  return { train: drawnAs(0), validation: drawnAs(1) };
}

/**
 * How many samples of each class make `total`: each class's share, what rounding leaves carried on to the next larger one.
 * Training keeps one of each class, and validation gets one of each class of two or more, where they have room for all.
 */
function shares(counts: readonly number[], total: number): number[] {
  const all = counts.reduce((sum, n) => sum + n, 0);
  const present = [...counts.keys()].filter((id) => counts[id]).sort((a, b) => counts[a]! - counts[b]!);
  const room = (count: number) => Number(count >= present.length);
  const taken = counts.map(() => 0);
  let carried = 0;
  for (const id of present) {
    const n = counts[id]!;
    const most = n - room(all - total);
    const share = (n * total) / all + carried;
    taken[id] = Math.min(Math.max(Math.round(share), room(total)), most);
    carried = share - taken[id];
  }
  return taken;
}

/** Of several outputs, the first that has a label for each sample tells their classes; maps of classes do not. */
const labelledAt = ({ labels, count }: Samples) => listed(labels).findIndex((own) => own?.length === count);
const labelsOf = (samples: Samples) => listed(samples.labels)[labelledAt(samples)];

/** How many classes the samples' labels are of: as many as the first output that has some tells apart. */
export function classesOf(samples: Samples, { outputs }: Graph): number {
  const at = Math.max(0, labelledAt(samples));
  return Math.max(outputs[at]!.shape.at(-1)!, 2);
}

/** Images of each class in a part; undefined where it has no labels. */
export function countsOf({ samples, rows }: Part, classes: number): number[] | undefined {
  const labels = labelsOf(samples);
  if (!labels) return undefined;
  return classCounts(rows ? rows.map((row) => labels[row]!) : labels, classes);
}

type Counts = readonly number[] | undefined;

/** What helps where a part lacks classes, by what validation is made of. */
const ADVICE = {
  last: 'Set validationFrom to "stratified" beside validationSplit, or shuffle the samples once before.',
  shuffled: 'Set validationFrom to "stratified" beside validationSplit.',
  stratified: "Give more images of these classes.",
  data: "Give both parts images of all classes.",
} as const;

/**
 * What a user should know of the parts, in a sentence each: from the images of each class in them.
 * @param source of the validation; "data": samples of its own
 */
export function warningsOf(
  trainCounts: Counts,
  validationCounts: Counts,
  source: ValidationSource | "data",
): string[] {
  const missing = missingClasses({ trainCounts, validationCounts });
  return missing ? [`${missing.text} ${ADVICE[source]}`] : [];
}
