import type { Planner } from "../compiler/planner.ts";
import type { Tensor } from "../compiler/tensor.ts";

/** Every metric. A new one has its name here, and what it does in extra.ts. */
export const METRICS = [
  "accuracy",
  "categoricalAccuracy",
  "sparseCategoricalAccuracy",
  "binaryAccuracy",
  "topKCategoricalAccuracy",
  "sparseTopKCategoricalAccuracy",
  "precision",
  "recall",
  "f1Score",
  "auc",
  "meanIoU",
  "meanAbsoluteError",
  "meanSquaredError",
  "rootMeanSquaredError",
  "cosineSimilarity",
] as const;
export type MetricName = (typeof METRICS)[number];

/** A batch, as a metric written in JavaScript sees it: views of the engine's memory, to be read only. */
export interface MetricBatch {
  /** What the model gave, and what it was to give: `[rows, cols]`. Of labels, 1 where the class is; of one output, the label itself. */
  readonly outputs: Float32Array;
  readonly targets: Float32Array;
  /** Samples, and outputs of each. Where outputs are images, a row is what one pixel has: rows are pixels, cols their channels. */
  readonly rows: number;
  readonly cols: number;
}

/** A metric, described once: what it gathers over an epoch's batches, and the figure that it makes of it. */
export interface Metric {
  /** What the figure is called in logs and histories. */
  readonly name: string;
  /** Numbers that it gathers: 0 when an epoch begins. Default 2. */
  readonly accumulators?: number;
  /** Built-in: how many these are where an output has so many numbers along its last axis. */
  sizeOf?(cols: number, options: Readonly<Record<string, unknown>>): number;
  /** Which of two figures is the better one. Default "more". */
  readonly better?: "more" | "less";
  /** Gathers a batch. */
  update?(accumulators: Float64Array, batch: MetricBatch, options: Readonly<Record<string, unknown>>): void;
  /** The figure. Default: the first accumulator over the second. */
  value?(accumulators: Float64Array, options: Readonly<Record<string, unknown>>): number;
  /** Built-in, with options: which one it is, and they, all filled in. */
  readonly type?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Built-in, in place of update: emits a kernel that counts samples, exactly. The counts are added up in the first
   * accumulator, the samples in the second.
   */
  emit?(p: Planner, batch: { y: Tensor; t: Tensor; rows: number; cols: number }): Tensor;
}
