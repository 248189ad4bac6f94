#!/usr/bin/env node
// npm run bench: the builds of the kernels against each other and against the machine's measured peak.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { BACKENDS } from "../dist/engine/engine.js";
import { BACKEND_NAMES } from "../dist/engine/kernels.js";
import { KERNEL_CASES, OPTIMIZERS } from "./kernels.mjs";
import { measure } from "./measure.mjs";
import { machine } from "./peers/machine.mjs";
import { STEP_CASES, StepHost } from "./steps.mjs";
import { KernelHost } from "./subjects.mjs";
import { textReport, UNITS } from "./tables.mjs";

/** Turns, milliseconds of each build in a turn, and milliseconds to warm up. Many short turns: a disturbance then falls on all builds. */
const EFFORT = {
  kernels: { rounds: 12, milliseconds: 15, warmUp: 100 },
  steps: { rounds: 16, milliseconds: 50, warmUp: 300 },
};
const QUICK = {
  kernels: { rounds: 2, milliseconds: 8, warmUp: 40 },
  steps: { rounds: 2, milliseconds: 40, warmUp: 100 },
};

/** Builds that can be asked for, in the order of their columns: ratios are to the one before. */
const BUILDS = BACKEND_NAMES.filter((name) => name !== "auto");

const HELP = `Usage: npm run bench -- [options]      (or: node bench/run.mjs [options])

Times the kernels, training steps and inference of the seed CNN on each build (${BACKENDS.join(", ")}), the builds in
turns, and prints medians, GFLOP/s, the share of the peak that this machine reaches in a loop without any memory
access, measured in the same run, and how the builds compare. About 2 minutes.

  --filter TEXT         only cases whose "group: name" contains this; may be given several times; groups:
                        ${Object.keys(UNITS).join(", ")}
  --builds NAME[,NAME]  only these builds (default ${BACKENDS.join(",")}), of ${BUILDS.join(", ")}
  --threads N[,N]       threads of whole steps (default 1,2); kernels run on one
  --quick               a tenth of the time, for a first look: more noise
  --json FILE           also write everything measured; bench/readme-tables.mjs makes README tables of it
  --list                print the cases, measure nothing
  --help                this text

What disturbs: other processes (counted below the tables where they took CPU time), and a warm machine. Ratios hold
better than absolute figures. Relaxed SIMD needs a runtime that has it; in Node 20 a V8 flag is set for it.
`;

/** Usage errors end with status 2, as those of the wasmgrad command do. */
function options() {
  try {
    const { values } = parseArgs({
      options: {
        filter: { type: "string", multiple: true },
        builds: { type: "string", default: BACKENDS.join() },
        threads: { type: "string", default: "1,2" },
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const builds = values.builds.split(",");
    for (const build of builds)
      if (!BUILDS.includes(build))
        throw new RangeError(`--builds names '${build}', expected some of ${BUILDS.join(", ")}`);
    const threads = values.threads.split(",").map(Number);
    for (const n of threads)
      if (!Number.isInteger(n) || n < 1 || n > 256)
        throw new RangeError(
          `--threads is '${values.threads}', expected whole numbers from 1 to 256, as in 1,2`,
        );
    const wanted = values.filter?.map((text) => text.toLowerCase());
    const chosen = ({ group, name }) =>
      !wanted || wanted.some((text) => `${group}: ${name}`.toLowerCase().includes(text));
    const [kernels, steps] = [KERNEL_CASES.filter(chosen), STEP_CASES.filter(chosen)];
    if (kernels.length + steps.length === 0)
      throw new RangeError(`--filter is '${values.filter.join("', '")}', which no case contains: see --list`);
    return {
      ...values,
      builds: BUILDS.filter((build) => builds.includes(build)),
      threads: [...new Set(threads)].sort((a, b) => a - b),
      kernels,
      steps,
      effort: values.quick ? QUICK : EFFORT,
    };
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Opens one host a build; what this runtime cannot run goes to `skipped`, with the reason. */
async function openAll(keys, open, skipped) {
  const hosts = {};
  for (const key of keys) {
    try {
      hosts[key.name] = await open(key);
    } catch (error) {
      skipped[key.build] = error.message;
    }
  }
  return hosts;
}

async function measureKernels(cases, { builds, effort }, report) {
  if (cases.length === 0) return;
  const keys = builds.map((build) => ({ name: build, build }));
  const hosts = await openAll(keys, ({ build }) => KernelHost.open(build, OPTIMIZERS), report.skipped);
  for (const { group, name, open } of cases) {
    console.error(`${group}: ${name}`);
    for (const host of Object.values(hosts)) host.measurePeak();
    const subjects = Object.fromEntries(Object.entries(hosts).map(([build, host]) => [build, open(host)]));
    const times = await measure(subjects, effort.kernels);
    const { flops, bytes, kernels } = Object.values(subjects)[0];
    report.rows.push({ group, name, threads: 1, flops, bytes, kernels, builds: times });
  }
  for (const [build, host] of Object.entries(hosts)) {
    report.peaks[build] = host.peakGflops;
    host.dispose();
  }
}

async function measureSteps(cases, { builds, threads, effort }, report) {
  if (cases.length === 0) return;
  const keys = threads.flatMap((n) => builds.map((build) => ({ name: `${build} ${n}`, build, n })));
  const hosts = await openAll(keys, ({ build, n }) => StepHost.open(build, n), report.skipped);
  for (const { group, name, open } of cases) {
    console.error(`${group}: ${name}`);
    const subjects = Object.fromEntries(Object.entries(hosts).map(([key, host]) => [key, open(host)]));
    const times = await measure(subjects, effort.steps);
    const { images } = Object.values(subjects)[0];
    for (const n of threads) {
      const own = builds.filter((build) => times[`${build} ${n}`]);
      const entries = own.map((build) => [build, times[`${build} ${n}`]]);
      report.rows.push({ group, name, threads: n, images, builds: Object.fromEntries(entries) });
    }
  }
  for (const host of Object.values(hosts)) host.dispose();
}

/** Adds what follows from times: speeds, shares of the peak, and ratios of each build to the one before it. */
function evaluate({ rows, peaks }) {
  for (const row of rows) {
    for (const [build, result] of Object.entries(row.builds)) {
      const seconds = result.milliseconds / 1000;
      if (row.flops) {
        result.gflops = row.flops / seconds / 1e9;
        result.peakShare = result.gflops / (peaks[build] * row.threads);
      }
      if (row.bytes) result.gigabytesPerSecond = row.bytes / seconds / 1e9;
      if (row.images) result.imagesPerSecond = row.images / seconds;
      const alone = rows.find(
        ({ name, group, threads }) => name === row.name && group === row.group && threads === 1,
      );
      if (row.threads > 1 && alone?.builds[build])
        result.threadSpeedup = alone.builds[build].wallMilliseconds / result.wallMilliseconds;
    }
    const faster = (a, b) =>
      row.builds[a] && row.builds[b] && row.builds[b].milliseconds / row.builds[a].milliseconds;
    row.ratios = { "simd/scalar": faster("simd", "scalar"), "relaxed/simd": faster("relaxed", "simd") };
  }
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  if (chosen.list) {
    for (const { group, name } of [...chosen.kernels, ...chosen.steps]) console.log(`${group}: ${name}`);
    return;
  }
  const report = {
    machine: { ...machine(), v8: process.versions.v8 },
    quick: chosen.quick,
    builds: chosen.builds,
    peaks: {},
    skipped: {},
    rows: [],
  };
  await measureKernels(chosen.kernels, chosen, report);
  await measureSteps(chosen.steps, chosen, report);
  evaluate(report);
  console.log(textReport(report));
  if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (report.rows.every(({ builds }) => Object.keys(builds).length === 0)) process.exitCode = 1;
}

await main();
