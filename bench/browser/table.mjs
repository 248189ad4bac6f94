// What npm run bench:browser prints, and the same as Markdown for the README.
import { aligned, markdown, markdownPage, textPage } from "../layout.mjs";
import { machineLine } from "../peers/machine.mjs";

/** More cores than this kept busy by other processes make numbers doubtful. */
const DISTURBED = 0.15;
const TITLES = { chromium: "Chromium", firefox: "Firefox" };

export function textTable(report) {
  return textPage(
    caption(report),
    tables(report).map((table) => aligned(table)),
    notes(report),
  );
}

export function markdownTable(report) {
  return markdownPage(
    caption(report),
    tables(report).map((table) => markdown(table)),
    notes(report),
  );
}

function caption({ machine, runtimes, quick }) {
  const versions = runtimes
    .filter(({ id }) => id !== "node")
    .map(({ name, version }) => `${name} ${version}`);
  return `wasmgrad ${machine.wasmgrad}, ${[machineLine(machine), ...versions].join(", ")}. Images a second of the seed CNN, medians of wall time, runtimes and builds in turns${quick ? "; --quick, so more noise than need be" : ""}; in brackets: to Node, the median of the turns' ratios.`;
}

function tables(report) {
  return [ownTable(report), ...(report.tfjs?.rows.length ? [tfjsTable(report)] : [])];
}

function ownTable({ runtimes, rows }) {
  const browsers = runtimes.filter(({ id }) => id !== "node");
  return {
    header: ["", "Node", ...browsers.map(({ name }) => name)],
    body: rows.map(({ build, threads, what, batch, figures, ratios }) => [
      `${what}, batch ${batch}, ${build}, ${threads} thread${threads > 1 ? "s" : ""}`,
      figure(figures.node),
      ...browsers.map(({ id }) =>
        figures[id] ? `${figure(figures[id])} (${times(ratios[id]) ?? "-"})` : "-",
      ),
    ]),
  };
}

function tfjsTable({ tfjs, rows }) {
  const own = (what, batch) =>
    rows.find((row) => row.build === "simd" && row.threads === 1 && row.what === what && row.batch === batch)
      ?.figures.chromium;
  const [training, inference] = [own("training", 32), own("inference", 100)];
  return {
    header: [
      "in Chromium",
      "training, batch 32",
      "wasmgrad simd, x",
      "inference, batch 100",
      "wasmgrad simd, x",
    ],
    body: tfjs.rows.map((row) => [
      `TensorFlow.js ${tfjs.version}, ${row.backend}${isSoftware(row.renderer) ? " (drawn in software)" : ""}`,
      figure(row.training),
      training ? figure(training / row.training) : "-",
      figure(row.inference),
      inference ? figure(inference / row.inference) : "-",
    ]),
  };
}

/** What is missing and why, and what the figures must be read with. */
function notes({ runtimes, tfjs, others, skipped }) {
  const renderer = tfjs?.rows.find((row) => row.renderer)?.renderer;
  const grouped = new Map();
  for (const { id, build, threads, reason } of skipped) {
    const key = `${TITLES[id] ?? "Node"}: ${reason}`;
    grouped.set(key, [...(grouped.get(key) ?? []), `${build} on ${threads}`]);
  }
  return [
    ...[...grouped].map(([key, what]) => `No ${what.join(", ")} in ${key}`),
    ...runtimes.filter(({ reason }) => reason).map(({ name, reason }) => `No ${name}: ${reason}`),
    ...(tfjs?.skipped ?? []).map(({ backend, reason }) => `No TensorFlow.js ${backend}: ${reason}`),
    ...(isSoftware(renderer)
      ? [
          `Headless Chromium, no graphics card: TensorFlow.js's WebGL ran on the processor, all its cores (${renderer}). With a card it is far faster.`,
        ]
      : renderer
        ? [`TensorFlow.js's WebGL ran on ${renderer}.`]
        : []),
    ...(others > DISTURBED
      ? [
          `DISTURBED: other processes kept ${others.toFixed(1)} cores busy before or after. Speeds are too low, those of 2 threads most, and ratios uncertain: measure again on a quiet machine.`,
        ]
      : []),
  ];
}

/** Whether a WebGL renderer is a program on the processor, not a graphics card. */
function isSoftware(renderer) {
  return /swiftshader|llvmpipe|software/i.test(renderer ?? "");
}

/** Three figures or more. */
function figure(value) {
  if (value === undefined) return "-";
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function times(ratio) {
  return ratio === undefined ? undefined : `${ratio.toFixed(2)}x`;
}
