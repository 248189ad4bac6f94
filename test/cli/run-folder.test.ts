import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { DISK, syncFolder, writeNew } from "../../src/cli/files.ts";
import { LOCK_FILE } from "../../src/cli/run/lock.ts";
import { rescue } from "../../src/cli/run/rescue.ts";
import { NEXT, PARTIAL, READY, RUN_FILES } from "../../src/cli/run/swap.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { json, type Running, shell, start, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;
const data = "train --dataset bars --model small.json --batch-size 16".split(" ");
const quick = [...data, "--epochs", "1"];
const endless = [...data, "--epochs", "1000000"];
const WHOLE = [...RUN_FILES].sort();

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
  // 640,000 bytes of weights in the first one, none worth speaking of in the second.
  await writeModel(join(work, "large.json"), [
    { type: "flatten" },
    { type: "dense", units: 2400 },
    { type: "dense", units: 3, activation: "softmax" },
  ]);
  expect((await wasmgrad([...quick, "--out", "template"], { cwd: work })).status).toBe(0);
});

/** A copy of a complete run; its path below the working folder. */
async function oldRun(name: string): Promise<string> {
  await cp(join(work, "template"), join(work, name), { recursive: true });
  return name;
}

async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(join(work, folder), { withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    await Promise.all(
      names.map(async ({ name }) => [name, await readFile(join(work, folder, name), "latin1")]),
    ),
  );
}

async function training(args: readonly string[]): Promise<Running> {
  const running = start(args, { cwd: work });
  onTestFinished(async () => {
    running.process.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

/** Waits until a file is there with something in it: a lock copied between its making and its writing is a dead owner's. */
async function appears(...path: string[]): Promise<void> {
  while (!(await readFile(join(work, ...path), "latin1").catch(() => ""))) await sleep(10);
}

describe("a run folder", () => {
  test("takes one training at a time, says whose it is, and can be read meanwhile", async () => {
    const first = await training([...endless, "--out", "busy"]);
    await appears("busy", "model.safetensors");
    for (const args of [[], ["--overwrite"]]) {
      const { status, stdout, stderr } = await wasmgrad([...quick, "--out", "busy", ...args], { cwd: work });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(
          `^wasmgrad: busy is in use by another training, process ${first.process.pid} on ${hostname()}, since 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d: wait .*--out\\n$`,
        ),
      );
    }
    const refused = await wasmgrad([...quick, "--out", "busy", "--json"], { cwd: work });
    expect(json(refused).error).toMatchObject({ name: "RunFolderError", code: "locked", exitCode: 1 });
    const read = await wasmgrad(["evaluate", "busy", "--dataset", "bars", "--json"], { cwd: work });
    expect(json(read)).toMatchObject({ images: 30 });
    first.process.kill("SIGTERM");
    expect((await first.ended).status).toBe(143);
    expect((await readdir(join(work, "busy"))).sort()).toEqual(WHOLE);
  });

  test("of a training that was killed is put in order by the next, which need not wait", async () => {
    const first = await training([...endless, "--out", "killed"]);
    await appears("killed", "model.safetensors");
    first.process.kill("SIGKILL");
    await first.ended;
    expect(await readdir(join(work, "killed"))).toContain(LOCK_FILE);
    const refused = await wasmgrad([...quick, "--out", "killed"], { cwd: work });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/holds a training run: name another folder, or add --overwrite/);
    expect((await wasmgrad([...quick, "--out", "killed", "--overwrite"], { cwd: work })).status).toBe(0);
    expect((await readdir(join(work, "killed"))).sort()).toEqual(WHOLE);
  });

  test("with nothing but what killed processes left is taken as an empty one", async () => {
    for (const out of ["litter", join("runs", "bars-small-1")]) {
      const folder = join(work, out);
      await mkdir(join(folder, PARTIAL), { recursive: true });
      await writeFile(join(folder, PARTIAL, "model.safetensors"), "torn");
      await writeFile(join(folder, LOCK_FILE), "");
      await writeFile(
        join(folder, ".model.safetensors.0f8fad5b-d9cb-469f-a165-70867728950e.tmp"),
        "from version 0.1",
      );
      await writeFile(join(folder, "..writable.7c9e6679-7425-40de-944b-e07fc1f90ae7.tmp"), "");
      await writeFile(join(folder, ".writable"), "");
      const args = out === "litter" ? ["--out", out] : [];
      const { status, stderr } = await wasmgrad([...quick, ...args], { cwd: work });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect((await readdir(folder)).sort()).toEqual(WHOLE);
    }
  });

  test("keeps files of the user's when its run is replaced, whatever they are called", async () => {
    const out = await oldRun("mine");
    const own = ["notes.txt", ".model.safetensors.tmp", ".thesis.0f8fad5b-d9cb-469f-a165-70867728950e.tmp"];
    for (const name of own) await writeFile(join(work, out, name), name);
    expect(
      (await wasmgrad([...quick, "--out", out, "--overwrite", "--seed", "2"], { cwd: work })).status,
    ).toBe(0);
    expect((await readdir(join(work, out))).sort()).toEqual([...own, ...WHOLE].sort());
    expect(JSON.parse((await contents(out))["result.json"]!).seed).toBe(2);
  });

  test("with --overwrite shows the old run, whole, until the new one is complete", async () => {
    const out = await oldRun("replaced");
    const before = await contents(out);
    const running = await training([...endless, "--out", out, "--overwrite"]);
    await appears(out, NEXT, "history.csv");
    const { [LOCK_FILE]: lock, ...during } = await contents(out);
    expect(JSON.parse(lock!)).toMatchObject({ pid: running.process.pid, host: hostname() });
    expect(during).toEqual(before);
    // What is ready to be looked at of the new run can be read as a run.
    const next = await wasmgrad(["evaluate", join(out, NEXT), "--dataset", "bars", "--json"], { cwd: work });
    expect(json(next)).toMatchObject({ images: 30 });
    running.process.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
    const after = await contents(out);
    expect(Object.keys(after).sort()).toEqual(WHOLE);
    expect(await readdir(join(work, out))).toHaveLength(WHOLE.length);
    expect(JSON.parse(after["result.json"]!)).toMatchObject({ epochs: 1_000_000, stoppedBy: "signal" });
    for (const name of WHOLE) expect(after[name] === before[name], name).toBe(false);
  });

  test("a second Ctrl-C leaves the old run, and says where the new one's last model is", async () => {
    await writeBars(join(work, "slow"), { train: 300, test: 60_000 });
    await writeModel(join(work, "slow.json"), [
      { type: "conv2d", filters: 64, kernelSize: 5, padding: "same", activation: "relu" },
      { type: "conv2d", filters: 64, kernelSize: 5, padding: "same", activation: "relu" },
      { type: "flatten" },
      { type: "dense", units: 3, activation: "softmax" },
    ]);
    const out = await oldRun("twice");
    const before = await contents(out);
    const args = "train --dataset slow --model slow.json --overwrite --out".split(" ");
    const running = await training([...args, out]);
    await running.printed("Training on");
    await sleep(200);
    running.process.kill("SIGINT");
    await appears(out, NEXT, "history.csv");
    await sleep(600);
    running.process.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect(status).toBe(130);
    expect(stderr).toContain(
      `twice still holds the run that it held before; the last model saved of this one is in ${join(out, NEXT)}`,
    );
    expect(await contents(out)).toEqual(before);
    expect((await readdir(join(work, out))).sort()).toEqual([NEXT, ...WHOLE]);
    readModel(await readFile(join(work, out, NEXT, "model.safetensors")));
  });

  test("of a number that came to nothing goes, also where a run that ended meanwhile had made it", async () => {
    const folder = join(work, "runs", "mnist-small-1");
    await mkdir(folder, { recursive: true });
    const args = "train --dataset mnist --data-dir bars --model small.json".split(" ");
    expect((await wasmgrad(args, { cwd: work })).status).toBe(1);
    expect(await readdir(join(work, "runs"))).not.toContain("mnist-small-1");
  });

  test("whose moves were cut short is read as the new run, and set in order by a command that reads", async () => {
    const out = await oldRun("cut");
    await wasmgrad([...quick, "--out", "other", "--seed", "3"], { cwd: work });
    const expected = await contents("other");
    await cp(join(work, "other"), join(work, out, READY), { recursive: true });
    await rm(join(work, out, "result.json"));
    await training([...endless, "--out", "live"]);
    await appears("live", LOCK_FILE);
    // In use by a process that lives: what it moves is left to it, but read.
    await cp(join(work, "live", LOCK_FILE), join(work, out, LOCK_FILE));
    const evaluate = ["evaluate", out, "--dataset", "bars", "--json"];
    const { weightsSha256 } = JSON.parse(expected["result.json"]!);
    expect(json(await wasmgrad(evaluate, { cwd: work })).weightsSha256).toBe(weightsSha256);
    expect(await readdir(join(work, out))).toContain(READY);
    await rm(join(work, out, LOCK_FILE));
    expect(json(await wasmgrad(evaluate, { cwd: work })).weightsSha256).toBe(weightsSha256);
    expect(await contents(out)).toEqual(expected);
    expect((await readdir(join(work, out))).sort()).toEqual(WHOLE);
  });
});

describe("a run folder of somebody else's, with links in it", () => {
  const READING = {
    evaluate: (out: string) => ["evaluate", out, "--dataset", "bars"],
    summary: (out: string) => ["summary", out],
    predict: (out: string) => [
      "predict",
      out,
      fileURLToPath(new URL("../../docs/three.png", import.meta.url)),
    ],
  };
  const TRAINING = {
    train: (out: string) => [...quick, "--out", out],
    "train --overwrite": (out: string) => [...quick, "--out", out, "--overwrite"],
  };

  /** A folder of the user's, which is full of files that no command may touch. */
  async function home(name: string): Promise<string> {
    await mkdir(join(work, name, "letters"), { recursive: true });
    for (const file of ["thesis.txt", "letters/first.txt", "report.html", "result.json", ".profile"])
      await writeFile(join(work, name, file), `my ${file}`);
    await cp(join(work, "template", "model.safetensors"), join(work, name, "model.safetensors"));
    return name;
  }
  const tree = async (folder: string) =>
    (await readdir(join(work, folder), { recursive: true, withFileTypes: true }))
      .map((entry) => `${entry.parentPath}/${entry.name} ${entry.isDirectory()}`)
      .sort();

  test.each(Object.entries({ ...READING, ...TRAINING }))(
    "%s leaves what they lead to",
    async (what, args) => {
      for (const link of [READY, PARTIAL, NEXT]) {
        const mine = await home(`home ${what} ${link}`);
        const before = [await tree(mine), await contents(mine)];
        const out = what === "train" ? `from ${link}` : await oldRun(`from ${what} ${link}`);
        await mkdir(join(work, out), { recursive: true });
        await symlink(join(work, mine), join(work, out, link));
        const { status, stderr } = await wasmgrad(args(out), { cwd: work });
        expect({ link, status, stderr }).toEqual({ link, status: 0, stderr: "" });
        expect([await tree(mine), await contents(mine)], link).toEqual(before);
        if (what in TRAINING) expect((await readdir(join(work, out))).sort(), link).toEqual(WHOLE);
      }
    },
  );

  test("is read from its own files, not from what a link called .wasmgrad.ready leads to", async () => {
    await wasmgrad([...quick, "--out", "elsewhere", "--seed", "5"], { cwd: work });
    const out = await oldRun("own files");
    await symlink(join(work, "elsewhere"), join(work, out, READY));
    const { weightsSha256 } = json(
      await wasmgrad(["evaluate", out, "--dataset", "bars", "--json"], { cwd: work }),
    );
    expect(weightsSha256).toBe(JSON.parse((await contents("template"))["result.json"]!).weightsSha256);
  });
});

describe("a disk that takes no more", () => {
  // No file larger than the limit, anywhere: what a process sees of a full disk.
  const limited = (kilobytes: number, args: string) =>
    shell(`ulimit -f ${kilobytes}; exec "$NODE" "$CLI" ${args}`, { cwd: work });

  test("at the report leaves the old run whole, and the new model beside it", async () => {
    const out = await oldRun("full-report");
    const before = await contents(out);
    const done = await limited(20, `${quick.join(" ")} --overwrite --out ${out}`);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(
      /^wasmgrad: cannot write full-report: the file is too large.* The trained model and its history are saved in full-report\/\.wasmgrad\.next$/m,
    );
    expect(await contents(out)).toEqual(before);
    expect((await readdir(join(work, out))).sort()).toEqual([NEXT, ...WHOLE]);
    expect((await readdir(join(work, out, NEXT))).sort()).toEqual(["history.csv", "model.safetensors"]);
    expect((await wasmgrad([...quick, "--overwrite", "--out", out], { cwd: work })).status).toBe(0);
    expect((await readdir(join(work, out))).sort()).toEqual(WHOLE);
  });

  test("at the report of a first run leaves model and history", async () => {
    const done = await limited(20, `${quick.join(" ")} --out full-first`);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/The trained model and its history are saved in full-first$/m);
    expect((await readdir(join(work, "full-first"))).sort()).toEqual(["history.csv", "model.safetensors"]);
  });

  test("at the model, in all folders, says that it is lost and leaves the old run", async () => {
    const out = await oldRun("full-model");
    const before = await contents(out);
    const args = `train --dataset bars --model large.json --epochs 1 --overwrite --json --out ${out}`;
    const done = await limited(100, args);
    expect(done.status).toBe(1);
    const { error } = json(done);
    expect(error.name).toBe("RunFolderError");
    expect(error.message).toMatch(
      /^cannot write full-model: .*No other folder takes the trained model either: .+ \(.*\), .*Its weights are lost; nothing of this training is left$/,
    );
    expect(await contents(out)).toEqual(before);
    expect((await readdir(join(work, out))).sort()).toEqual(WHOLE);
    expect((await readdir(work)).filter((name) => name.includes("rescued"))).toEqual([]);
  });
});

describe("a model that its run folder takes no more", () => {
  test("goes to the first folder that takes it, and tells why others did not where none does", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, "file"), "");
    const refusing = [join(folder, "missing"), join(folder, "file")];
    const model = Uint8Array.of(1, 2, 3);
    const rescued = await rescue(model, [...refusing, folder, work]);
    const { path } = rescued as { path: string };
    expect(dirname(dirname(path))).toBe(folder);
    expect(Uint8Array.from(await readFile(path))).toEqual(model);
    expect(await rescue(model, refusing)).toEqual({
      refusals: [
        `${refusing[0]} (no such file or folder)`,
        `${refusing[1]} (a part of the path is not a folder)`,
      ],
    });
    expect(await readdir(folder)).toHaveLength(2);
  });

  test("goes to the working folder where TMPDIR takes it neither", async () => {
    const running = start([...endless, "--out", "gone"], {
      cwd: work,
      env: { TMPDIR: join(work, "small.json") },
    });
    await appears("gone", "model.safetensors");
    await rm(join(work, "gone"), { recursive: true, force: true });
    await writeFile(join(work, "gone"), "in the way");
    running.process.kill("SIGINT");
    const { status, stderr } = await running.ended;
    expect(status).toBe(1);
    const path = /The trained model is saved in (.*)\n$/.exec(stderr)?.[1];
    expect(path && dirname(dirname(path))).toBe(work);
    readModel(await readFile(path!));
  });
});

test("files and folders are synced by Node's own fsync", async () => {
  const folder = await tempFolder();
  const handle = await DISK.open(folder, "r");
  const calls: string[] = [];
  const prototype = Object.getPrototypeOf(handle);
  for (const name of ["writeFile", "sync"] as const) {
    const real = prototype[name];
    vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
      calls.push(name);
      return real.apply(this, args);
    });
  }
  await handle.close();
  await writeNew(DISK, join(folder, "file"), "text");
  await syncFolder(DISK, folder);
  vi.restoreAllMocks();
  expect(calls).toEqual(["writeFile", "sync", "sync"]);
});
