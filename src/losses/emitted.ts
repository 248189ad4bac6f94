import type { Value } from "../compiler/graph.ts";
import type { Tensor } from "../compiler/tensor.ts";
import type { Metric } from "../metrics/metric.ts";
import type { Loss } from "./loss.ts";

/** What is to be lost at an output, how much it counts, and what else is asked of it. */
export interface OutputLoss {
  readonly output: Value;
  readonly loss: Loss;
  readonly weight: number;
  readonly metrics: readonly Metric[];
}

/** What was emitted for an output. */
export interface EmittedLoss {
  /** An output's numbers along its last axis make a row: as many rows, of so many numbers. */
  readonly rows: number;
  readonly cols: number;
  readonly meanLoss: Tensor;
  /** By metric: i32 count, where a kernel counts. */
  readonly counts: readonly (Tensor | undefined)[];
  readonly outputs: Tensor;
  readonly targets: Tensor;
  readonly losses: Tensor;
  readonly gradient: Tensor | undefined;
  /** Where the loss is computed in JavaScript: before the call of this number. */
  readonly at: number | undefined;
}
