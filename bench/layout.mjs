// How measured tables are written: as aligned text, and as Markdown.

const joined = (row) => `| ${row.join(" | ")} |`;

/** @param left which columns are words, from 0; all others are numbers */
export function aligned({ header, body }, left = [0]) {
  const widths = header.map((_, i) => Math.max(...[header, ...body].map((row) => row[i].length)));
  const line = (row) =>
    row
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(header), rule, ...body.map(line)].join("\n");
}

/** The same as Markdown. */
export function markdown({ header, body }, left = [0]) {
  const rule = header.map((_, i) => (left.includes(i) ? "---" : "---:"));
  return [header, rule, ...body].map(joined).join("\n");
}

/** What stands above a table, the table and its notes, as text. */
export function textPage(caption, tables, notes) {
  return page(caption, tables, notes, "  ");
}

/** The same as Markdown. */
export function markdownPage(caption, tables, notes) {
  return page(caption, tables, notes, "- ");
}

function page(caption, tables, notes, mark) {
  return [caption, ...tables, notes.map((note) => mark + note).join("\n")].filter(Boolean).join("\n\n");
}

/** A speed, of three figures or more; "-" for what was not measured. */
export function speed(value) {
  if (value === undefined || Number.isNaN(value)) return "-";
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(value < 10 ? 2 : 1);
}

/** Cores that others may keep busy before and after. */
const QUIET = 0.2;

/** A note where they kept more busy. */
export function busy(cores) {
  if (!(cores > QUIET)) return [];
  return [
    `DISTURBED: other processes kept ${cores.toFixed(1)} cores busy before or after. Measure again on a quiet machine.`,
  ];
}
