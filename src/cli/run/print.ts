import { classReport, topMistakes } from "../../report/metrics.ts";
import type { TestResult } from "../../train/test-model.ts";
import { figure } from "../epoch-line.ts";
import { formatCount, formatPercent, formatTable, type Output, printable } from "../output.ts";

/** More classes than this make a matrix too wide to read: the most frequent mistakes stand in for it. */
const MATRIX_CLASSES = 20;
const MISTAKES = 15;

export function testLine({ loss, accuracy, count }: TestResult): string {
  const right = accuracy === undefined ? "" : `accuracy ${formatPercent(accuracy)}, `;
  return `${right}loss ${figure(loss)} (${formatCount(count)} images)`;
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
