#!/usr/bin/env node
// npm run bench:browser: the same training in Node, Chromium and Firefox, and TensorFlow.js in the same Chromium.
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { machine, machineCpuSeconds } from "../peers/machine.mjs";
import { median } from "../peers/measure.mjs";

const BUILDS = ["scalar", "simd", "relaxed"];
const BROWSERS = ["chromium", "firefox"];

const HELP = `Usage: npm run bench:browser -- [options]      (or: node bench/browser/run.mjs [options])

Serves a benchmark page to headless Chromium and Firefox, measures training and inference of the seed CNN there and in
Node, by the same code and in turns, and prints one table; then TensorFlow.js's cpu and WebGL backends, training the
same CNN in the same Chromium. About 3 minutes.

  --builds NAME[,NAME]    only these builds (default ${BUILDS.join(",")})
  --threads N[,N]         numbers of threads (default 1,2)
  --browsers NAME[,NAME]  only these (default ${BROWSERS.join(",")}); one that is not installed is left out, with a note
  --rounds N              turns (default 9)
  --no-tfjs               without TensorFlow.js, which takes a minute
  --quick                 few turns, for a first look: more noise
  --json FILE             also write everything measured; bench/readme-tables.mjs makes a README table of it
  --markdown              print the tables as Markdown
  --help                  this text

Browsers are looked for where Linux distributions install them; WASMGRAD_CHROMIUM and WASMGRAD_FIREFOX name others.
`;

/** Usage errors end with status 2, as those of the wasmgrad command do. */
function options() {
  try {
    const { values } = parseArgs({
      options: {
        builds: { type: "string", default: BUILDS.join() },
        threads: { type: "string", default: "1,2" },
        browsers: { type: "string", default: BROWSERS.join() },
        rounds: { type: "string" },
        "no-tfjs": { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        markdown: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const whole = (name, text) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`--${name} is '${text}', expected a whole number from 1`);
      return value;
    };
    const among = (name, all) =>
      values[name].split(",").map((text) => {
        if (!all.includes(text))
          throw new RangeError(`--${name} has '${text}', expected some of ${all.join(", ")}`);
        return text;
      });
    return {
      ...values,
      builds: among("builds", BUILDS),
      browsers: among("browsers", BROWSERS),
      threads: values.threads.split(",").map((text) => whole("threads", text)),
      rounds: whole("rounds", values.rounds ?? (values.quick ? "2" : "9")),
    };
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/**
 * Opens all runtimes, one after the other, and lets them take turns, forwards and backwards, half a second each: what
 * disturbs the machine then falls on all of them alike.
 */
async function measureAll({ builds, threads, browsers, rounds, quick }, origin, log) {
  const { openBrowser, openNode } = await import("./runtimes.mjs");
  const configurations = threads.flatMap((n) => builds.map((build) => ({ build, threads: n })));
  const measure = { rounds, milliseconds: quick ? 50 : 150 };
  const open = {
    node: () => openNode(configurations, measure),
    ...Object.fromEntries(
      browsers.map((name) => [name, () => openBrowser(name, origin, configurations, measure)]),
    ),
  };
  const runtimes = [];
  try {
    for (const [id, start] of Object.entries(open)) {
      log(`warming up ${id}`);
      try {
        runtimes.push({ id, ...(await start()) });
      } catch (error) {
        if (id === "node") throw error;
        runtimes.push({ id, name: id, reason: error.message });
      }
    }
    const live = runtimes.filter(({ reason }) => !reason);
    for (let round = 0; round < rounds; round++) {
      log(`turn ${round + 1} of ${rounds}`);
      for (const configuration of configurations)
        for (const runtime of round % 2 ? live.toReversed() : live) await runtime.turn(configuration);
    }
    const reports = {};
    for (const { id, report } of live) reports[id] = await report();
    return {
      runtimes: runtimes.map(({ id, name, version, reason }) => ({ id, name, version, reason })),
      reports,
    };
  } finally {
    for (const { close } of runtimes) await close?.();
  }
}

/** A row for each configuration and task: images a second and samples by runtime, and the median of each turn's ratio to Node. */
function combine({ runtimes, reports }) {
  const rows = [];
  for (const { id } of runtimes)
    for (const { imagesPerSecond, samples, ...key } of reports[id]?.rows ?? []) {
      const same = (row) => Object.entries(key).every(([name, value]) => row[name] === value);
      let row = rows.find(same);
      if (!row) {
        row = { ...key, figures: {}, samples: {}, ratios: {} };
        rows.push(row);
      }
      row.figures[id] = imagesPerSecond;
      row.samples[id] = samples;
      const { node } = row.samples;
      if (id !== "node" && node) row.ratios[id] = median(samples.map((sample, i) => sample / node[i]));
    }
  const skipped = Object.entries(reports).flatMap(([id, report]) =>
    report.skipped.map((configuration) => ({ id, ...configuration })),
  );
  return { runtimes, rows, skipped };
}

/** Cores that other processes keep busy while this one waits. */
async function coresOfOthers() {
  const [busy, began] = [machineCpuSeconds(), performance.now()];
  await setTimeout(1500);
  return (machineCpuSeconds() - busy) / ((performance.now() - began) / 1000);
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const log = (text) => console.error(text);
  const [{ serve }, { benchmarkPages }, { markdownTable, textTable }] = await Promise.all([
    import("./serve.mjs"),
    import("./pages.mjs"),
    import("./table.mjs"),
  ]);
  const tfjs = !chosen["no-tfjs"] && chosen.browsers.includes("chromium");
  const host = machine();
  const before = await coresOfOthers();
  const server = await serve(await benchmarkPages({ tfjs }));
  try {
    const report = {
      machine: host,
      quick: chosen.quick,
      ...combine(await measureAll(chosen, server.origin, log)),
    };
    if (tfjs && !report.runtimes.find(({ id }) => id === "chromium").reason) {
      const { measureTfjs } = await import("./tfjs.mjs");
      const effort = chosen.quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 5 };
      report.tfjs = await measureTfjs(server.origin, { backends: ["cpu", "webgl"], ...effort, log });
    }
    report.others = Math.max(before, await coresOfOthers());
    console.log(chosen.markdown ? markdownTable(report) : textTable(report));
    if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (report.runtimes.some(({ reason }) => reason)) process.exitCode = 1;
  } finally {
    server.close();
  }
}

try {
  await main();
} catch (error) {
  const build = error.code === "ERR_MODULE_NOT_FOUND" ? " (run `npm run build` first)" : "";
  console.error(`${error.message}${build}`);
  process.exitCode = 1;
}
