#!/usr/bin/env node
// npm run bench:resnet20: ResNet-20 with augmentation, training, in wasmgrad and in native PyTorch, in turns.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { answerOf, inTurns, runMain, takeNumbers } from "../main.mjs";
import { machine, machineLine } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";
import { BATCH, COUNT, settings } from "./settings.mjs";

const HELP = `Usage: npm run bench:resnet20 -- [options]      (or: node bench/resnet20/run.mjs [options])

Trains ResNet-20 (28x28x1, batch 128, pictures flipped and moved, SGD) in wasmgrad's simd and relaxed builds and in native
PyTorch, eager in both memory layouts, in turns, each in a process of its own. Prints medians, ratios and what the epochs take.

  --settings FILE  only writes the settings of the run, for wasmgrad train --config FILE
  --epochs N       of the run (default 25)
  --threads N      threads of each (default 1)
  --rounds N       turns (default 3)
  --steps N        of each measurement (default 50)
  --python PATH    the Python that has torch (default /usr/bin/python3)
  --compiled       measures torch.compile, too
  --json FILE      also write everything measured
  --help           this text
`;
const here = fileURLToPath(new URL(".", import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      settings: { type: "string" },
      epochs: { type: "string", default: "25" },
      threads: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      steps: { type: "string", default: "50" },
      python: { type: "string", default: "/usr/bin/python3" },
      compiled: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  return takeNumbers(values, ["epochs", "threads", "rounds", "steps"]);
}

async function wasmgrad(build, { threads, steps, epochs }) {
  const job = JSON.stringify({ build, threads, steps, epochs });
  const { imagesPerSecond, parameters } = await answerOf(process.execPath, [`${here}child.mjs`, job]);
  return { speeds: { [build]: imagesPerSecond }, parameters };
}

async function torch({ threads, steps, epochs, python, compiled }) {
  const args = ["--batch", BATCH, "--threads", threads, "--steps", steps, "--epochs", epochs];
  const script = `${here}torch_resnet20.py`;
  const given = [script, ...args, ...(compiled ? ["--compiled"] : [])];
  const { imagesPerSecond: speeds, parameters, version } = await answerOf(python, given);
  const named = Object.entries(speeds).map(([name, speed]) => [`PyTorch ${version}, ${name}`, speed]);
  return { speeds: Object.fromEntries(named), parameters };
}

/** `{ [name]: number[] }`: images per second of each turn; forwards in one round and backwards in the next. */
async function measure(chosen) {
  const runs = [
    ["simd", () => wasmgrad("simd", chosen)],
    ["relaxed", () => wasmgrad("relaxed", chosen)],
    ["PyTorch", () => torch(chosen)],
  ];
  const { samples } = await inTurns(runs, chosen.rounds);
  return samples;
}

async function main() {
  const chosen = options();
  if (chosen.help) return console.log(HELP);
  if (chosen.settings) {
    writeFileSync(chosen.settings, `${JSON.stringify(settings(chosen.epochs), undefined, 2)}\n`);
    return console.log(`Write: npx wasmgrad train --config ${chosen.settings} --checkpoint-every 1`);
  }
  const report = { machine: machine(), ...chosen, batch: BATCH, samples: await measure(chosen) };
  const speeds = Object.entries(report.samples).map(([name, values]) => [name, median(values)]);
  const best = Math.max(...speeds.filter(([name]) => name.startsWith("PyTorch")).map(([, speed]) => speed));
  const { epochs, threads } = chosen;
  console.log(`${machineLine(report.machine)}, ${threads} thread${threads > 1 ? "s" : ""}`);
  for (const [name, speed] of speeds) {
    const minutes = (epochs * COUNT) / speed / 60;
    console.log(
      `${name.padEnd(34)} ${speed.toFixed(0).padStart(5)} images/s  x ${(speed / best).toFixed(2)}  ${epochs} epochs: ${minutes.toFixed(0)} min`,
    );
  }
  if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

await runMain(main);
