#!/usr/bin/env node
// npm run bench:fast: how long it takes from nothing to a tested MNIST model, as whole processes.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { oneCycle } from "../../dist/index.js";
import { rateOf } from "../../dist/optim/schedules/index.js";
import { RECIPES } from "../../dist/train/recipes.js";
import { runMain } from "../main.mjs";
import { machine, machineLine } from "../peers/machine.mjs";

const HELP = `Usage: npm run bench:fast -- [options]      (or: node bench/fast/run.mjs [options])

Runs \`wasmgrad train --dataset mnist --recipe fast\` and the same recipe in native PyTorch, in turns, and prints the
seconds from the start of each process to its end, and the test accuracy that it ended with.

  --data DIR       folder that holds mnist/train-images-idx3-ubyte.gz ... (default: WASMGRAD_DATA)
  --seeds N[,N]    (default 1,2,3)
  --threads N      (default 2)
  --backend NAME   of wasmgrad (default auto)
  --python PATH    the Python that has torch (default /usr/bin/python3)
  --json FILE      also write everything measured
  --help           this text
`;
const TRAIN_IMAGES = 60_000;
const here = fileURLToPath(new URL(".", import.meta.url));
const execute = promisify(execFile);

/** The process's standard output, and the seconds from its start to its end. */
async function timed(command, args) {
  const began = performance.now();
  const { stdout } = await execute(command, args, { maxBuffer: 2 ** 26 });
  return { stdout, seconds: (performance.now() - began) / 1000 };
}

async function wasmgrad({ data, threads, backend }, seed, folder) {
  const out = join(folder, `run-${seed}`);
  const flags = ["--dataset", "mnist", "--data-dir", data, "--recipe", "fast", "--seed", String(seed)];
  const engine = ["--threads", String(threads), "--backend", backend];
  const cli = fileURLToPath(new URL("../../dist/cli/index.js", import.meta.url));
  const args = [cli, "train", ...flags, ...engine, "--out", out, "--json"];
  const { stdout, seconds } = await timed(process.execPath, args);
  const { test, imagesPerSecond } = JSON.parse(stdout);
  return { seconds, accuracy: test.accuracy, imagesPerSecond };
}

async function torch({ data, threads, python }, seed, rates) {
  const { epochs, batchSize } = RECIPES.fast;
  const args = [`${here}torch_fast.py`, "--data", join(data, "mnist"), "--rates", rates];
  const settings = { threads, seed, epochs, batch: batchSize };
  for (const [name, value] of Object.entries(settings)) args.push(`--${name}`, String(value));
  const { stdout, seconds } = await timed(python, args);
  return { seconds, ...JSON.parse(stdout) };
}

async function main() {
  const { values } = parseArgs({
    options: {
      data: { type: "string", ...(process.env.WASMGRAD_DATA && { default: process.env.WASMGRAD_DATA }) },
      seeds: { type: "string", default: "1,2,3" },
      threads: { type: "string", default: "2" },
      backend: { type: "string", default: "auto" },
      python: { type: "string", default: "/usr/bin/python3" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!values.data) throw new RangeError("no MNIST files: give --data DIR or set WASMGRAD_DATA");
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-fast-"));
  try {
    const { epochs, batchSize, peak } = RECIPES.fast;
    const steps = epochs * Math.ceil(TRAIN_IMAGES / batchSize);
    const rate = rateOf(oneCycle({ peak, steps }));
    const rates = join(folder, "rates.json");
    writeFileSync(rates, JSON.stringify(Array.from({ length: steps }, (_, step) => rate(step))));
    const report = { machine: machine(), threads: Number(values.threads), backend: values.backend, runs: [] };
    console.log(`${machineLine(report.machine)}. ${values.threads} threads.\n`);
    console.log("seed  wasmgrad            PyTorch");
    for (const seed of values.seeds.split(",").map(Number)) {
      const ours = await wasmgrad(values, seed, folder);
      const theirs = await torch(values, seed, rates);
      report.runs.push({ seed, wasmgrad: ours, torch: theirs });
      const cell = ({ seconds, accuracy }) =>
        `${seconds.toFixed(1).padStart(5)} s  ${(100 * accuracy).toFixed(2)} %    `;
      console.log(`${String(seed).padStart(4)}  ${cell(ours)}${cell(theirs)}`.trimEnd());
    }
    if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runMain(main);
