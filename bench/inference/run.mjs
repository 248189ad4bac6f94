#!/usr/bin/env node
// npm run bench:inference: predictions per second of wasmgrad, ONNX Runtime (native and WebAssembly) and TensorFlow.js, in Node and
// in Chromium, in turns.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createModel, exportModel, modelFromConfig } from "../../dist/node.js";
import { answerOf, chosenOf, disturbance, runMain, takeNumbers, wholesOf } from "../main.mjs";
import { machine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";
import { ENGINES, NATIVE, textTable, WIDE } from "./table.mjs";

const PLACES = ["node", "chromium"];
/** What no page has. */
const IN_NODE = [NATIVE, ...WIDE];
const HELP = `Usage: npm run bench:inference -- [options]

Predictions per second of the same net, with the same weights and images: wasmgrad's builds and its one-file predictor;
ONNX Runtime, native and WebAssembly, and TensorFlow.js's wasm backend, each on the file that wasmgrad wrote for it. In turns,
each in a process of its own, in Chromium in a worker of a page of its own, cross-origin isolated. Prints medians, and ratios to
the best of the others; which has fewer threads than asked for is left out, and that is said. Answers must agree within 1e-3.
All of it takes over an hour of a quiet machine.

  --nets LIST      of keras-mnist, resnet20, mobilenet-v2, mobilenet-v2-96 (default: all)
  --engines LIST   of ${ENGINES.join(", ")}
                   (default: all but ${WIDE.join(" and ")}, which need Node 24: node bench/inference/run.mjs there)
  --batches LIST   images at once (default 1,100; of mobilenet-v2 8 in place of more)
  --threads LIST   threads of each (default 1,2)
  --places LIST    of ${PLACES.join(", ")} (default: both)
  --rounds N       turns (default 3)
  --seconds S      of each measurement (default 2)
  --json FILE      also write everything measured; bench/readme-tables.mjs makes a table of it
  --readme         also write the table into README.md
  --help           this text
`;
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
      engines: { type: "string", default: ENGINES.filter((engine) => !WIDE.includes(engine)).join() },
      batches: { type: "string", default: "1,100" },
      threads: { type: "string", default: "1,2" },
      places: { type: "string", default: PLACES.join() },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      json: { type: "string" },
      readme: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  chosenOf(values, "nets", Object.keys(NETS));
  chosenOf(values, "engines", ENGINES);
  chosenOf(values, "places", PLACES);
  wholesOf(values, "batches");
  wholesOf(values, "threads");
  return takeNumbers(values, ["rounds"], ["seconds"]);
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

const inNode = (folder, job) =>
  answerOf(process.execPath, [`${here}child.mjs`, JSON.stringify({ folder, ...job })]);

/** The rows of a net and a batch: one for each place and number of threads, all in the same turns. */
async function measureRows(net, batch, { engines, places, threads, rounds, seconds }, chromium) {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-inference-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    const shape = await filesOf(net, folder);
    const rows = places.flatMap((place) =>
      threads.map((n) => ({ net, shape, batch, place, threads: n, samples: {}, reasons: {} })),
    );
    const turns = rows.flatMap((row) =>
      engines
        .filter((engine) => row.place === "node" || !IN_NODE.includes(engine))
        .map((engine) => [row, engine]),
    );
    let expected;
    for (let round = 0; round < rounds; round++)
      for (const [row, engine] of round % 2 ? turns.toReversed() : turns) {
        const { place, threads, samples, reasons } = row;
        if (reasons[engine]) continue;
        console.error(
          `round ${round + 1} of ${rounds}: ${net}, batch ${batch}, ${place}, ${threads} thread${threads > 1 ? "s" : ""}, ${engine}`,
        );
        const job = { engine, shape, batch, threads, seconds };
        const measure = place === "node" ? inNode : chromium.measure;
        const { imagesPerSecond, answers, reason } = await measure(folder, job);
        if (reason) {
          reasons[engine] = reason;
          continue;
        }
        expected ??= answers;
        if (answers.some((value, i) => !(Math.abs(value - expected[i]) <= 1e-3)))
          throw new Error(`${net}: ${engine} answers ${answers} in ${place}, expected ${expected}`);
        samples[engine] = [...(samples[engine] ?? []), imagesPerSecond];
      }
    return rows.map((row) => ({
      ...row,
      speeds: Object.fromEntries(
        Object.entries(row.samples).map(([engine, values]) => [engine, median(values)]),
      ),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const versionIn = (path) =>
  JSON.parse(readFileSync(new URL(`../../${path}package.json`, import.meta.url), "utf8")).version;

const ORT = ["ONNX Runtime", "test/counterparts/node_modules/onnxruntime-web/"];
const PEERS = {
  "onnxruntime-node": ORT,
  "onnxruntime-web": ORT,
  "tfjs-wasm": ["TensorFlow.js", "bench/peers/node_modules/@tensorflow/tfjs-backend-wasm/"],
};

/** Of the peers that are measured. */
function versionsOf(engines) {
  const peers = engines.flatMap((engine) => (PEERS[engine] ? [PEERS[engine]] : []));
  return Object.fromEntries(peers.map(([name, path]) => [name, versionIn(path)]));
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const chromium = chosen.places.includes("chromium")
    ? await (await import("./chromium.mjs")).openChromium({ tfjs: chosen.engines.includes("tfjs-wasm") })
    : undefined;
  try {
    const report = {
      machine: machine(),
      inference: true,
      disturbed: await disturbance(),
      versions: { ...versionsOf(chosen.engines), chromium: chromium?.version },
      rows: [],
    };
    const write = (file) => writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
    for (const net of chosen.nets)
      for (const batch of batchesOf(net, chosen.batches)) {
        report.rows.push(...(await measureRows(net, batch, chosen, chromium)));
        // A long run that is stopped has what it has measured.
        if (chosen.json) write(chosen.json);
      }
    report.disturbed = Math.max(report.disturbed, await disturbance());
    console.log(textTable(report));
    if (chosen.json) write(chosen.json);
    if (chosen.readme) await writeReadme(write);
  } finally {
    await chromium?.close();
  }
}

/** Of the net that is largest no more than 8 images at once, which take seconds. */
const batchesOf = (net, batches) =>
  net === "mobilenet-v2" ? [...new Set(batches.map((batch) => Math.min(batch, 8)))] : batches;

async function writeReadme(write) {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-inference-"));
  try {
    const file = join(folder, "inference.json");
    write(file);
    const { stdout } = await execute(process.execPath, [
      join(here, "../readme-tables.mjs"),
      "--inference",
      file,
    ]);
    console.log(stdout.trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runMain(main);
