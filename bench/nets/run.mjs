#!/usr/bin/env node
// npm run bench:nets: LeNet-5 and a VGG-like net, training, in wasmgrad and in native PyTorch, in turns.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { inTurns, runMain, takeNumbers } from "../main.mjs";
import { machine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";
import { textTable } from "./table.mjs";

const HELP = `Usage: npm run bench:nets -- [options]      (or: node bench/nets/run.mjs [options])

Trains LeNet-5 (28x28x1) and a VGG-like net (32x32x3) at batch 32 with Adam: wasmgrad's simd and relaxed builds and
native PyTorch at its better memory layout, in turns, each in a process of its own. Prints medians and ratios.

  --threads N      threads of each (default 1)
  --rounds N       turns (default 3)
  --seconds S      of each measurement (default 5)
  --python PATH    the Python that has torch (default /usr/bin/python3)
  --json FILE      also write everything measured; bench/readme-tables.mjs makes README tables of it
  --help           this text
`;
const NETS = { lenet5: [28, 28, 1], vgg: [32, 32, 3] };
const BATCH = 32;
const here = fileURLToPath(new URL(".", import.meta.url));
const execute = promisify(execFile);

function options() {
  const { values } = parseArgs({
    options: {
      threads: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      python: { type: "string", default: "/usr/bin/python3" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  return takeNumbers(values, ["threads", "rounds"], ["seconds"]);
}

async function wasmgrad(build, net, { threads, seconds }) {
  const job = JSON.stringify({ net, build, threads, seconds, batch: BATCH, shape: NETS[net] });
  const { stdout } = await execute(process.execPath, [`${here}child.mjs`, job]);
  const { imagesPerSecond, parameters } = JSON.parse(stdout);
  return { speeds: { [build]: imagesPerSecond }, parameters };
}

async function torch(net, { threads, seconds, python }) {
  const args = ["--net", net, "--batch", BATCH, "--threads", threads, "--seconds", seconds];
  const { stdout } = await execute(python, [`${here}torch_nets.py`, ...args.map(String)]);
  const { imagesPerSecond, parameters, version } = JSON.parse(stdout);
  return { speeds: imagesPerSecond, parameters, version };
}

/** One net's samples, `{ [name]: number[] }`; forwards in one round and backwards in the next. */
async function measureNet(net, chosen) {
  const runs = [
    ["simd", () => wasmgrad("simd", net, chosen)],
    ["relaxed", () => wasmgrad("relaxed", net, chosen)],
    ["PyTorch", () => torch(net, chosen)],
  ];
  const { samples, parameters, version } = await inTurns(runs, chosen.rounds, `${net}, `);
  const speeds = Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, median(values)]));
  const layout = speeds.NCHW > speeds.channels_last ? "NCHW" : "channels_last";
  return { net, shape: NETS[net], parameters, speeds, samples, layout, version };
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const report = { machine: machine(), nets: true, threads: chosen.threads, batch: BATCH, rows: [] };
  for (const net of Object.keys(NETS)) report.rows.push(await measureNet(net, chosen));
  console.log(textTable(report));
  if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

await runMain(main);
