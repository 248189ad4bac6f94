import type { EpochRow } from "../../run/recorder.ts";

/** What stands behind the figures. */
const FURTHER = [
  ["learningRate", "learning_rate"],
  ["trainSeconds", "train_seconds"],
  ["validationSeconds", "validation_seconds"],
  ["imagesPerSecond", "images_per_second"],
] as const;

/** One line an epoch, numbered from 1; an empty cell where there is no figure. `figures`: the loss and the metrics, by name. */
export function historyCsv(epochs: readonly EpochRow[], figures: readonly string[]): string {
  const columns: readonly (readonly [key: keyof EpochRow, title: string])[] = [
    ...[...figures, ...figures.map((name) => `val_${name}`)].map((name) => [name, name] as const),
    ...FURTHER,
  ];
  const lines = epochs.map((row) => [row.epoch + 1, ...columns.map(([key]) => row[key] ?? "")].join(","));
  return `${[["epoch", ...columns.map(([, title]) => title)].join(","), ...lines].join("\n")}\n`;
}
