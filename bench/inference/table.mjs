// What npm run bench:inference prints, and the same as Markdown for the README.
import { aligned, busy, markdown, markdownPage, speed, textPage } from "../layout.mjs";
import { machineLine } from "../peers/machine.mjs";

/** Builds for Node 24 alone. */
export const WIDE = ["wide", "relaxed-wide"];
export const OWN = ["simd", "relaxed", ...WIDE, "one file"];
export const WASM_PEERS = ["onnxruntime-web", "tfjs-wasm"];
export const NATIVE = "onnxruntime-node";
export const ENGINES = [...OWN, NATIVE, ...WASM_PEERS];
const TITLES = {
  simd: "wasmgrad simd",
  "one file": "`model.js`",
  "onnxruntime-node": "ONNX Runtime, native",
  "onnxruntime-web": "ONNX Runtime, wasm",
  "tfjs-wasm": "TensorFlow.js, wasm",
};
const PLACES = { node: "Node", chromium: "Chromium" };

/** How many times as fast the best of ours is as the best of those. */
function times(speeds, ...others) {
  const best = (engines) => Math.max(...engines.map((engine) => speeds[engine] ?? 0));
  const [own, other] = [best(OWN), best(others)];
  return own > 0 && other > 0 ? (own / other).toFixed(2) : "-";
}

function cells({ rows }) {
  const engines = ENGINES.filter((engine) => rows.some(({ speeds }) => speeds[engine]));
  return {
    header: [
      "net",
      "batch",
      "in",
      "threads",
      ...engines.map((engine) => TITLES[engine] ?? engine),
      "best / wasm",
      "best / native",
    ],
    body: rows.map(({ net, shape, batch, place, threads, speeds }) => [
      `${net}, ${shape.join("x")}`,
      String(batch),
      PLACES[place],
      String(threads),
      ...engines.map((engine) => speed(speeds[engine])),
      times(speeds, ...WASM_PEERS),
      times(speeds, NATIVE),
    ]),
  };
}

function caption({ machine, versions }) {
  const { chromium, ...peers } = versions;
  const others = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const beside = others.length > 0 ? ` Beside ${others.join(" and ")}.` : "";
  return `wasmgrad ${machine.wasmgrad}, ${[machineLine(machine), ...(chromium ? [`Chromium ${chromium}`] : [])].join(", ")}. Predictions a second, medians of turns, each engine on the file of the same net that \`convert\` writes for it.${beside} Best: of wasmgrad's${chromium ? "; in Chromium all run in a worker" : ""}.`;
}

function notes({ rows, disturbed }) {
  const left = new Map();
  for (const { place, threads, reasons } of rows)
    for (const [engine, reason] of Object.entries(reasons))
      left.set(`No ${engine} on ${threads} threads in ${PLACES[place]}: ${reason}.`, true);
  const shown = rows.some(
    ({ place, threads, speeds }) => place === "chromium" && threads > 1 && speeds["tfjs-wasm"],
  );
  return [
    ...left.keys(),
    ...(shown
      ? [
          "TensorFlow.js takes half of the cores that a browser tells of: it was told of twice as many as its threads.",
        ]
      : []),
    ...busy(disturbed),
  ];
}

export function textTable(report) {
  return textPage(caption(report), [aligned(cells(report))], notes(report));
}

export function markdownTable(report) {
  return markdownPage(caption(report), [markdown(cells(report))], notes(report));
}
