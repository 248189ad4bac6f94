#!/usr/bin/env node
// Writes the measured tables into README.md, so that no number in it is typed by hand.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { markdownTable as browserTable } from "./browser/table.mjs";
import { markdownTable as inferenceTable } from "./inference/table.mjs";
import { markdownTable as netsTable } from "./nets/table.mjs";
import { markdownTable as peersTable } from "./peers/table.mjs";
import { markdownTable, UNITS } from "./tables.mjs";

const NAMES = [...Object.keys(UNITS), "peers", "nets", "nets-all", "inference", "browser"];

const HELP = `Usage: node bench/readme-tables.mjs [--bench FILE] [--peers FILE] [--nets FILE] [--inference FILE] [--browser FILE] [--readme FILE]

Replaces what stands between <!-- bench:NAME --> and <!-- /bench --> by a table. NAME is one of
${NAMES.join(", ")}.

  --bench FILE   of npm run bench -- --json FILE
  --peers FILE   of npm run bench:peers -- --json FILE: the table 'peers'
  --nets FILE    of npm run bench:nets -- --json FILE: the tables 'nets', a row a net and number of threads, and 'nets-all'
  --inference FILE of npm run bench:inference -- --json FILE: the table 'inference'
  --browser FILE of npm run bench:browser -- --json FILE: the table 'browser'
  --readme FILE  the file to change (default: README.md of this package)
  --help         this text

Tables whose results are not given stay as they are.
`;

/** A marked part: the table's name, and what ends it: a comment that should be the closing one, or the end of the text. */
const MARKED = /<!-- bench:(\S*) -->\n[\s\S]*?(?:<!-- (\S+) -->|$)/g;

/** @param tables by name: functions that make the Markdown */
function replaceTables(text, tables) {
  const done = [];
  const out = text.replace(MARKED, (whole, name, end) => {
    if (end !== "/bench")
      throw new Error(
        `<!-- bench:${name} --> is not closed: expected <!-- /bench -->, got ${end ?? "the end of the file"}`,
      );
    if (!NAMES.includes(name))
      throw new Error(`<!-- bench:${name} --> is unknown: expected one of ${NAMES.join(", ")}`);
    if (!tables[name]) return whole;
    done.push(name);
    return `<!-- bench:${name} -->\n${tables[name]()}\n<!-- /bench -->`;
  });
  return { text: out, done };
}

/** @param key what only the JSON of this command has */
function readJson(file, command, key) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  if (!report?.machine || !Array.isArray(report.rows) || !(key in report))
    throw new Error(`${file}: is no JSON of npm run ${command}`);
  return report;
}

function main() {
  const { values } = parseArgs({
    options: {
      bench: { type: "string" },
      peers: { type: "string" },
      nets: { type: "string" },
      inference: { type: "string" },
      browser: { type: "string" },
      readme: { type: "string", default: fileURLToPath(new URL("../README.md", import.meta.url)) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!["bench", "peers", "nets", "inference", "browser"].some((name) => values[name]))
    throw new Error("none of --bench, --peers, --nets, --inference and --browser is given: see --help");
  const tables = {};
  if (values.bench) {
    const report = readJson(values.bench, "bench", "peaks");
    for (const group of Object.keys(UNITS)) tables[group] = () => markdownTable(report, group);
  }
  if (values.peers) {
    const report = readJson(values.peers, "bench:peers", "threads");
    tables.peers = () => peersTable(report);
  }
  if (values.nets) {
    const report = readJson(values.nets, "bench:nets", "nets");
    tables.nets = () => netsTable(report);
    tables["nets-all"] = () => netsTable(report, false);
  }
  if (values.inference) {
    const report = readJson(values.inference, "bench:inference", "inference");
    tables.inference = () => inferenceTable(report);
  }
  if (values.browser) {
    const report = readJson(values.browser, "bench:browser", "runtimes");
    tables.browser = () => browserTable(report);
  }
  const { text, done } = replaceTables(readFileSync(values.readme, "utf8"), tables);
  if (done.length === 0)
    throw new Error(
      `${values.readme}: has no <!-- bench:NAME --> for what is given; NAME: ${NAMES.join(", ")}`,
    );
  writeFileSync(values.readme, text);
  console.log(`${values.readme}: ${done.join(", ")}`);
}

try {
  main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
