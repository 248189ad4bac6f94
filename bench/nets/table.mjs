import { machineLine } from "../peers/machine.mjs";

/** wasmgrad's builds. */
export const OWN = ["simd", "relaxed"];
/** Cores that others may keep busy. */
const QUIET = 0.2;

const others = (speeds) => Object.entries(speeds).filter(([way]) => !OWN.includes(way));

/** The fastest of the others: `[way, images/s]`. */
const bestOf = ({ speeds }) =>
  others(speeds).reduce((best, way) => (best[1] >= way[1] ? best : way), ["none", Number.NaN]);

function notes({ rows, disturbed }) {
  const versions = Object.assign({}, ...rows.map((row) => row.versions));
  const failed = new Map(
    rows.flatMap(({ net, failed: reasons }) =>
      Object.entries(reasons).map(([engine, why]) => [`${engine}, ${why}`, net]),
    ),
  );
  return [
    `Opponents: ${Object.entries(versions)
      .map(([engine, version]) => `${engine}: ${version}`)
      .join("; ")}.`,
    ...[...failed].map(([reason, net]) => `Left out: ${reason} (${net}).`),
    ...(disturbed > QUIET
      ? [
          `DISTURBED: other processes kept ${disturbed.toFixed(1)} cores busy before or after. Measure again on a quiet machine.`,
        ]
      : []),
  ];
}

function caption({ machine }) {
  return `${machineLine(machine)}. Training with Adam, images a second, medians of turns; best native: the fastest of all others, in its best way; x: times as fast.`;
}

const number = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1));

/** All rows, or of each net and number of threads the batch that is best for each side. */
function cells({ rows }, compact) {
  const own = OWN.filter((build) => rows.some(({ speeds }) => speeds[build] !== undefined));
  const header = [
    "net",
    ...(compact ? [] : ["batch"]),
    "threads",
    ...own,
    "best native",
    "which",
    ...own.map((build) => `${build}, x`),
  ];
  const shown = compact ? merged(rows) : rows;
  const body = shown.map((row) => {
    const [way, best] = bestOf(row);
    return [
      `${row.net}, ${row.shape.join("x")}`,
      ...(compact ? [] : [String(row.batch)]),
      String(row.threads),
      ...own.map((build) => number(row.speeds[build] ?? Number.NaN)),
      number(best),
      way,
      ...own.map((build) => ((row.speeds[build] ?? Number.NaN) / best).toFixed(2)),
    ];
  });
  return { header, body };
}

/** Rows of a net and a number of threads as one: each way at its best batch. */
function merged(rows) {
  const found = new Map();
  for (const row of rows) {
    const key = `${row.net} ${row.threads}`;
    const speeds = { ...found.get(key)?.speeds };
    for (const [way, speed] of Object.entries(row.speeds)) speeds[way] = Math.max(speeds[way] ?? 0, speed);
    found.set(key, { ...row, speeds });
  }
  return [...found.values()];
}

export function textTable(report) {
  const { header, body } = cells(report, false);
  const left = header.map((name) => name === "net" || name === "which");
  const widths = header.map((_, i) => Math.max(...[header, ...body].map((row) => row[i].length)));
  const line = (row) =>
    row.map((cell, i) => (left[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [caption(report), "", ...[header, ...body].map(line), "", ...notes(report)].join("\n");
}

/** @param compact a row a net and number of threads, each side at its better batch; else all that was measured, with notes */
export function markdownTable(report, compact = true) {
  const { header, body } = cells(report, compact);
  const line = (row) => `| ${row.join(" | ")} |`;
  const rule = header.map((name) => (name === "net" || name === "which" ? "---" : "---:"));
  const table = [header, rule, ...body].map(line);
  const ways = compact ? " Each side at the better of its batches." : "";
  return [`${caption(report)}${ways}`, "", ...table, "", ...notes(report).map((note) => `- ${note}`)].join(
    "\n",
  );
}
