import { machineLine } from "./machine.mjs";

/** More cores than this kept busy by other processes make numbers doubtful. */
const DISTURBED = 0.15;

const INTRODUCTION = [
  "Images a second, medians, higher is better; T: threads. The seed CNN, 121,930 parameters; training at batch 32, inference at batch 100.",
  "Last columns: how many times as fast wasmgrad is, its simd build / its relaxed build.",
];

export function textTable(report) {
  const { header, body } = cells(report);
  const widths = header.map((_, i) => Math.max(...[header, ...body].map((row) => row[i].length)));
  const line = (row) =>
    row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const notes = footnotes(report).map((note) => `  ${note}`);
  return [machineLine(report.machine), `Trained on ${report.images}.`, ...INTRODUCTION, ""]
    .concat(line(header).trimEnd(), rule, ...body.map((row) => line(row).trimEnd()), "", ...notes)
    .join("\n");
}

export function markdownTable(report) {
  const { header, body } = cells(report);
  const line = (row) => `| ${row.join(" | ")} |`;
  const rule = header.map((_, i) => (i < 3 ? "---" : "---:"));
  return [`${machineLine(report.machine)}. Trained on ${report.images}. ${INTRODUCTION.join(" ")}`, ""]
    .concat(line(header), line(rule), ...body.map(line), "", ...footnotes(report).map((note) => `- ${note}`))
    .join("\n");
}

function cells({ rows, threads }) {
  const header = [
    "peer",
    "version",
    "backend",
    ...threads.map((n) => `training ${n}T`),
    `inference ${threads[0]}T`,
    ...threads.map((n) => `training ${n}T, x`),
    `inference ${threads[0]}T, x`,
  ];
  const body = rows.map(({ name, version, backend, blas, training, inference, ratios }) => [
    name,
    version ?? "-",
    blas ? `${backend}, ${blas}` : backend,
    ...threads.map((n) => speed(training[n])),
    speed(inference[threads[0]]),
    ...threads.map((n) => ratio(ratios.training[n])),
    ratio(ratios.inference[threads[0]]),
  ]);
  return { header, body };
}

function speed({ imagesPerSecond }) {
  return imagesPerSecond ? round(imagesPerSecond) : "-";
}

/** wasmgrad simd / wasmgrad relaxed. */
function ratio({ simd, relaxed }) {
  if (!simd && !relaxed) return "-";
  return [simd, relaxed].map((value) => (value ? round(value) : "-")).join(" / ");
}

/** Three figures or more. */
function round(value) {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Why a number is missing, which configuration a peer was best in, and what was disturbed. */
function footnotes({ rows, threads }) {
  const best = [];
  const missing = new Map();
  for (const row of rows) {
    const peer = `${row.name} (${row.backend})`;
    const shown = [...threads.map((n) => ["training", n]), ["inference", threads[0]]];
    for (const [phase, n] of shown) {
      const { reason, configuration, configurations } = row[phase][n];
      const what = `${phase} ${n}T`;
      if (reason) missing.set(reason, [...(missing.get(reason) ?? []), `${peer} ${what}`]);
      if (configurations) best.push(`${peer}, ${what}: best in ${configuration}.`);
    }
  }
  const notes = [...missing].map(([reason, what]) => `No ${what.join(", ")}: ${reason}.`);
  const others = rows.flatMap((row) => Object.values(row.others));
  if (Math.max(...others) > DISTURBED)
    notes.push(
      `DISTURBED: other processes kept ${Math.min(...others).toFixed(1)} to ${Math.max(...others).toFixed(1)} cores busy meanwhile. Speeds are too low, and ratios uncertain: measure again on a quiet machine.`,
    );
  return notes.concat(best);
}
