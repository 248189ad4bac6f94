import type { EpochRow } from "../../run/recorder.ts";

const COLUMNS = [
  ["loss", "loss"],
  ["accuracy", "accuracy"],
  ["val_loss", "val_loss"],
  ["val_accuracy", "val_accuracy"],
  ["learningRate", "learning_rate"],
  ["trainSeconds", "train_seconds"],
  ["validationSeconds", "validation_seconds"],
  ["imagesPerSecond", "images_per_second"],
] as const satisfies readonly (readonly [keyof EpochRow, string])[];

/** One line an epoch, numbered from 1; an empty cell where there is no figure. */
export function historyCsv(epochs: readonly EpochRow[]): string {
  const lines = epochs.map((row) => [row.epoch + 1, ...COLUMNS.map(([key]) => row[key] ?? "")].join(","));
  return `${[["epoch", ...COLUMNS.map(([, name]) => name)].join(","), ...lines].join("\n")}\n`;
}
