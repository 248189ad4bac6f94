#!/usr/bin/env node
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeImages } from "./images.mjs";
import { machine } from "./machine.mjs";
import { choosePeers, PEERS } from "./peers.mjs";
import { runPeer } from "./process.mjs";
import { Results } from "./results.mjs";
import { markdownTable, textTable } from "./table.mjs";

const NAMES = PEERS.map(({ id }) => id);

const HELP = `Usage: npm run bench:peers -- [options]      (or: node bench/peers/run.mjs [options])

Trains the seed CNN in wasmgrad and in its peers, each in a process of its own, and prints one table.

  --only NAME[,NAME]   only these, by whole name or by what stands before a dash:
                       ${NAMES.slice(0, 5).join(", ")},
                       ${NAMES.slice(5).join(", ")}
  --threads N[,N]      numbers of threads (default 1,2); peers without threads run on one
  --rounds N           turns of wasmgrad, PyTorch and tfjs-wasm, A B C C B A ... (default 3)
  --images N           images in a training pass, at most (default 6000)
  --seconds S          for the timed training runs of one peer, at most (default 15; slow peers then train on fewer images)
  --python PATH        the Python that has torch (default: the first of /usr/bin/python3 and python3 that has it)
  --json FILE          also write everything measured, every sample included
  --markdown           print the table as Markdown
  --help               this text
`;

/** Usage errors end with status 2, as those of the wasmgrad command do. */
function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        threads: { type: "string", default: "1,2" },
        rounds: { type: "string", default: "3" },
        images: { type: "string", default: "6000" },
        seconds: { type: "string", default: "15" },
        python: { type: "string" },
        json: { type: "string" },
        markdown: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const number = (name, text, least) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < least)
        throw new RangeError(`--${name} is '${text}', expected a whole number from ${least}`);
      return value;
    };
    return {
      ...values,
      peers: choosePeers(values.only?.split(",")),
      threads: [...new Set(values.threads.split(",").map((text) => number("threads", text, 1)))],
      rounds: number("rounds", values.rounds, 1),
      images: number("images", values.images, 1280),
      seconds: number("seconds", values.seconds, 1),
    };
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Those that take turns go forwards in one round and backwards in the next, so that a drift of the machine cancels. */
async function measureAll({ peers, threads, rounds, images, seconds, python }, file) {
  const results = new Results(threads);
  const progress = (text) => console.error(text);
  const turns = peers.filter((peer) => peer.turns);
  for (let round = 0; round < rounds; round++)
    for (const count of threads)
      for (const peer of round % 2 ? turns.toReversed() : turns) {
        if ((peer.oneThread && count > 1) || results.failed(peer, count)) continue;
        progress(`round ${round + 1} of ${rounds}: ${peer.id}, ${count} thread${count > 1 ? "s" : ""}`);
        results.add(
          peer,
          count,
          await runPeer(peer, { file, images, seconds, runs: 2, threads: count, python }),
        );
      }
  for (const peer of peers) {
    if (peer.turns) continue;
    progress(peer.id);
    results.add(peer, 1, await runPeer(peer, { file, images, seconds, runs: 3, threads: 1 }));
  }
  return results;
}

async function main() {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-peers-"));
  try {
    const host = machine();
    const file = join(folder, "images.bin");
    const source = await writeImages(file, chosen.images);
    const results = await measureAll(chosen, file);
    const report = {
      machine: host,
      images: source,
      threads: chosen.threads,
      rows: await results.rows(chosen.peers),
    };
    console.log(chosen.markdown ? markdownTable(report) : textTable(report));
    if (chosen.json) await writeFile(chosen.json, `${JSON.stringify(report, undefined, 2)}\n`);
    const broken = (row) =>
      row.id.startsWith("wasmgrad") && !row.id.endsWith("node24") && row.training[1]?.reason;
    if (
      report.rows.some(broken) ||
      report.rows.every((row) => Object.values(row.training).every((t) => t.reason))
    )
      process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const build = error.code === "ERR_MODULE_NOT_FOUND" ? " (run `npm run build` first)" : "";
  console.error(`${error.message}${build}`);
  process.exitCode = 1;
}
