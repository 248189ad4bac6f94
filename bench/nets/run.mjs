#!/usr/bin/env node
// npm run bench:nets: nets that people train, in wasmgrad and in native frameworks, in turns.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { python } from "../../scripts/python-packages.mjs";
import { answerOf, chosenOf, disturbance, inTurns, runMain, takeNumbers, wholesOf } from "../main.mjs";
import { machine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";
import { NETS } from "./nets.mjs";
import { OWN, textTable } from "./table.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
/** The Python of Debian, with its PyTorch and OpenBLAS: apt install python3-torch libopenblas0-pthread. */
const DEBIAN = "/usr/bin/python3";

/** Who trains: `run(job)` resolves to `{ speeds: { [way]: images/s }, parameters, version }`, and rejects where it cannot. */
const ENGINES = {
  ...Object.fromEntries(OWN.map((build) => [build, (job) => wasmgrad(build, job)])),
  torch: (job) => torch(python, job),
  "torch-compile": (job) => torch(python, job, ["--compiled"]),
  "torch-debian": (job) => torch(DEBIAN, job),
  "keras-tensorflow": (job) => keras("tensorflow", job),
  "keras-jax": (job) => keras("jax", job),
};

const HELP = `Usage: npm run bench:nets -- [options]      (or: node bench/nets/run.mjs [options])

Trains nets with Adam: wasmgrad's builds; PyTorch in both memory layouts and compiled; the PyTorch of Debian; Keras on TensorFlow,
as it comes and with jit_compile, and on JAX. In turns, each in a process of its own, on the same numbers of parameters. Prints
medians, and ratios to the best of the others; what is far slower than that takes part in the first round alone. One that is not
installed, or cannot train a net, is left out, and that is said. All of it takes over an hour of a quiet machine.

  --nets LIST      of ${Object.keys(NETS).join(", ")} (default: all)
  --engines LIST   of ${Object.keys(ENGINES).join(", ")} (default: all)
  --batches LIST   images in a batch (default 32,128)
  --threads LIST   threads of each (default 1,2)
  --rounds N       turns (default 3)
  --seconds S      of each measurement (default 5)
  --json FILE      also write everything measured; bench/readme-tables.mjs makes tables of it
  --help           this text
`;

function options() {
  const { values } = parseArgs({
    options: {
      nets: { type: "string", default: Object.keys(NETS).join() },
      engines: { type: "string", default: Object.keys(ENGINES).join() },
      batches: { type: "string", default: "32,128" },
      threads: { type: "string", default: "1,2" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  chosenOf(values, "nets", Object.keys(NETS));
  chosenOf(values, "engines", Object.keys(ENGINES));
  wholesOf(values, "batches");
  wholesOf(values, "threads");
  return takeNumbers(values, ["rounds"], ["seconds"]);
}

const inChild = (job) => answerOf(process.execPath, [join(here, "child.mjs"), JSON.stringify(job)]);

async function wasmgrad(build, { net, batch, threads, seconds }) {
  const { imagesPerSecond, parameters } = await inChild({ net, build, threads, seconds, batch });
  return { speeds: { [build]: imagesPerSecond }, parameters };
}

async function inPython(command, script, args, env = {}) {
  const { imagesPerSecond, parameters, version } = await answerOf(
    command,
    [join(here, script), ...args],
    env,
  );
  return { speeds: imagesPerSecond, parameters, version };
}

const settings = ({ batch, threads, seconds }) => [
  ...["--batch", batch],
  ...["--threads", threads],
  ...["--seconds", seconds],
];

async function torch(command, job, flags = []) {
  const { version, ...answer } = await inPython(command, "torch_nets.py", [
    ...["--net", job.net],
    ...settings(job),
    ...flags,
  ]);
  return { ...answer, version: `PyTorch ${version}` };
}

async function keras(backend, job) {
  const { version, ...answer } = await inPython(
    python,
    "keras_nets.py",
    ["--file", job.file, ...settings(job)],
    { KERAS_BACKEND: backend },
  );
  return { ...answer, version: `Keras ${version}` };
}

/** Why a program failed, in a line. */
const reasonOf = ({ code, stderr, message }) =>
  code === "ENOENT" ? "not installed" : ((stderr || message).trim().split("\n").at(-1) ?? "").slice(0, 200);

/** Of the best of the others: what is slower than this is measured once, as it cannot become the best. */
const HOPELESS = 0.7;

/** One row: samples of each engine that could, `{ [engine and way]: number[] }`. */
async function measureRow(job, { engines, rounds }) {
  const failed = {};
  const versions = {};
  /** The best of each engine of the others. */
  const best = {};
  const wanted = (engine) => !failed[engine] && !(best[engine] < HOPELESS * Math.max(...Object.values(best)));

  async function turn(engine) {
    try {
      const { speeds, parameters, version } = await ENGINES[engine](job);
      if (OWN.includes(engine)) return { speeds, parameters };
      versions[engine] = version;
      best[engine] = Math.max(best[engine] ?? 0, ...Object.values(speeds));
      const named = Object.entries(speeds).map(([way, speed]) => [`${engine}, ${way}`, speed]);
      return { speeds: Object.fromEntries(named), parameters };
    } catch (error) {
      if (OWN.includes(engine)) throw error;
      failed[engine] = reasonOf(error);
      console.error(`  ${engine}: ${failed[engine]}`);
      return { speeds: {} };
    }
  }
  const { net, batch, threads } = job;
  const { samples, parameters } = await inTurns(
    engines.map((engine) => [engine, () => turn(engine), () => wanted(engine)]),
    rounds,
    `${net}, batch ${batch}, ${threads} thread${threads > 1 ? "s" : ""}: `,
  );
  const speeds = Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, median(values)]));
  return { net, shape: NETS[net].shape, batch, threads, parameters, speeds, samples, failed, versions };
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-nets-"));
  const report = { machine: machine(), nets: true, disturbed: await disturbance(), rows: [] };
  try {
    for (const net of chosen.nets) {
      const file = join(folder, `${net}.keras`);
      await inChild({ net, build: "simd", threads: 1, seconds: 0.001, batch: 1, file });
      for (const threads of chosen.threads)
        for (const batch of chosen.batches)
          report.rows.push(await measureRow({ net, batch, threads, seconds: chosen.seconds, file }, chosen));
      // A long run that is stopped has what it has measured.
      if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
    }
    report.disturbed = Math.max(report.disturbed, await disturbance());
    console.log(textTable(report));
    if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runMain(main);
