#!/usr/bin/env node
// npm run bench:transfer: a head on a frozen MobileNetV2 of npm, with ten pictures of each category of emoji: see HELP.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { loadDataset } from "../../dist/node.js";
import { aligned } from "../layout.mjs";
import { answerOf, chosenOf, runMain, takeNumbers, wholesOf } from "../main.mjs";
import { machine, machineLine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";
import { divided, installedPictures, writeBackbone, writeFolders } from "./pictures.mjs";

const HELP = `Usage: npm run bench:transfer -- [options]      (or: node bench/transfer/run.mjs [options])

Which of nine categories (flags, food and drink, smileys, ...) is a picture of an emoji of? Learned from ten pictures of each
category, and tested with fifty others of each, by
- a head of one dense layer on the frozen trunk of nsfwjs's MobileNetV2, here, through the API and by the command line,
- the same by hand in TensorFlow.js (wasm): what the trunk gives, and a dense layer trained by tf.train.adam on it,
- the same net from scratch, here: nothing frozen and drawn anew, with the same settings, and longer, with pictures flipped, moved and zoomed.
Pictures, trunk and TensorFlow.js are packages of npm, as bench/transfer/package-lock.json has them.

  --seeds N[,N]    each draws other pictures, and another head (default 1,2,3,4,5)
  --threads N[,N]  (default 1,2)
  --only LIST      of api, command, tfjs, scratch, scratch-varied (default: all)
  --scratch N      epochs of the net from scratch on varied pictures (default 100)
  --folder DIR     leave the pictures, as folders, and the trunk there, to train by the command line; measures nothing
  --json FILE      also write everything measured

or with --random, on random images and weights, seconds an epoch with what the trunk gives kept, computed at every step, and
of the whole trained as a graph:
  --images 320, --size 96, --epochs 5, --threads 1, --head 5 (or 128,5)
`;
/** Chosen by pictures of the part "tuning" alone, 10 of each category to learn and 15 to ask, twenty times. docs/transfer.md says of what. */
const TASK = { train: 10, test: 50, tuning: 25 };
const SETTINGS = { size: 96, cut: "block_13_expand_relu", epochs: 60, batchSize: 16, rate: 0.003 };
const VARIED_RATE = 0.001;
const ENGINES = {
  api: "wasmgrad",
  command: "wasmgrad train --base",
  tfjs: "TensorFlow.js, wasm",
  scratch: "wasmgrad, from scratch",
  "scratch-varied": "wasmgrad, from scratch, varied",
};
const here = fileURLToPath(new URL(".", import.meta.url));
const execute = promisify(execFile);

/** Defaults of the options, with pictures and with --random. */
const WITH_PICTURES = {
  seeds: "1,2,3,4,5",
  only: Object.keys(ENGINES).join(),
  scratch: "100",
  folder: undefined,
  json: undefined,
};
const WITH_RANDOM = { images: "320", size: "96", epochs: "5", head: "5" };

function options() {
  const texts = [...Object.keys({ ...WITH_PICTURES, ...WITH_RANDOM }), "threads"];
  const { values: given } = parseArgs({
    options: {
      ...Object.fromEntries(texts.map((name) => [name, { type: "string" }])),
      random: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const values = { ...WITH_PICTURES, ...WITH_RANDOM, threads: given.random ? "1" : "1,2", ...given };
  takeNumbers(values, ["images", "size", "epochs", "scratch"]);
  const others = given.random ? WITH_PICTURES : WITH_RANDOM;
  const odd = Object.keys(given).find((name) => Object.hasOwn(others, name));
  if (odd !== undefined)
    throw new RangeError(
      `--${odd} ${given.random ? "is no option with --random" : "needs --random"}: see --help`,
    );
  if (given.random) {
    wholesOf(values, "head", true);
    return takeNumbers(values, ["threads"]);
  }
  wholesOf(values, "seeds");
  wholesOf(values, "threads");
  chosenOf(values, "only", Object.keys(ENGINES));
  return values;
}

/** The flags of the command line that do what the rows of the API do. */
const flagsOf = (pictures, model, seed) => {
  const { size, cut, epochs, batchSize, rate } = SETTINGS;
  return [
    ...["--dataset", pictures, "--base", model, "--cut", cut, "--head", "classes"],
    ...["--image-size", `${size}x${size}`, "--epochs", epochs, "--batch-size", batchSize],
    ...["--learning-rate", rate, "--validation-split", 0, "--seed", seed],
  ].map(String);
};

/** Draws pictures by the seed, and writes them into a folder as they are and as bytes, the same for all. */
async function prepare(folder, { folder: from, classes }, seed) {
  const { train, test } = divided(classes, seed, TASK);
  const pictures = join(folder, "pictures");
  writeFolders({ train, test }, from, pictures);
  const { size } = SETTINGS;
  const dataset = await loadDataset(pictures, { imageSize: [size, size], colorMode: "rgb" });
  for (const part of ["train", "test"]) {
    writeFileSync(join(folder, `${part}-images`), dataset[part].images);
    writeFileSync(join(folder, `${part}-labels`), dataset[part].labels);
  }
  return { folder, pictures, classNames: dataset.classNames };
}

async function measured(engine, { folder, pictures, classNames }, model, seed, threads, scratch) {
  if (engine === "command") return byCommand(folder, pictures, model, seed, threads);
  const own = engine === "scratch-varied" ? { epochs: scratch, rate: VARIED_RATE } : {};
  const job = { ...SETTINGS, ...own, engine, folder, model, seed, threads, classes: classNames.length };
  return answerOf(process.execPath, [`${here}child.mjs`, JSON.stringify(job)]);
}

async function byCommand(folder, pictures, model, seed, threads) {
  const cli = fileURLToPath(new URL("../../dist/cli/index.js", import.meta.url));
  const out = join(folder, `run-${threads}`);
  const args = [
    cli,
    "train",
    ...flagsOf(pictures, model, seed),
    "--threads",
    threads,
    "--out",
    out,
    "--json",
  ];
  const began = performance.now();
  const { stdout } = await execute(process.execPath, args.map(String), { maxBuffer: 2 ** 26 });
  const { test, weightsSha256 } = JSON.parse(stdout);
  return { accuracy: test.accuracy, sha: weightsSha256, process: (performance.now() - began) / 1000 };
}

const COLUMNS = ["load", "features", "head", "all", "test", "process"];

function table(rows) {
  const header = ["", "threads", "accuracy, %", ...COLUMNS.map((name) => `${name}, s`)];
  const body = rows.map(({ engine, threads, samples }) => {
    const accuracies = samples.map(({ accuracy }) => 100 * accuracy);
    const mean = accuracies.reduce((sum, one) => sum + one, 0) / accuracies.length;
    return [
      ENGINES[engine],
      String(threads),
      `${mean.toFixed(1)} (${Math.min(...accuracies).toFixed(1)} to ${Math.max(...accuracies).toFixed(1)})`,
      ...COLUMNS.map((name) => {
        const value = median(samples.map((sample) => sample[name]));
        return value === undefined || Number.isNaN(value) ? "" : value.toFixed(value < 9.995 ? 2 : 1);
      }),
    ];
  });
  return aligned({ header, body });
}

async function measure(chosen, temporary) {
  const installed = installedPictures();
  const model = writeBackbone(join(temporary, "mobilenet"));
  const report = { machine: machine(), task: TASK, settings: SETTINGS, seeds: chosen.seeds, rows: [] };
  const names = [...installed.classes.keys()];
  console.log(
    `${machineLine(report.machine)}.\n${names.length} categories (${names.join(", ")}), of each ${TASK.train} pictures to learn from and ${TASK.test} for the test. Accuracy: mean of ${chosen.seeds.length} seeds, from lowest to highest; seconds: medians.\n`,
  );
  const rows = new Map();
  for (const seed of chosen.seeds) {
    const folder = join(temporary, `seed-${seed}`);
    mkdirSync(folder);
    const data = await prepare(folder, installed, seed);
    // Threads change nothing in what is learned: the long training is done once.
    for (const engine of chosen.only)
      for (const threads of engine.startsWith("scratch") ? chosen.threads.slice(-1) : chosen.threads) {
        console.error(`seed ${seed}: ${ENGINES[engine]}, ${threads} threads`);
        const sample = await measured(engine, data, model, seed, threads, chosen.scratch);
        const key = `${engine} ${threads}`;
        if (!rows.has(key)) rows.set(key, { engine, threads, samples: [] });
        rows.get(key).samples.push({ seed, ...sample });
      }
  }
  report.rows = [...rows.values()].sort(
    (a, b) => chosen.only.indexOf(a.engine) - chosen.only.indexOf(b.engine),
  );
  console.log(table(report.rows));
  if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  if (chosen.random) {
    const { measureKept } = await import("./kept.mjs");
    await measureKept(chosen);
    return;
  }
  if (chosen.folder !== undefined) {
    const [seed] = chosen.seeds;
    const installed = installedPictures();
    const { train, test } = divided(installed.classes, seed, TASK);
    const pictures = join(chosen.folder, "pictures");
    writeFolders({ train, test }, installed.folder, pictures);
    const model = writeBackbone(join(chosen.folder, "mobilenet"));
    console.log(`wasmgrad train ${flagsOf(pictures, model, seed).join(" ")}`);
    return;
  }
  const temporary = mkdtempSync(join(tmpdir(), "wasmgrad-transfer-"));
  try {
    await measure(chosen, temporary);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await runMain(main);
