import { spawn, spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { InterruptedError } from "../../src/cli/errors.ts";
import { withInterrupt } from "../../src/cli/interrupt.ts";
import { LOCK_FILE } from "../../src/cli/run/lock.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { CLI, json, start, tempFolder, writeBars, writeModel } from "./helpers.ts";

const RUN_FILES = [
  "accuracy.svg",
  "history.csv",
  "loss.svg",
  "model.safetensors",
  "report.html",
  "result.json",
];

let work: string;
const endless = "train --dataset bars --model small.json --epochs 1000000 --batch-size 4".split(" ");

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"), { train: 3000 });
  await writeModel(join(work, "small.json"));
});

async function result(run: string) {
  return JSON.parse(await readFile(join(run, "result.json"), "utf8"));
}

describe("Ctrl-C in training", () => {
  test("stops after the step under way, with status 130 and a whole run folder", async () => {
    const running = start([...endless, "--out", "first"], { cwd: work });
    await running.printed("Epoch       2/1000000");
    // npm passes on what the terminal has sent already: two signals at once are one key press.
    running.process.kill("SIGINT");
    running.process.kill("SIGINT");
    const { status, stdout, stderr } = await running.ended;
    expect(stderr).toMatch(/^Stopping after this step.*\n$/);
    expect(stdout).toMatch(/^Stopped early: [\d,]+ images/m);
    expect(stdout).toMatch(/^Test accuracy /m);
    expect(status).toBe(130);

    const run = join(work, "first");
    expect((await readdir(run)).sort()).toEqual(RUN_FILES);
    const { stopped, stoppedBy, epochs, epochsCompleted, trainedImages, weightsSha256 } = await result(run);
    expect({ stopped, stoppedBy, epochs }).toEqual({ stopped: true, stoppedBy: "signal", epochs: 1_000_000 });
    expect(epochsCompleted).toBeGreaterThanOrEqual(2);
    expect(trainedImages).toBeGreaterThanOrEqual(2400 * epochsCompleted);
    const csv = await readFile(join(run, "history.csv"), "utf8");
    expect(csv.trim().split("\n")).toHaveLength(1 + epochsCompleted);

    // The saved weights are those that were tested.
    const { model } = readModel(await readFile(join(run, "model.safetensors")));
    await model.compile();
    expect(await model.weightsSha256()).toBe(weightsSha256);
  });

  test("SIGTERM stops likewise, with status 143; --json still prints one document", async () => {
    const running = start([...endless, "--out", "terminated", "--json"], { cwd: work });
    // Nothing is printed with --json: the checkpoint of the first epoch tells that training is under way.
    const model = join(work, "terminated", "model.safetensors");
    while (!(await readFile(model).catch(() => undefined))) await sleep(20);
    running.process.kill("SIGTERM");
    const done = await running.ended;
    expect(done.status).toBe(143);
    expect(json(done)).toMatchObject({ stopped: true, run: "terminated" });
    expect((await readdir(join(work, "terminated"))).sort()).toEqual(RUN_FILES);
  });

  test("in the first epoch saves what there is, too", async () => {
    await writeBars(join(work, "large"), { train: 60_000, test: 30 });
    const args = [
      "train",
      "--dataset",
      "large",
      "--model",
      "small.json",
      "--batch-size",
      "1",
      "--out",
      "early",
    ];
    const running = start(args, { cwd: work });
    await running.printed("Training on");
    await sleep(150);
    running.process.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
    expect(await result(join(work, "early"))).toMatchObject({
      stopped: true,
      epochsCompleted: 0,
      history: [],
    });
    expect((await readdir(join(work, "early"))).sort()).toEqual(RUN_FILES);
  });

  test("a second one ends it at once, with no half-written file", async () => {
    // A large model and test set: the tests after the first Ctrl-C would take minutes.
    await writeBars(join(work, "slow"), { train: 2000, test: 60_000 });
    await writeModel(join(work, "slow.json"), [
      { type: "conv2d", filters: 64, kernelSize: 5, padding: "same", activation: "relu" },
      { type: "conv2d", filters: 64, kernelSize: 5, padding: "same", activation: "relu" },
      { type: "flatten" },
      { type: "dense", units: 3, activation: "softmax" },
    ]);
    const args = ["train", "--dataset", "slow", "--model", "slow.json", "--out", "twice"];
    const running = start(args, { cwd: work });
    await running.printed("Training on");
    await sleep(200);
    running.process.kill("SIGINT");
    await sleep(1000);
    const pressed = performance.now();
    running.process.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
    expect(performance.now() - pressed).toBeLessThan(2000);
    // The weights were safe before the tests began.
    expect((await readdir(join(work, "twice"))).sort()).toEqual(["history.csv", "model.safetensors"]);
    readModel(await readFile(join(work, "twice", "model.safetensors")));
  });

  test("when the run folder can be written no more, the model is saved elsewhere", async () => {
    const temporary = join(work, "tmp");
    await mkdir(temporary);
    const running = start([...endless, "--out", "gone"], { cwd: work, env: { TMPDIR: temporary } });
    await running.printed("Epoch       1/1000000");
    await sleep(300);
    await rm(join(work, "gone"), { recursive: true, force: true });
    await writeFile(join(work, "gone"), "in the way");
    running.process.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect(status).toBe(1);
    const path = /The trained model is saved in (.*)\n$/.exec(stderr)?.[1];
    expect(path && dirname(dirname(path))).toBe(temporary);
    readModel(await readFile(path!));
  });
});

describe("SIGHUP", () => {
  test("stops as SIGTERM does, with status 129", async () => {
    const running = start([...endless, "--out", "hung-up"], { cwd: work });
    await running.printed("Epoch       2/1000000");
    running.process.kill("SIGHUP");
    const { status, stdout } = await running.ended;
    expect(status).toBe(129);
    expect(stdout).toMatch(/^Stopped early: [\d,]+ images/m);
    expect((await readdir(join(work, "hung-up"))).sort()).toEqual(RUN_FILES);
    expect(await result(join(work, "hung-up"))).toMatchObject({ stoppedBy: "signal" });
  });

  test("sent again does not end the process at once, as a second Ctrl-C does", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    await withInterrupt(undefined, async (signal) => {
      for (const name of ["SIGHUP", "SIGHUP", "SIGHUP"] as const) {
        process.emit(name, name);
        now += 10_000;
      }
      expect((signal.reason as InterruptedError).exitCode).toBe(129);
      expect(exit).not.toHaveBeenCalled();
      process.emit("SIGINT", "SIGINT");
      expect(exit).toHaveBeenCalledWith(130);
    });
    expect(process.listenerCount("SIGHUP")).toBe(0);
  });

  const terminal = spawnSync("script", ["--version"]).status === 0;
  test.skipIf(!terminal)(
    "of a terminal that is closed: the run is saved, though nothing can be printed",
    async () => {
      const command = [process.execPath, CLI, ...endless, "--out", "closed"]
        .map((word) => `'${word}'`)
        .join(" ");
      const window = spawn("script", ["-qfc", command, "/dev/null"], {
        cwd: work,
        stdio: ["pipe", "ignore", "ignore"],
      });
      const run = join(work, "closed");
      const there = (name: string) => readFile(join(run, name), "utf8").catch(() => undefined);
      while (!(await there("history.csv"))) await sleep(20);
      const { pid } = JSON.parse((await there(LOCK_FILE))!);
      onTestFinished(() => {
        try {
          process.kill(pid, "SIGKILL");
        } catch {}
      });
      window.kill("SIGKILL");
      while (await there(LOCK_FILE)) await sleep(20);
      expect(await result(run)).toMatchObject({ stopped: true, stoppedBy: "signal" });
      expect((await readdir(run)).sort()).toEqual(RUN_FILES);
    },
  );
});
