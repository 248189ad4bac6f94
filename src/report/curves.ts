import { type ChartSpec, lineChart, type Series } from "./chart.ts";
import type { EpochRecord, Figure } from "./epoch-record.ts";
import { percent, significant } from "./format.ts";
import { type KeptEpoch, keptMark } from "./kept.ts";
import type { Markup } from "./markup.ts";
import type { Report } from "./types.ts";

/** Training and validation accuracy over the epochs, the kept one marked: an SVG file, for light and dark screens. */
export function accuracySvg(history: readonly EpochRecord[], kept?: KeptEpoch): string {
  return accuracyChart({ history, kept }, true).text;
}

/** Training and validation loss over the epochs, the kept one marked: an SVG file, for light and dark screens. */
export function lossSvg(history: readonly EpochRecord[], kept?: KeptEpoch): string {
  return lossChart({ history, kept }, true).text;
}

type Run = Pick<Report, "history" | "kept">;

export function accuracyChart(run: Run, standalone: boolean): Markup {
  return chart(run, standalone, "Accuracy", "accuracy", "val_accuracy", {
    domain: (low, high) =>
      low === high ? [low - 0.01, Math.max(Math.min(1, high + 0.01), high)] : [low, high],
    formatTick: (y, step) => percentTick(y, step),
    formatValue: (y) => percent(y, 2),
  });
}

export function lossChart(run: Run, standalone: boolean): Markup {
  return chart(run, standalone, "Loss", "loss", "val_loss", {
    // From 0, so that heights compare, unless the curve would then be a flat line at the top.
    domain: (low, high) =>
      low >= 0 && low < 0.7 * high ? [0, high] : low === high ? [low - 0.01, high + 0.01] : [low, high],
    formatTick: (y, step) => decimalTick(y, step),
    formatValue: significant,
  });
}

/** Training and validation mean IoU over the epochs. */
export function overlapChart(run: Run): Markup {
  return chart(run, false, "Mean IoU", "meanIoU", "val_meanIoU", {
    domain: (low, high) => (low === high ? [low - 0.01, Math.min(1, high + 0.01)] : [low, high]),
    formatTick: (y, step) => decimalTick(y, step),
    formatValue: significant,
  });
}

/** Training and validation errors over the epochs. */
export function errorChart(run: Run, figure: "meanAbsoluteError" | "meanSquaredError"): Markup {
  const title = figure === "meanAbsoluteError" ? "Mean absolute error" : "Mean squared error";
  return chart(run, false, title, figure, `val_${figure}`, {
    domain: (low, high) =>
      low < 0.7 * high ? [0, high] : low === high ? [low - 0.01, high + 0.01] : [low, high],
    formatTick: (y, step) => decimalTick(y, step),
    formatValue: significant,
  });
}

function chart(
  { history, kept }: Run,
  standalone: boolean,
  title: string,
  trained: Figure,
  validated: Figure,
  axis: Pick<ChartSpec, "domain" | "formatTick" | "formatValue">,
): Markup {
  const series = (
    [
      ["training", trained],
      ["validation", validated],
    ] as const
  )
    .map(
      ([name, figure]): Series => ({
        name,
        points: history.map((record) => ({ x: record.epoch + 1, y: record[figure] ?? Number.NaN })),
      }),
    )
    .filter(({ points }) => points.some(({ y }) => Number.isFinite(y)));
  const mark = keptMark(history, kept);
  const description = describe(title, series, mark?.x, axis.formatValue);
  return lineChart({ id: `wg-${trained}`, title, description, series, mark, ...axis }, standalone);
}

/** The chart in words, for those who do not see it. */
function describe(
  title: string,
  series: readonly Series[],
  kept: number | undefined,
  format: (y: number) => string,
): string {
  const sentences = series.map(({ name, points }) => {
    const known = points.filter(({ y }) => Number.isFinite(y));
    const [first, last] = [known[0]!, known.at(-1)!];
    return known.length === 1
      ? `${name} ${format(first.y)} in epoch ${first.x}`
      : `${name} from ${format(first.y)} in epoch ${first.x} to ${format(last.y)} in epoch ${last.x}`;
  });
  const figures = series.flatMap(({ name, points }) => {
    const point = points.find(({ x, y }) => x === kept && Number.isFinite(y));
    return point ? [`${name} ${format(point.y)}`] : [];
  });
  const chosen = figures.length > 0 ? ` Kept: epoch ${kept}, ${figures.join(", ")}.` : "";
  return `${title} by epoch: ${sentences.join("; ") || "no data"}.${chosen}`;
}

function percentTick(y: number, step: number): string {
  return `${(100 * y).toFixed(decimals(100 * step))}\u00a0%`;
}

function decimalTick(y: number, step: number): string {
  const most = Math.max(Math.abs(y), step);
  return y !== 0 && (most >= 1e5 || step < 1e-4) ? y.toExponential(1) : y.toFixed(decimals(step));
}

/** Digits after the point that tell multiples of `step` apart. */
function decimals(step: number): number {
  return Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}
