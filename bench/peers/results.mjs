import { readFile } from "node:fs/promises";
import { median } from "./measure.mjs";

const PHASES = ["training", "inference"];
const OURS = ["simd", "relaxed"];

/** Collects the answers of all turns, and makes a row of each peer. */
export class Results {
  #threads;
  /** "id/threads" -> the answers of its turns. */
  #answers = new Map();

  constructor(threads) {
    this.#threads = threads;
  }

  add({ id }, threads, answer) {
    const key = `${id}/${threads}`;
    this.#answers.set(key, [...(this.#answers.get(key) ?? []), answer]);
  }

  /** Whether a peer has failed altogether at this number of threads: further turns are in vain. */
  failed({ id }, threads) {
    return (this.#answers.get(`${id}/${threads}`) ?? []).some(({ reason }) => reason);
  }

  /** Rows, each with medians, samples and the ratios of wasmgrad to it; a reason where there is no number. */
  async rows(peers) {
    const rows = [];
    for (const peer of peers) rows.push(await this.#row(peer));
    for (const row of rows) row.ratios = ratios(row, rows);
    return rows;
  }

  async #row(peer) {
    const { id, name, backend, oneThread } = peer;
    const row = { id, name, version: undefined, backend, training: {}, inference: {}, others: {} };
    for (const threads of this.#threads) {
      const answers = this.#answers.get(`${id}/${threads}`) ?? [];
      const failure =
        answers.find(({ reason }) => reason)?.reason ?? (answers.length ? undefined : oneThread);
      for (const phase of PHASES)
        row[phase][threads] = failure
          ? { reason: failure }
          : (combined(answers.map((answer) => answer[phase])) ?? { reason: "not measured" });
      row.version ??= answers[0]?.version;
      row.parameters ??= answers[0]?.parameters;
      row.blas ??= answers[0]?.blas;
      if (answers.length > 0) row.others[threads] = median(answers.map(({ others }) => others));
    }
    row.version ??= peer.package && (await packageVersion(peer.package));
    return row;
  }
}

/** The samples of all turns, for each configuration; the best one by its median stands for the peer. */
function combined(turns) {
  const failure = turns.find(({ reason }) => reason);
  if (failure || turns.length === 0) return failure;
  const configurations = {};
  for (const name of Object.keys(turns[0])) {
    const results = turns.map((turn) => turn[name]);
    const broken = results.find((result) => result.reason);
    if (broken) {
      configurations[name] = { reason: broken.reason };
      continue;
    }
    const samples = results.flatMap(({ imagesPerSecond }) => imagesPerSecond);
    const { images, lossFirst, lossLast } = results.at(-1);
    configurations[name] = {
      imagesPerSecond: median(samples),
      samples,
      images,
      cores: median(results.map(({ cores }) => cores)),
      lossFirst,
      lossLast,
    };
  }
  const entries = Object.entries(configurations).filter(([, { reason }]) => !reason);
  if (entries.length === 0) return { reason: Object.values(configurations)[0].reason };
  const [configuration, best] = entries.reduce((a, b) =>
    b[1].imagesPerSecond > a[1].imagesPerSecond ? b : a,
  );
  return { ...best, configuration, ...(Object.keys(configurations).length > 1 && { configurations }) };
}

/** wasmgrad's images per second over the row's: `{ training: { 1: { simd, relaxed } }, inference: ... }`. */
function ratios(row, rows) {
  const all = {};
  for (const phase of PHASES) {
    all[phase] = {};
    for (const [threads, { imagesPerSecond }] of Object.entries(row[phase])) {
      const ratio = {};
      for (const build of OURS) {
        const ours = rows.find(({ id }) => id === `wasmgrad-${build}`)?.[phase][threads]?.imagesPerSecond;
        if (ours && imagesPerSecond) ratio[build] = ours / imagesPerSecond;
      }
      all[phase][threads] = ratio;
    }
  }
  return all;
}

async function packageVersion(folder) {
  try {
    return JSON.parse(await readFile(new URL(`./${folder}/package.json`, import.meta.url), "utf8")).version;
  } catch {
    return undefined;
  }
}
