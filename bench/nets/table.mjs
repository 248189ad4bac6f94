import { aligned, busy, markdown, markdownPage, speed, textPage } from "../layout.mjs";
import { machineLine } from "../peers/machine.mjs";

/** wasmgrad's builds. */
export const OWN = ["simd", "relaxed"];

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
  const opponents = Object.entries(versions).map(([engine, version]) => `${engine}: ${version}`);
  return [
    ...(opponents.length > 0 ? [`Opponents: ${opponents.join("; ")}.`] : []),
    ...[...failed].map(([reason, net]) => `Left out: ${reason} (${net}).`),
    ...busy(disturbed),
  ];
}

function caption({ machine }) {
  return `wasmgrad ${machine.wasmgrad}, ${machineLine(machine)}. Training with Adam, images a second, medians of turns; best native: the fastest of all others, in its best way; x: times as fast.`;
}

const times = (ratio) => (Number.isNaN(ratio) ? "-" : ratio.toFixed(2));

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
      ...own.map((build) => speed(row.speeds[build])),
      speed(best),
      way,
      ...own.map((build) => times(row.speeds[build] / best)),
    ];
  });
  return { table: { header, body }, left: [0, header.indexOf("which")] };
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
  const { table, left } = cells(report, false);
  return textPage(caption(report), [aligned(table, left)], notes(report));
}

/** @param compact a row a net and number of threads, each side at its better batch; else all that was measured, with notes */
export function markdownTable(report, compact = true) {
  const { table, left } = cells(report, compact);
  const ways = compact ? " Each side at the better of its batches." : "";
  return markdownPage(`${caption(report)}${ways}`, [markdown(table, left)], notes(report));
}
