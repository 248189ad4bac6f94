#!/usr/bin/env node
// npm run bench:inference: predictions per second of wasmgrad, ONNX Runtime (native and WebAssembly) and TensorFlow.js, in turns.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createModel, exportModel, modelFromConfig } from "../../dist/node.js";
import { runMain, takeNumbers } from "../main.mjs";
import { machine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";

const HELP = `Usage: npm run bench:inference -- [options]

Predictions per second of the same net, with the same weights and images: wasmgrad's simd and relaxed builds and its one-file
predictor; ONNX Runtime, native and WebAssembly, and TensorFlow.js's wasm backend, each on the file that wasmgrad wrote for it.
In turns, each in a process of its own. Prints medians, and ratios to the best of the others. Answers must agree within 1e-3.

  --nets LIST      of keras-mnist, resnet20, mobilenet-v2, mobilenet-v2-96 (default: all)
  --batches LIST   images at once (default 1,100; of mobilenet-v2 8 in place of 100)
  --threads N      threads of each (default 1)
  --rounds N       turns (default 3)
  --seconds S      of each measurement (default 2)
  --json FILE      also write everything measured
  --help           this text
`;
const ENGINES = ["simd", "relaxed", "one file", "onnxruntime-node", "onnxruntime-web", "tfjs-wasm"];
const OWN = ["simd", "relaxed", "one file"];
const NETS = {
  "keras-mnist": () => createModel("keras-mnist", [28, 28, 1], 10),
  resnet20: () => createModel("resnet20", [32, 32, 3], 10),
  "mobilenet-v2": () => mobileNet(224),
  "mobilenet-v2-96": () => mobileNet(96),
};
const here = fileURLToPath(new URL(".", import.meta.url));
const execute = promisify(execFile);

function mobileNet(side) {
  const config = JSON.parse(
    readFileSync(new URL("../../docs/examples/mobilenet-v2.json", import.meta.url), "utf8"),
  );
  const layers = config.layers.map((layer) => {
    if (layer.type === "input") return { ...layer, shape: [side, side, 3] };
    return layer.inputShape ? { ...layer, inputShape: [side, side, 3] } : layer;
  });
  return modelFromConfig({ ...config, layers });
}

function options() {
  const { values } = parseArgs({
    options: {
      nets: { type: "string", default: Object.keys(NETS).join() },
      batches: { type: "string", default: "1,100" },
      threads: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  takeNumbers(values, ["threads", "rounds"], ["seconds"]);
  values.nets = values.nets.split(",");
  const odd = values.nets.find((net) => !Object.hasOwn(NETS, net));
  if (odd !== undefined)
    throw new RangeError(`--nets has '${odd}', expected of ${Object.keys(NETS).join(", ")}`);
  values.batches = values.batches.split(",").map(Number);
  if (!values.batches.every((batch) => Number.isInteger(batch) && batch > 0))
    throw new RangeError("--batches expects whole numbers above 0, such as 1,100");
  return values;
}

/** Writes the net for each engine into a folder. */
async function filesOf(net, folder) {
  const model = NETS[net]();
  await model.compile({ seed: 1, threads: 1, optimizer: "sgd", maxMemory: 2 ** 32 - 65536 });
  for (const format of ["wasmgrad", "js", "onnx", "tfjs"])
    for (const [name, bytes] of Object.entries(await exportModel(model, { format, name: "m" }))) {
      const to = join(folder, format === "tfjs" ? "tfjs" : "");
      mkdirSync(to, { recursive: true });
      writeFileSync(join(to, name), bytes);
    }
  const shape = [...model.inputShape];
  model.dispose();
  return shape;
}

async function measureRow(net, batch, chosen) {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-inference-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    const shape = await filesOf(net, folder);
    const samples = {};
    let expected;
    for (let round = 0; round < chosen.rounds; round++)
      for (const engine of round % 2 ? ENGINES.toReversed() : ENGINES) {
        // It has one thread.
        if (engine === "one file" && chosen.threads > 1) continue;
        console.error(`round ${round + 1} of ${chosen.rounds}: ${net}, batch ${batch}, ${engine}`);
        const { threads, seconds } = chosen;
        const job = JSON.stringify({ engine, folder, shape, batch, threads, seconds });
        const { stdout } = await execute(process.execPath, [`${here}child.mjs`, job]);
        const { imagesPerSecond, answers } = JSON.parse(stdout.trim().split("\n").at(-1));
        expected ??= answers;
        if (answers.some((value, i) => !(Math.abs(value - expected[i]) <= 1e-3)))
          throw new Error(`${net}: ${engine} answers ${answers}, expected ${expected}`);
        samples[engine] = [...(samples[engine] ?? []), imagesPerSecond];
      }
    const speeds = Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, median(values)]));
    return { net, shape, batch, speeds, samples };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const number = (speed) => (speed >= 100 ? Math.round(speed).toLocaleString("en-US") : speed.toFixed(1));

function textTable({ rows }) {
  const engines = ENGINES.filter((engine) => rows.some(({ speeds }) => speeds[engine]));
  const cells = [["net", "batch", ...engines, "best / wasm peers", "best / native"]];
  for (const { net, batch, speeds } of rows) {
    const best = Math.max(...OWN.map((engine) => speeds[engine] ?? 0));
    const ratio = (...others) => (best / Math.max(...others.map((engine) => speeds[engine]))).toFixed(2);
    cells.push([
      net,
      String(batch),
      ...engines.map((engine) => number(speeds[engine] ?? Number.NaN)),
      ratio("onnxruntime-web", "tfjs-wasm"),
      ratio("onnxruntime-node"),
    ]);
  }
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells
    .map((row) => row.map((cell, i) => cell[i ? "padStart" : "padEnd"](widths[i])).join("  "))
    .join("\n");
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const report = { machine: machine(), inference: true, threads: chosen.threads, rows: [] };
  for (const net of chosen.nets)
    for (const batch of chosen.batches)
      report.rows.push(await measureRow(net, net === "mobilenet-v2" ? Math.min(batch, 8) : batch, chosen));
  console.log(textTable(report));
  if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

await runMain(main);
