import { cp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { NEXT, READY, RUN_FILES } from "../../src/cli/run/swap.ts";
import { json, start, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

const ALL = process.env.WASMGRAD_TESTS === "all";
const WHOLE = [...RUN_FILES].sort();

let work: string;
/** Files of the run of a seed that are the same whenever it is made. */
const FIXED = ["model.safetensors", "accuracy.svg", "loss.svg"] as const;
const expected = new Map<number, string[]>();
let duration = 0;

function args(out: string, seed: number, ...more: string[]): string[] {
  const fixed = "train --dataset bars --model small.json --epochs 2 --batch-size 16 --threads 1".split(" ");
  return [...fixed, "--seed", String(seed), "--out", out, ...more];
}

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  for (const seed of [1, 2, 3]) {
    const from = performance.now();
    expect((await wasmgrad(args(`seed${seed}`, seed), { cwd: work })).status).toBe(0);
    duration = performance.now() - from;
    expected.set(seed, await readAll(join(work, `seed${seed}`)));
  }
});

function readAll(folder: string): Promise<string[]> {
  return Promise.all(FIXED.map((name) => readFile(join(folder, name), "latin1")));
}

/** Fixed numbers from 0 to 1: which moments are hit depends on the machine all the same. */
function fixedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** "nothing", "1 to 2" epochs of a checkpoint, "seed 2" for a whole run, or what is wrong. */
async function stateOf(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith(".wasmgrad."));
  if (names.length === 0) return "nothing";
  const read = (name: string) => readFile(join(folder, name), "latin1");
  const sorted = names.sort().join();
  if (sorted === "history.csv,model.safetensors") {
    const epochs = (await read("history.csv")).trim().split("\n").length - 1;
    return `checkpoint ${epochs}`;
  }
  if (sorted !== WHOLE.join()) return `neither a run nor a checkpoint: ${sorted}`;
  const { seed, epochsCompleted, weightsSha256 } = JSON.parse(await read("result.json"));
  const rows = (await read("history.csv")).trim().split("\n").length - 1;
  const whole =
    (await readAll(folder)).join() === expected.get(seed)?.join() &&
    rows === epochsCompleted &&
    (await read("report.html")).includes(weightsSha256);
  return whole ? `seed ${seed}` : "files of several runs";
}

/** Starts a training and kills it: at any moment of its life, or about when it writes. */
async function killed(trainArgs: string[], out: string, random: () => number): Promise<void> {
  const running = start(trainArgs, { cwd: work });
  if (random() < 0.5) await sleep(random() * duration);
  else {
    const written = () =>
      stat(join(work, out, "history.csv")).then(
        () => true,
        () => false,
      );
    const alive = () => running.process.exitCode === null;
    while (alive() && !(await written())) await sleep(1);
    await sleep(random() * 0.3 * duration);
  }
  running.process.kill("SIGKILL");
  await running.ended;
}

describe.each([
  ["over a run", ["--overwrite"], join("killed", NEXT), ALL ? 100 : 4],
  ["into a new folder", [], "killed", ALL ? 40 : 4],
] as const)(`kill -9 of a training %s`, (kind, flags, writes, kills) => {
  test(`leaves one run or the other, ${kills} times`, { timeout: 20_000 + kills * 6000 }, async () => {
    const random = fixedRandom(7);
    const folder = join(work, "killed");
    const seen = new Map<string, number>();
    for (let i = 0; i < kills; i++) {
      await rm(folder, { recursive: true, force: true });
      if (kind === "over a run") await cp(join(work, "seed1"), folder, { recursive: true });
      await killed(args("killed", 2, ...flags), writes, random);
      // Between the step in which the run changes and the moves that follow it: a command that reads ends them.
      if ((await readdir(folder).catch((): string[] => [])).includes(READY)) {
        const read = await wasmgrad(["summary", "killed", "--json"], { cwd: work });
        expect(json(read)).toMatchObject({ parameters: 151 });
        seen.set("moved by the next command", (seen.get("moved by the next command") ?? 0) + 1);
      }
      const state = await stateOf(folder);
      expect(state, `kill ${i}`).toMatch(
        kind === "over a run" ? /^seed [12]$/ : /^(nothing|checkpoint [12]|seed 2)$/,
      );
      seen.set(state, (seen.get(state) ?? 0) + 1);
      const next = await wasmgrad(args("killed", 3, "--overwrite"), { cwd: work });
      expect(next, `after kill ${i}: ${state}`).toMatchObject({ status: 0, stderr: "" });
      expect(await stateOf(folder)).toBe("seed 3");
      expect((await readdir(folder)).sort()).toEqual(WHOLE);
    }
    console.log(`${kills} kills of a training ${kind}:`, Object.fromEntries(seen));
  });
});
