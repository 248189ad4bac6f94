import type { EpochRecord, Figure } from "./epoch-record.ts";
import { percent, significant } from "./format.ts";

/** The epoch whose weights a model holds, where it was chosen: fit's restoreBestWeights. */
export interface KeptEpoch {
  /** From 0: History.bestEpoch. */
  readonly epoch: number;
  /** The figure that it was the best by. */
  readonly by?: string | undefined;
}

/** A chart's mark at the kept epoch. */
export interface KeptMark {
  /** Number of the epoch, from 1: where the mark stands. */
  readonly x: number;
  /** What to write beside it. */
  readonly label: string;
  /** In words, to go on after "the weights of": "epoch 5, the best by validation accuracy (99.02 %)". */
  readonly text: string;
  readonly record: EpochRecord;
}

const FIGURES: Readonly<Record<Figure, readonly [string, (value: number | undefined) => string]>> = {
  loss: ["training loss", significant],
  accuracy: ["training accuracy", (share: number | undefined) => percent(share, 2)],
  val_loss: ["validation loss", significant],
  val_accuracy: ["validation accuracy", (share: number | undefined) => percent(share, 2)],
  meanIoU: ["training mean IoU", significant],
  val_meanIoU: ["validation mean IoU", significant],
  meanAbsoluteError: ["training mean absolute error", significant],
  val_meanAbsoluteError: ["validation mean absolute error", significant],
  meanSquaredError: ["training mean squared error", significant],
  val_meanSquaredError: ["validation mean squared error", significant],
};

function isFigure(name: string | undefined): name is Figure {
  return name !== undefined && Object.hasOwn(FIGURES, name);
}

/** Where charts mark the kept epoch, and how it is told of; undefined where none was chosen, or it is not in the history. */
export function keptMark(history: readonly EpochRecord[], kept: KeptEpoch | undefined): KeptMark | undefined {
  const record = kept && history.find(({ epoch }) => epoch === kept.epoch);
  if (!record) return undefined;
  const x = kept.epoch + 1;
  const { by: figure } = kept;
  let by = figure === undefined ? "" : `, the best by ${figure}`;
  if (isFigure(figure)) {
    const [name, format] = FIGURES[figure];
    by = `, the best by ${name} (${format(record[figure])})`;
  }
  return { x, label: "kept", text: `epoch ${x}${by}`, record };
}
