import { classReport, intersectionsOverUnions, topMistakes } from "../../report/metrics.ts";
import type { TestedImage } from "../../train/test-images.ts";
import type { TestResult } from "../../train/test-model.ts";
import { figure } from "../epoch-line.ts";
import { formatCount, formatPercent, formatTable, type Output, printable, wrap } from "../output.ts";

/** More classes than this make a matrix too wide to read: the most frequent mistakes stand in for it. */
const MATRIX_CLASSES = 20;
const MISTAKES = 15;

export function testLine({ loss, accuracy, figures = {}, images, count }: TestResult): string {
  const right =
    accuracy === undefined ? "" : `${images ? "pixel accuracy" : "accuracy"} ${formatPercent(accuracy)}, `;
  const { meanIoU, ...errors } = figures;
  const overlap = meanIoU === undefined ? "" : `mean IoU ${figure(meanIoU)}, `;
  const others = Object.entries(errors).map(([name, value]) => `, ${wordsOf(name)} ${figure(value)}`);
  return `${overlap}${right}loss ${figure(loss)}${others.join("")} (${formatCount(count)} images)`;
}

/** Figures of each class of pixels, or the images that cost least and most. */
export function printImages(output: Output, test: TestResult, classNames: readonly string[]): void {
  const { best, worst, by, pixels } = test.images!;
  const { paint } = output;
  if (pixels) {
    const ious = intersectionsOverUnions(pixels);
    const { classes } = classReport(pixels);
    const cell = (value: number | null | undefined) => (value == null ? "-" : value.toFixed(4));
    output.print();
    output.print(paint.bold("Per class of pixels"));
    const rows = ious.map((iou, id) => {
      const { precision, recall, support } = classes[id]!;
      const name = shorten(printable(classNames[id] ?? String(id)), 14);
      return [name, cell(iou), cell(precision), cell(recall), formatCount(support)];
    });
    output.print(formatTable([["class", "IoU", "precision", "recall", "pixels"], ...rows], "<>>>>"));
  }
  output.print();
  output.print(paint.bold(`Images by ${by}`));
  const line = (images: readonly TestedImage[]) =>
    images.map(({ index, error }) => `${index} (${figure(error)})`).join(", ");
  output.print(wrap(`best:  ${line(best)}`, output.columns));
  output.print(wrap(`worst: ${line(worst)}`, output.columns));
}

/** meanSquaredError: mean squared error. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Confusion matrix and the figures of each class. */
export function printTest(output: Output, { confusion }: TestResult, classNames: readonly string[]): void {
  const { paint } = output;
  const names = classNames.map((name) => shorten(printable(name), 14));
  output.print();
  output.print(paint.bold("Per class"));
  const { classes, macro } = classReport(confusion);
  const cell = (value: number | null) => (value === null ? "-" : value.toFixed(4));
  const rows = [...classes, macro].map(({ precision, recall, f1, support }, i) => [
    names[i] ?? "mean / all",
    cell(precision),
    cell(recall),
    cell(f1),
    formatCount(support),
  ]);
  output.print(formatTable([["class", "precision", "recall", "F1", "images"], ...rows], "<>>>>"));

  output.print();
  const matrix = confusion.length <= MATRIX_CLASSES && matrixTable(confusion, names);
  // Broken lines of a matrix tell nothing.
  if (matrix && matrix.indexOf("\n") <= output.columns) {
    output.print(paint.bold("Confusion matrix (rows: truth, columns: prediction)"));
    output.print(matrix);
    return;
  }
  output.print(paint.bold("Most frequent mistakes"));
  const mistakes = topMistakes(confusion, MISTAKES).map(({ truth, prediction, count, share }) => [
    names[truth]!,
    "taken for",
    names[prediction]!,
    String(count),
    formatPercent(share),
  ]);
  output.print(mistakes.length === 0 ? "none" : formatTable(mistakes, "<<<>>"));
}

function matrixTable(confusion: TestResult["confusion"], names: readonly string[]): string {
  const short = names.map((name) => shorten(name, 6));
  return formatTable(
    [
      ["", ...short],
      ...confusion.map((row, i) => [names[i]!, ...row.map((n) => (n === 0 ? "·" : String(n)))]),
    ],
    `<${">".repeat(names.length)}`,
  );
}

/** "Ankle boot" in 6 characters: "Ankle…". */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
