// What npm run bench prints, and the same as Markdown for the README.
import { aligned, markdown } from "./layout.mjs";
import { machineLine } from "./peers/machine.mjs";

/** Groups of cases, by what their speed is in: FLOP by the layer's definition, bytes moved, or images. */
export const UNITS = {
  gemm: "GFLOP/s",
  convolution: "GFLOP/s",
  pointwise: "GFLOP/s",
  dense: "GFLOP/s",
  pooling: "GB/s",
  activations: "GB/s",
  normalization: "GB/s",
  losses: "GB/s",
  optimizers: "GB/s",
  input: "GB/s",
  steps: "images/s",
  batch: "images/s",
};
const SPEEDS = { "GFLOP/s": "gflops", "GB/s": "gigabytesPerSecond", "images/s": "imagesPerSecond" };
const RATIOS = ["simd/scalar", "relaxed/simd"];

/** One thread that got less than this share of a core was disturbed. */
const DISTURBED = 0.85;

export function textReport(report) {
  const groups = Object.keys(UNITS).filter((group) => report.rows.some((row) => row.group === group));
  const tables = groups.map((group) => `${aligned(wideCells(report, group))}\n`);
  return [caption(report), "", ...tables, ...notes(report).map((note) => `  ${note}`)].join("\n");
}

/** One group as a Markdown table with its machine, fewer columns than the text has. Throws where nothing is measured. */
export function markdownTable(report, group) {
  const table = compactCells(report, group);
  if (table.body.length === 0)
    throw new Error(`the results have nothing of '${group}': they are of another --filter`);
  return `${caption(report)}\n\n${markdown(table)}`;
}

function caption({ machine, peaks, quick }) {
  const measured = Object.entries(peaks).map(([build, gflops]) => `${build} ${gflops.toFixed(1)}`);
  return [
    `wasmgrad ${machine.wasmgrad}, ${machineLine(machine)}.`,
    ...(measured.length ? [`Measured peak of one thread: ${measured.join(", ")} GFLOP/s.`] : []),
    `Medians, builds in turns${quick ? "; --quick, so more noise than need be" : ""}.`,
  ].join(" ");
}

/** For each build time, speed and what it is to be compared with. */
function wideCells(report, group) {
  const { rows, builds, unit, speed } = select(report, group);
  return tabulate(rows, [
    [group, caseName],
    ...builds.flatMap((build) => [
      [`${build} us`, (row) => figure(1000 * (row.builds[build]?.milliseconds ?? Number.NaN))],
      [unit, (row) => figure(row.builds[build]?.[speed])],
      ...(unit === "GFLOP/s" ? [["of peak", (row) => percent(row.builds[build]?.peakShare)]] : []),
      ...(unit === "images/s" ? [["to 1 thread", (row) => times(row.builds[build]?.threadSpeedup)]] : []),
    ]),
    ...ratioColumns(rows),
  ]);
}

/** For each build its speed, and the share of the peak or the gain from threads in the same cell. */
function compactCells(report, group) {
  const { rows, builds, unit, speed } = select(report, group);
  const extra = { "GFLOP/s": " (of peak)", "images/s": " (to 1 thread)" }[unit] ?? "";
  return tabulate(rows, [
    ["", caseName],
    ...builds.map((build) => [
      `${build}, ${unit}${extra}`,
      ({ builds: { [build]: result } }) => {
        if (!result) return "-";
        const { peakShare, threadSpeedup } = result;
        const beside = peakShare !== undefined ? percent(peakShare) : threadSpeedup && times(threadSpeedup);
        return figure(result[speed]) + (beside ? ` (${beside})` : "");
      },
    ]),
    ...ratioColumns(rows),
  ]);
}

function select(report, group) {
  const rows = report.rows.filter((row) => row.group === group);
  const builds = report.builds.filter((build) => rows.some((row) => row.builds[build]));
  return { rows, builds, unit: UNITS[group], speed: SPEEDS[UNITS[group]] };
}

/** Columns are `[title, row => text]`. */
function tabulate(rows, columns) {
  return {
    header: columns.map(([title]) => title),
    body: rows.map((row) => columns.map(([, cell]) => cell(row))),
  };
}

function caseName({ name, threads, images }) {
  return images ? `${name}, ${threads} thread${threads > 1 ? "s" : ""}` : name;
}

function ratioColumns(rows) {
  const measured = RATIOS.filter((ratio) => rows.some((row) => row.ratios[ratio]));
  return measured.map((ratio) => [ratio, (row) => times(row.ratios[ratio])]);
}

/** What the figures mean, builds left out, and whether the machine was busy. */
function notes({ rows, skipped }) {
  const all = rows.flatMap(({ threads, builds }) =>
    Object.values(builds).map((result) => ({ threads, ...result })),
  );
  const disturbed = all.filter(({ threads, cores }) => threads === 1 && cores < DISTURBED).length;
  return [
    "GFLOP count multiplications and additions by a layer's definition: Winograd's products and kernels that leave out",
    "zeros do fewer, and may show more than the peak. GB count each tensor that is read or written once.",
    "Times on one thread are CPU time, on more threads wall time; 'to 1 thread' compares wall times.",
    ...Object.entries(skipped).map(([build, reason]) => `No ${build}: ${reason}`),
    ...(disturbed > 0
      ? [
          `The machine was busy: ${disturbed} of ${all.length} measurements got less than ${100 * DISTURBED} % of a core. Take figures of several`,
          "threads for too low.",
        ]
      : []),
  ];
}

/** Three figures or more; "-" for what was not measured. */
function figure(value) {
  if (value === undefined || Number.isNaN(value)) return "-";
  return value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

function percent(share) {
  return share === undefined ? "-" : `${Math.round(100 * share)} %`;
}

function times(ratio) {
  return ratio === undefined ? "-" : `${ratio.toFixed(2)}x`;
}
