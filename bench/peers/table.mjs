import { aligned, markdown, markdownPage, textPage } from "../layout.mjs";
import { machineLine } from "./machine.mjs";

/** More cores than this kept busy by other processes make numbers doubtful. */
const DISTURBED = 0.15;

const INTRODUCTION = [
  "Images a second, medians, higher is better; T: threads. The seed CNN, 121,930 parameters; training at batch 32, inference at batch 100.",
  "Last columns: how many times as fast wasmgrad is, its simd build / its relaxed build.",
];

/** Columns of words. */
const LEFT = [0, 1, 2];

export function textTable(report) {
  const caption = [machineLine(report.machine), `Trained on ${report.images}.`, ...INTRODUCTION].join("\n");
  return textPage(caption, [aligned(cells(report), LEFT)], footnotes(report));
}

export function markdownTable(report) {
  const caption = `${machineLine(report.machine)}. Trained on ${report.images}. ${INTRODUCTION.join(" ")}`;
  return markdownPage(caption, [markdown(cells(report), LEFT)], footnotes(report));
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
