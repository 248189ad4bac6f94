import { type LayerRow, summaryTable } from "../model/build.ts";
import { formatCount, formatTable, printable } from "./output.ts";

/** Least room for a layer's name in a narrow terminal. */
const NAME = 6;

/**
 * The layer table of a model, as Model.summary() gives it; in a terminal that is too narrow for that, without the
 * batch, without types that the names tell already, and without what is connected to what.
 * @param columns characters in a line; Infinity where there is no terminal
 */
export function layerTable(title: string, rows: readonly LayerRow[], columns: number): string {
  const shown = rows.map((row) => ({
    ...row,
    name: printable(row.name),
    from: row.from.map((name) => printable(name)),
  }));
  const full = summaryTable(printable(title), shown);
  const [, rule = ""] = full.split("\n");
  if (rule.length <= columns) return full;
  const cells = shown.map(({ name, type, outputShape, parameters }) => [
    new RegExp(`^${type}(_\\d+)?$`).test(name) ? name : `${name} (${type})`,
    outputShape.join("x"),
    formatCount(parameters),
  ]);
  const head = ["Layer", "Output", "Parameters"];
  const width = (column: number) => Math.max(...[head, ...cells].map((row) => row[column]!.length));
  const room = Math.max(NAME, columns - width(1) - width(2) - 4);
  const table = formatTable(
    [head, ...cells].map(([name = "", ...others]) => [
      name.length <= room ? name : `${name.slice(0, room - 1)}…`,
      ...others,
    ]),
    "<<>",
  ).split("\n");
  const line = "─".repeat(Math.max(...table.map((row) => row.length)));
  const totals = full.slice(full.lastIndexOf(rule) + rule.length + 1);
  return [`Model: ${printable(title)}`, line, table[0], line, ...table.slice(1), line, totals].join("\n");
}
