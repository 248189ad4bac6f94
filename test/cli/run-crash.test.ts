import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RunFolderError } from "../../src/cli/run/errors.ts";
import { RunFolder, settle } from "../../src/cli/run/folder.ts";
import { LOCK_FILE } from "../../src/cli/run/lock.ts";
import {
  NEXT,
  PARTIAL,
  placesOf,
  READY,
  RUN_FILES,
  type RunFile,
  type RunFiles,
} from "../../src/cli/run/swap.ts";
import { CrashDisk, crashes, PowerCut, testProcesses } from "./crash-disk.ts";

const OUT = "/home/runs/first";
const CHECKPOINT: readonly RunFile[] = ["model.safetensors", "history.csv"];
const REPORT = RUN_FILES.filter((name) => !CHECKPOINT.includes(name));

/** What a file of a run holds. The weights that a training ends with are those of its third epoch. */
function content(run: string, epoch: number, name: RunFile): string {
  return `${name} of ${run} after epoch ${epoch}`;
}

function files(run: string, epoch: number, names: readonly RunFile[]): RunFiles {
  return Object.fromEntries(names.map((name) => [name, content(run, epoch, name)]));
}

/** How far a training came: the last epoch for which save() came back, 4 once complete() did. */
interface Progress {
  done: number;
}

/** A training as train() has it: checkpoints may fail, the last weights and the report may not. */
async function training(disk: CrashDisk, run: string, pid: number, progress: Progress = { done: 0 }) {
  const ground = { disk, processes: testProcesses(pid, new Set([pid])) };
  const folder = await RunFolder.claim({ out: OUT, overwrite: true, name: "" }, ground);
  try {
    for (const epoch of [1, 2]) {
      try {
        await folder.save(files(run, epoch, CHECKPOINT));
        progress.done = epoch;
      } catch (error) {
        if (!(error instanceof RunFolderError) || error.cause instanceof PowerCut) throw error;
      }
    }
    await folder.save(files(run, 3, CHECKPOINT));
    progress.done = 3;
    await folder.complete(files(run, 3, REPORT));
    progress.done = 4;
  } finally {
    folder.close();
  }
}

/** "nothing", "old 1" (a checkpoint), "old complete", or what is wrong. */
function stateOf(read: (name: RunFile) => string | undefined): string {
  const found = RUN_FILES.filter((name) => read(name) !== undefined);
  if (found.length === 0) return "nothing";
  for (const run of ["old", "new", "next"])
    for (const epoch of [1, 2, 3]) {
      if (!found.every((name) => read(name) === content(run, epoch, name))) continue;
      if (found.length === RUN_FILES.length) return `${run} complete`;
      if (found.join() === CHECKPOINT.join()) return `${run} ${epoch}`;
    }
  return `mixed: ${found.map((name) => read(name) || "(empty)").join(", ")}`;
}

function fileOf(disk: CrashDisk, path: string): string | undefined {
  try {
    return disk.readFileSync(path);
  } catch {
    return undefined;
  }
}

/** As this program's own commands read a run. */
function stateForReaders(disk: CrashDisk, folder = OUT): string {
  return stateOf((name) => {
    const found = placesOf(disk, folder, name).map((path) => fileOf(disk, path));
    return found.find((text) => text !== undefined);
  });
}

/** As `ls` and `cat` show it. */
function plainState(disk: CrashDisk): string {
  return stateOf((name) => fileOf(disk, join(OUT, name)));
}

function names(disk: CrashDisk, folder = OUT): string[] {
  try {
    return disk.readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Progress that a state of the new run stands for. */
function rank(state: string): number {
  return ["nothing", "new 1", "new 2", "new 3", "new complete"].indexOf(state);
}

const OLD = ["no run", "an unfinished run", "a complete run"] as const;

/** A disk on which all is safe, with what the training finds. */
async function diskWith(old: (typeof OLD)[number]): Promise<CrashDisk> {
  const disk = new CrashDisk();
  disk.mkdirSync("/home");
  if (old === "a complete run") await training(disk, "old", 1);
  if (old === "an unfinished run") {
    disk.mkdirSync("/home/runs");
    disk.mkdirSync(OUT);
    for (const name of CHECKPOINT) disk.writeFileSync(join(OUT, name), content("old", 2, name));
  }
  const safe = disk.crashed(() => true, 1);
  safe.operations = 0;
  return safe;
}

const BEFORE = { "no run": "nothing", "an unfinished run": "old 2", "a complete run": "old complete" };

/** A generator of fixed numbers from 0 to 1. */
function fixedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function countOperations(old: (typeof OLD)[number]): Promise<number> {
  const disk = await diskWith(old);
  await training(disk, "new", 2);
  expect(plainState(disk)).toBe("new complete");
  expect(names(disk)).toEqual([...RUN_FILES].sort());
  return disk.operations;
}

/** What the next command sees and does on a disk that a crash or an error left; `before`: what readers found. */
async function recover(disk: CrashDisk, before: string, what: string): Promise<void> {
  const processes = testProcesses(3, new Set([3]));
  const refusing = disk.crashed(() => true, 1);
  const claim = RunFolder.claim({ out: OUT, overwrite: false, name: "" }, { disk: refusing, processes });
  const outcome = await claim.then(
    (folder) => folder.close(),
    (error: Error) => error.name,
  );
  // A checkpoint that was to replace a run is nothing to write over unasked, either.
  const unfinished = before !== "nothing" || stateForReaders(disk, join(OUT, NEXT)) !== "nothing";
  expect(outcome, what).toBe(unfinished ? "UsageError" : undefined);
  expect(plainState(refusing), `${what}, after a training that was refused`).toBe(before);
  await settle(OUT, { disk, processes });
  expect(plainState(disk), `${what}, after a command that reads`).toBe(before);
  await training(disk, "next", 4);
  expect({ what, state: plainState(disk), names: names(disk) }).toEqual({
    what,
    state: "next complete",
    names: [...RUN_FILES].sort(),
  });
}

describe.each(OLD)("a training over %s", (old) => {
  test("shows files of one state at any time, and the model always", async () => {
    const disk = await diskWith(old);
    let before = names(disk).includes("model.safetensors");
    const seen = new Set<string>();
    disk.onOperation = (what) => {
      const found = RUN_FILES.filter((name) => names(disk).includes(name));
      const states = [1, 2, 3].flatMap((epoch) =>
        ["old", "new"].filter((run) =>
          found.every((name) => fileOf(disk, join(OUT, name)) === content(run, epoch, name)),
        ),
      );
      expect(found.length === 0 || states.length === 1, `after ${what}: ${plainState(disk)}`).toBe(true);
      const model = found.includes("model.safetensors");
      expect(model || !before, `model after ${what}`).toBe(true);
      before = model;
      if (found.includes("result.json")) expect(found, `after ${what}`).toEqual(RUN_FILES);
      seen.add(`${states} ${found.length}`);
    };
    await training(disk, "new", 2);
    expect(seen).toContain("new 6");
  });

  test("is the old run or the new one wherever the power goes, and what was saved stays", async () => {
    const random = fixedRandom(1);
    const operations = await countOperations(old);
    const judged = new Set<string>();
    const finals = new Set<string>();
    for (let at = 0; at <= operations; at++) {
      const disk = await diskWith(old);
      disk.fault = { at, kind: "crash" };
      const progress = { done: 0 };
      let end = "came to its end";
      await training(disk, "new", 2, progress).catch((error: Error) => {
        end = error.message;
      });
      for (const after of crashes(disk, random)) {
        const key = `${progress.done} ${after.print()}`;
        if (judged.has(key)) continue;
        judged.add(key);
        const state = stateForReaders(after);
        finals.add(state);
        const what = `${end} after ${at} operations: ${after.print()}`;
        if (old === "no run" || state === "new complete")
          expect(rank(state), what).toBeGreaterThanOrEqual(progress.done);
        else {
          expect(state, what).toBe(BEFORE[old]);
          expect(progress.done, what).toBeLessThan(4);
          expect(rank(stateForReaders(after, join(OUT, NEXT))), what).toBeGreaterThanOrEqual(progress.done);
        }
        await recover(after, state, what);
      }
    }
    expect(finals).toEqual(
      new Set(
        old === "no run"
          ? ["nothing", "new 1", "new 2", "new 3", "new complete"]
          : [BEFORE[old], "new complete"],
      ),
    );
  });

  test("stays so where the power goes again while the first cut is mended", async () => {
    const random = fixedRandom(2);
    const operations = await countOperations(old);
    const judged = new Set<string>();
    // Each first cut takes long: npm run test:all has them all.
    const stride = process.env.WASMGRAD_TESTS === "all" ? 1 : 5;
    for (let at = 0; at <= operations; at += stride) {
      const disk = await diskWith(old);
      disk.fault = { at, kind: "crash" };
      await training(disk, "new", 2).catch(() => {});
      for (const first of crashes(disk, random)) {
        if (!names(first).includes(READY) || judged.has(first.print())) continue;
        judged.add(first.print());
        const state = stateForReaders(first);
        for (let again = 0; ; again++) {
          const second = first.crashed(() => true, 1);
          second.fault = { at: again, kind: "crash" };
          await settle(OUT, { disk: second, processes: testProcesses(3, new Set([3])) });
          for (const after of crashes(second, random)) {
            const key = after.print();
            if (judged.has(key)) continue;
            judged.add(key);
            expect(stateForReaders(after), key).toBe(state);
            if (!names(after).includes(READY)) continue;
            await settle(OUT, { disk: after, processes: testProcesses(4, new Set([4])) });
            expect(plainState(after), key).toBe(state);
          }
          if (second.operations <= again) break;
        }
      }
    }
    expect(judged.size).toBeGreaterThan(20);
  });

  test("makes a folder again that is gone while it is claimed, and gives up where it always is", async () => {
    for (const at of [0, 1]) {
      const disk = await diskWith(old);
      disk.fault = { at, kind: "once", code: "ENOENT" };
      const ground = { disk, processes: testProcesses(7, new Set([7])) };
      const folder = await RunFolder.claim({ out: OUT, overwrite: true, name: "new" }, ground);
      folder.close();
      disk.fault = { at: disk.operations, kind: "broken", code: "ENOENT" };
      const claim = RunFolder.claim({ out: OUT, overwrite: true, name: "new" }, ground);
      await expect(claim).rejects.toThrow(RunFolderError);
    }
  });

  test("touches nothing of a run that is whole when it is read", async () => {
    const disk = await diskWith(old);
    await training(disk, "new", 2);
    const { operations } = disk;
    await settle(OUT, { disk, processes: testProcesses(8, new Set([8])) });
    expect(disk.operations).toBe(operations);
  });

  test.each([
    ["once", "EIO"],
    ["once", "ENOSPC"],
    ["full", "ENOSPC"],
    ["broken", "EIO"],
  ] as const)("loses nothing when any operation fails: %s, %s", async (kind, code) => {
    const operations = await countOperations(old);
    let failures = 0;
    for (let at = 0; at < operations; at++) {
      const disk = await diskWith(old);
      disk.fault = { at, kind, code };
      const progress = { done: 0 };
      const error = await training(disk, "new", 2, progress).then(
        () => undefined,
        (error: unknown) => error,
      );
      const what = `${kind} ${code} at ${at}: ${error}: ${disk.print()}`;
      if (error !== undefined) {
        failures++;
        expect(error, what).toBeInstanceOf(RunFolderError);
        expect((error as Error).message, what).toMatch(/^cannot write \/home\/runs\/first: /);
      }
      const state = stateForReaders(disk);
      if (old === "no run" || state === "new complete")
        expect(rank(state), what).toBeGreaterThanOrEqual(progress.done);
      else {
        expect(state, what).toBe(BEFORE[old]);
        expect(error, what).toBeDefined();
        expect(rank(stateForReaders(disk, join(OUT, NEXT))), what).toBeGreaterThanOrEqual(progress.done);
      }
      // A full disk lets files be removed: nothing but files of runs stays.
      if (kind === "full") {
        const kept = names(disk).filter((name) => !(RUN_FILES as readonly string[]).includes(name));
        expect(
          kept.filter((name) => name !== NEXT && name !== READY),
          what,
        ).toEqual([]);
        if (kept.includes(NEXT))
          expect(rank(stateForReaders(disk, join(OUT, NEXT))), what).toBeGreaterThan(0);
      }
      disk.fault = undefined;
      await recover(disk, state, what);
    }
    expect(failures).toBeGreaterThan(operations / 8);
  });
});

describe.each([PARTIAL, READY, NEXT])("a link called %s in a run folder", (name) => {
  test.each(OLD)("leads a training over %s nowhere", async (old) => {
    const disk = await diskWith(old);
    if (old === "no run") for (const folder of ["/home/runs", OUT]) disk.mkdirSync(folder);
    const before = disk.print();
    const owned = () => disk.print(disk.root.get("mine") as typeof disk.root);
    disk.mkdirSync("/mine");
    for (const file of ["thesis.txt", "model.safetensors", "report.html"])
      disk.writeFileSync(join("/mine", file), `my ${file}`);
    disk.mkdirSync("/mine/folder");
    const mine = owned();
    const link = join(OUT, name);
    disk.symlinkSync("/mine", link);

    const processes = testProcesses(3, new Set([3]));
    await settle(OUT, { disk, processes });
    expect(stateForReaders(disk)).toBe(BEFORE[old]);
    expect(owned()).toBe(mine);
    await training(disk, "new", 2);
    expect(plainState(disk)).toBe("new complete");
    expect(names(disk)).toEqual([...RUN_FILES].sort());
    expect(owned()).toBe(mine);

    // The same where the link comes while the training has the folder.
    const late = disk.crashed(() => true, 1);
    const ground = { disk: late, processes: testProcesses(5, new Set([5])) };
    const folder = await RunFolder.claim({ out: OUT, overwrite: true, name: "" }, ground);
    late.symlinkSync("/mine", link);
    await folder.save(files("next", 3, CHECKPOINT));
    await folder.complete(files("next", 3, REPORT));
    folder.close();
    expect(plainState(late)).toBe("next complete");
    expect(late.print(late.root.get("mine") as typeof late.root)).toBe(mine);
    expect(before).not.toContain("thesis");
  });
});

test("what others put into .wasmgrad.next is kept when it becomes the run", async () => {
  const disk = await diskWith("a complete run");
  const ground = { disk, processes: testProcesses(2, new Set([2])) };
  const claim = () => RunFolder.claim({ out: OUT, overwrite: true, name: "" }, ground);
  const first = await claim();
  await first.save(files("new", 3, CHECKPOINT));
  disk.writeFileSync(join(OUT, NEXT, "notes.txt"), "my notes");
  disk.mkdirSync(join(OUT, NEXT, PARTIAL));
  await first.complete(files("new", 3, REPORT));
  first.close();
  expect(plainState(disk)).toBe("new complete");
  expect(names(disk)).toEqual([...RUN_FILES, "notes.txt"].sort());
  expect(fileOf(disk, join(OUT, "notes.txt"))).toBe("my notes");

  const second = await claim();
  await second.save(files("next", 3, CHECKPOINT));
  disk.writeFileSync(join(OUT, NEXT, "notes.txt"), "other notes");
  await expect(second.complete(files("next", 3, REPORT))).rejects.toThrow(
    "/home/runs/first/.wasmgrad.ready/notes.txt is no file of a run's",
  );
  second.close();
  expect(plainState(disk)).toBe("next complete");
  expect(fileOf(disk, join(OUT, "notes.txt"))).toBe("my notes");
});

test("a training whose folder another one took writes nothing there", async () => {
  const disk = await diskWith("a complete run");
  const alive = new Set([1, 2]);
  const options = { out: OUT, overwrite: true, name: "" };
  const first = await RunFolder.claim(options, { disk, processes: testProcesses(1, alive) });
  await first.save(files("old", 1, CHECKPOINT));
  disk.unlinkSync(join(OUT, LOCK_FILE));
  const second = await RunFolder.claim(options, { disk, processes: testProcesses(2, alive) });
  await second.save(files("new", 1, CHECKPOINT));
  // In the midst of a save of the second one's.
  disk.mkdirSync(join(OUT, NEXT, PARTIAL));
  const before = disk.print();
  await expect(first.save(files("old", 2, CHECKPOINT))).rejects.toThrow(
    /process 2 on here.* has the folder now/,
  );
  await expect(first.complete(files("old", 2, REPORT))).rejects.toThrow("process 2");
  first.close();
  expect(disk.print()).toBe(before);
  await second.complete(files("new", 1, REPORT));
  second.close();
  expect(plainState(disk)).toBe("new complete");
});

test("a lock that only a part of was written when the power went is taken over", async () => {
  for (const text of ["", '{"pid":1,"ho', "[]", "null", "7"]) {
    const disk = await diskWith("a complete run");
    disk.writeFileSync(join(OUT, LOCK_FILE), text);
    await training(disk, "new", 2);
    expect(plainState(disk)).toBe("new complete");
  }
});
