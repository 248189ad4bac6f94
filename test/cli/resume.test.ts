import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { DISK } from "../../src/cli/files.ts";
import { CHECKPOINT, NEXT, PARTIAL, placesOf, RUN_FILES } from "../../src/cli/run/swap.ts";
import { decodeCheckpoint } from "../../src/formats/checkpoint.ts";
import { start, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

const KILLS = process.env.WASMGRAD_TESTS === "all" ? 100 : 8;
const WHOLE = [...RUN_FILES, CHECKPOINT].sort();
const EPOCHS = 4;

let work: string;
let duration = 0;
const small = "train --dataset bars --model small.json --batch-size 16 --threads 1".split(" ");
const begin = [
  ...[...small, "--epochs", String(EPOCHS), "--optimizer", "sgd", "--momentum", "0.9"],
  // Halves the rate after each epoch but the first.
  ...["--reduce-lr", "patience=1,monitor=loss,minDelta=9,factor=0.5", "--csv-log", "log.csv"],
];

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"), [
    { type: "conv2d", filters: 4, kernelSize: 3, strides: 2 },
    { type: "batchNormalization" },
    { type: "activation", activation: "relu" },
    { type: "flatten" },
    { type: "dropout", rate: 0.3 },
    { type: "dense", units: 3, activation: "softmax" },
  ]);
});

function run(args: readonly string[]) {
  return wasmgrad(args, { cwd: work });
}

async function read(folder: string, name: string): Promise<string> {
  return readFile(join(work, folder, name), "latin1");
}

/** What of a run's files is the same whenever it is made: no times, no speed. */
async function fixedParts(folder: string) {
  const record = JSON.parse(await read(folder, "result.json"));
  for (const key of ["trainSeconds", "imagesPerSecond", "startedAt", "endedAt", "linearMemoryBytes"])
    delete record[key];
  const report = (await read(folder, "report.html"))
    .replace(/<time[\s\S]*?<\/time>/g, "")
    .replace(/<dt>(Speed|Training time)<\/dt><dd class="value">[^<]*/g, "")
    // Images a second, in the table of epochs.
    .replace(/<td class="number">[\d,]+<\/td><\/tr>/g, "")
    .replace(/(<th scope="row">Finished<\/th><td>)[^<]*/, "$1");
  return {
    model: await read(folder, "model.safetensors"),
    history: (await read(folder, "history.csv"))
      .split("\n")
      .map((line) => line.split(",").slice(0, 6).join()),
    curves: (await read(folder, "accuracy.svg")) + (await read(folder, "loss.svg")),
    record,
    report,
    log: await read(".", "log.csv"),
  };
}

/** Where the checkpoint of a run is that can go on, and how many steps it has done. */
async function checkpointOf(folder: string): Promise<number | undefined> {
  for (const place of [join(work, folder, NEXT), join(work, folder)])
    for (const path of placesOf(DISK, place, CHECKPOINT)) {
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes) return decodeCheckpoint(bytes).state.history.steps;
    }
  return undefined;
}

/** Fixed numbers from 0 to 1: which moments are hit depends on the machine all the same. */
function fixedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Starts a training and kills it: at any moment, or when it is about to save. */
async function killed(args: readonly string[], base: string, random: () => number): Promise<void> {
  const running = start(args, { cwd: work });
  const alive = () => running.process.exitCode === null;
  if (random() < 0.5) await sleep(random() * duration);
  else {
    const saves = Math.floor(random() * 6);
    for (let seen = 0, there = false; alive() && seen <= saves; ) {
      const now = (await readdir(join(work, base)).catch(() => [""])).includes(PARTIAL);
      if (now && !there) seen++;
      there = now;
      if (seen <= saves) await new Promise(setImmediate);
    }
  }
  running.process.kill("SIGKILL");
  await running.ended;
}

describe.each([
  ["a new run", "1", []],
  ["a new run that saves in the midst of epochs", "4steps", []],
  ["one that is to replace another", "1", ["--overwrite"]],
] as const)("kill -9 of %s", (kind, every, flags) => {
  const kills = Math.ceil(KILLS / 3);
  test(`costs at most the work since the last checkpoint, and no bit, ${kills} times`, {
    timeout: 60_000 + kills * 8000,
  }, async () => {
    const args = [...begin, "--checkpoint-every", every];
    const began = performance.now();
    expect(await run([...args, "--out", "whole", "--overwrite"])).toMatchObject({ status: 0, stderr: "" });
    duration = performance.now() - began;
    const expected = await fixedParts("whole");
    const random = fixedRandom(kills + every.length);
    const seen = { kills: 0, "runs anew": 0, "runs that went on": 0 };
    while (seen.kills < kills) {
      await rm(join(work, "killed"), { recursive: true, force: true });
      if (flags.length > 0) {
        await run([...small, "--epochs", "1", "--out", "killed"]);
      }
      const oldParts = async () => ({ ...(await fixedParts("killed")), log: "" });
      const old = flags.length > 0 ? await oldParts() : undefined;
      let steps: number | undefined;
      for (let ended = false; !ended; ) {
        const next =
          steps === undefined ? [...args, "--out", "killed", ...flags] : ["train", "--resume", "killed"];
        const last = random() < 0.2 || seen.kills >= kills;
        seen[steps === undefined ? "runs anew" : "runs that went on"]++;
        if (last) {
          const done = await run(next);
          expect(done, `after ${steps} steps`).toMatchObject({ status: 0 });
          ended = true;
        } else {
          await killed(next, flags.length > 0 ? join("killed", NEXT) : "killed", random);
          seen.kills++;
          const now = await checkpointOf("killed");
          expect(now ?? 0, `steps after kill ${seen.kills}`).toBeGreaterThanOrEqual(steps ?? 0);
          steps = now;
          // What was to be replaced is whole, or has been.
          if (
            old &&
            (await readdir(join(work, "killed"))).includes("result.json") &&
            !(await readdir(join(work, "killed"))).includes(CHECKPOINT)
          )
            expect(await oldParts()).toEqual(old);
        }
      }
      expect(await fixedParts("killed")).toEqual(expected);
      expect((await readdir(join(work, "killed"))).sort()).toEqual(WHOLE);
    }
    console.log(`${kind}:`, seen);
  });
});

describe("--resume", () => {
  const args = [...begin, "--checkpoint-every", "1"];

  test("goes on with what Ctrl-C stopped in the midst of an epoch, to the same bits", async () => {
    expect((await run([...args, "--out", "uninterrupted"])).status).toBe(0);
    const slow = start([...small, "--epochs", "100000", "--checkpoint-every", "3steps", "--out", "stopped"], {
      cwd: work,
    });
    await slow.printed("Epoch      3/");
    slow.process.kill("SIGINT");
    const ended = await slow.ended;
    expect(ended.status).toBe(130);
    expect(ended.stdout).toContain("\nGo on:     wasmgrad train --resume stopped\n");
    const { epochsCompleted: done, weightsSha256 } = JSON.parse(await read("stopped", "result.json"));
    const steps = (await checkpointOf("stopped"))!;
    expect(Math.floor(steps / 6)).toBe(done);
    const more = ["--resume", "stopped", "--epochs", String(done + 2)];
    expect(await run(["train", ...more])).toMatchObject({ status: 0, stderr: "" });
    const whole = [
      ...small,
      "--epochs",
      String(done + 2),
      "--checkpoint-every",
      "3steps",
      "--out",
      "unstopped",
    ];
    expect((await run(whole)).status).toBe(0);
    expect(await fixedParts("stopped")).toEqual(await fixedParts("unstopped"));
    expect(JSON.parse(await read("stopped", "result.json")).weightsSha256).not.toBe(weightsSha256);
  });

  test("says that a run is complete, and trains on for more epochs", async () => {
    expect((await run([...args, "--out", "short"])).status).toBe(0);
    const before = await fixedParts("short");
    const done = await run(["train", "--resume", "short", "--json"]);
    expect(done).toMatchObject({ status: 0 });
    expect(done.stderr).toBe("short is complete. To train on write: --resume short --epochs 8\n");
    expect(JSON.parse(done.stdout)).toMatchObject({
      run: "short",
      weightsSha256: before.record.weightsSha256,
    });
    expect((await run(["train", "--resume", "short", "--epochs", "7"])).status).toBe(0);
    expect((await run([...args, "--epochs", "7", "--out", "long"])).status).toBe(0);
    expect(await fixedParts("short")).toEqual(await fixedParts("long"));
  });

  test("of a run that was stopped in its last step keeps the checkpoint, so that it can train on", async () => {
    expect((await run([...args, "--out", "last"])).status).toBe(0);
    const { log: _, ...before } = await fixedParts("last");
    // As Ctrl-C would have it there.
    const record = JSON.parse(await read("last", "result.json"));
    const stopped = { ...record, stopped: true, stoppedBy: "signal" };
    await writeFile(join(work, "last", "result.json"), JSON.stringify(stopped));
    expect((await run(["train", "--resume", "last"])).status).toBe(0);
    expect(await fixedParts("last")).toMatchObject(before);
    expect((await readdir(join(work, "last"))).sort()).toEqual(WHOLE);
    expect((await run(["train", "--resume", "last", "--epochs", "5"])).status).toBe(0);
  });

  test("goes on at another rate with a run that diverged, and not at the same", async () => {
    await writeFile(
      join(work, "wild.json"),
      JSON.stringify({
        optimizer: {
          name: "sgd",
          learningRate: {
            name: "piecewiseConstantDecay",
            options: { boundaries: [8], values: [0.01, 1e30] },
          },
        },
      }),
    );
    const wild = [...small, "--config", "wild.json", "--checkpoint-every", "1", "--out", "wild"];
    expect((await run(wild)).status).toBe(1);
    expect(await read("wild", "result.json")).toContain('"stoppedBy": "diverged"');
    const same = await run(["train", "--resume", "wild"]);
    expect(same).toMatchObject({ status: 2, stdout: "" });
    expect(same.stderr).toBe(
      "wasmgrad: wild diverged, and would again at the same rate. Write: --resume wild --learning-rate 0.0001\n",
    );
    const tame = await run(["train", "--resume", "wild", "--learning-rate", "0.01", "--epochs", "3"]);
    expect(tame).toMatchObject({ status: 0 });
    const { configuration, epochsCompleted, stopped } = JSON.parse(await read("wild", "result.json"));
    expect({ epochsCompleted, stopped }).toEqual({ epochsCompleted: 3, stopped: false });
    expect(configuration.optimizer.learningRate).toBe(0.01);
  });

  test("refuses what a run cannot go on with", async () => {
    expect((await run([...args, "--out", "mine"])).status).toBe(0);
    expect((await run([...begin, "--out", "without"])).status).toBe(0);
    for (const [flags, said] of [
      [
        ["mine", "--seed", "2"],
        "--seed is given beside --resume, which goes on with the settings of the run: leave it out. --epochs, --learning-rate and --checkpoint-every may be others",
      ],
      [["mine", "--epochs", "3"], "--epochs is 3, and the run has done 4: give more"],
      [
        ["without"],
        "--resume is without, which holds no checkpoint.safetensors: a run can go on that was begun with --checkpoint-every 1",
      ],
      [["nowhere"], "--resume is nowhere: there is no such folder; expected a run folder"],
      [
        ["mine/checkpoint.safetensors"],
        "--resume is mine/checkpoint.safetensors, a file; expected the run folder that it is in",
      ],
      [
        ["bars"],
        "--resume is bars, which holds no checkpoint.safetensors: a run can go on that was begun with --checkpoint-every 1",
      ],
    ] as const) {
      const refused = await run(["train", "--resume", ...flags]);
      expect(refused).toEqual({ status: 2, stdout: "", stderr: `wasmgrad: ${said}\n` });
    }
    const same = await run(["train", "--resume", "mine", "--epochs", String(EPOCHS)]);
    expect(same).toMatchObject({
      status: 0,
      stdout: "",
      stderr: expect.stringContaining("mine is complete"),
    });
    const anew = await run([...args, "--out", "mine"]);
    expect(anew.stderr).toContain("add --overwrite to replace the run; to go on with it write --resume mine");
  });

  test("goes on where the result is damaged, names a checkpoint that is", async () => {
    expect((await run([...args, "--out", "hurt"])).status).toBe(0);
    await writeFile(join(work, "hurt", "result.json"), "{}");
    expect(await run(["train", "--resume", "hurt", "--epochs", "5"])).toMatchObject({ status: 0 });
    expect(JSON.parse(await read("hurt", "result.json"))).toMatchObject({ epochsCompleted: 5 });
    const path = join(work, "hurt", "checkpoint.safetensors");
    await writeFile(path, (await readFile(path)).subarray(0, 5000));
    const refused = await run(["train", "--resume", "hurt", "--epochs", "6"]);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^wasmgrad: hurt\/checkpoint\.safetensors: .+\n$/);
    expect(JSON.parse(await read("hurt", "result.json"))).toMatchObject({ epochsCompleted: 5 });
  });

  test("a run that replaces one with a checkpoint leaves none of that", async () => {
    expect((await run([...args, "--out", "twice"])).status).toBe(0);
    expect((await run([...begin, "--seed", "5", "--out", "twice", "--overwrite"])).status).toBe(0);
    expect((await readdir(join(work, "twice"))).sort()).toEqual([...RUN_FILES].sort());
  });
});
