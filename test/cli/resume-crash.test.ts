import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/cli/errors.ts";
import { RunFolder } from "../../src/cli/run/folder.ts";
import {
  CHECKPOINT,
  NEXT,
  placesOf,
  RUN_FILES,
  type RunFile,
  type RunFiles,
} from "../../src/cli/run/swap.ts";
import { CrashDisk, crashes, testProcesses } from "./crash-disk.ts";

const OUT = "/home/runs/first";
const SAVED: readonly RunFile[] = ["model.safetensors", CHECKPOINT, "history.csv"];
const REPORT = RUN_FILES.slice(2);
const LAST = 3;

const content = (run: string, epoch: number, name: RunFile) => `${name} of ${run} after epoch ${epoch}`;
const files = (run: string, epoch: number, names: readonly RunFile[]): RunFiles =>
  Object.fromEntries(names.map((name) => [name, content(run, epoch, name)]));

function fileOf(disk: CrashDisk, folder: string, name: RunFile): string | undefined {
  for (const path of placesOf(disk, folder, name))
    try {
      return disk.readFileSync(path);
    } catch {}
  return undefined;
}

/** The epoch of a run's checkpoint, of which the model and the history beside it must be, too; 0 without. */
function epochIn(disk: CrashDisk, folder: string, run: string): number {
  const text = fileOf(disk, folder, CHECKPOINT);
  const epoch = [1, 2, 3, 4, 5].find((epoch) => text === content(run, epoch, CHECKPOINT));
  if (epoch === undefined) return 0;
  // When its training has ended, the model is of its end.
  const ended = fileOf(disk, folder, "model.safetensors") === content(run, LAST, "model.safetensors");
  if (!ended) for (const name of SAVED) expect(fileOf(disk, folder, name)).toBe(content(run, epoch, name));
  return epoch;
}

const epochOf = (disk: CrashDisk, run: string) =>
  Math.max(epochIn(disk, join(OUT, NEXT), run), epochIn(disk, OUT, run));

interface Progress {
  /** The last epoch of which the checkpoint was saved for certain; LAST + 1: all was. */
  done: number;
}

/** A training that makes a checkpoint an epoch, from the last one of its run on, if there is one. */
async function training(
  disk: CrashDisk,
  run: string,
  pid: number,
  {
    progress = { done: 0 },
    goesOn = false,
    checkpoints = true,
  }: { progress?: Progress; goesOn?: boolean; checkpoints?: boolean } = {},
): Promise<void> {
  const ground = { disk, processes: testProcesses(pid, new Set([pid])) };
  const from = goesOn ? epochOf(disk, run) : 0;
  const folder =
    from > 0
      ? await RunFolder.reopen(OUT, ground)
      : await RunFolder.claim({ out: OUT, overwrite: true, name: "" }, ground);
  try {
    // The checkpoint of the last epoch is made before its end: see checkpoints() of src/run.
    for (let epoch = from + 1; epoch <= LAST; epoch++) {
      await folder.save(files(run, epoch, checkpoints ? SAVED : SAVED.filter((name) => name !== CHECKPOINT)));
      progress.done = epoch;
    }
    // One that had nothing left to train brings the checkpoint along that it went on from.
    await folder.save(files(run, LAST, from === LAST ? SAVED : ["model.safetensors", "history.csv"]));
    await folder.complete(files(run, LAST, REPORT));
    progress.done = LAST + 1;
  } finally {
    folder.close();
  }
}

const names = (disk: CrashDisk, folder = OUT) => disk.readdirSync(folder).sort();

function expectWhole(
  disk: CrashDisk,
  run: string,
  what: string,
  own: readonly RunFile[] = [...RUN_FILES, CHECKPOINT],
): void {
  expect(names(disk), what).toEqual([...own].sort());
  for (const name of own) expect(fileOf(disk, OUT, name), what).toBe(content(run, LAST, name));
}

/** Fixed numbers from 0 to 1. */
function fixedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A disk on which all is safe. */
async function diskWith(old: "nothing" | "a run with a checkpoint"): Promise<CrashDisk> {
  const disk = new CrashDisk();
  disk.mkdirSync("/home");
  if (old !== "nothing") await training(disk, "old", 1);
  const safe = disk.crashed(() => true, 1);
  safe.operations = 0;
  return safe;
}

/** Cuts the power at each operation of some work, and shows every disk that this can leave, each once. */
async function cuts(
  start: () => Promise<CrashDisk>,
  work: (disk: CrashDisk, progress: Progress) => Promise<void>,
  judge: (after: CrashDisk, progress: Progress, what: string) => Promise<void>,
): Promise<void> {
  const random = fixedRandom(3);
  const whole = await start();
  await work(whole, { done: 0 });
  const judged = new Set<string>();
  for (let at = 0; at <= whole.operations; at++) {
    const disk = await start();
    disk.fault = { at, kind: "crash" };
    const progress = { done: 0 };
    await work(disk, progress).catch(() => {});
    for (const after of crashes(disk, random)) {
      const key = `${progress.done} ${after.print()}`;
      if (judged.has(key)) continue;
      judged.add(key);
      await judge(after, progress, `after ${at} operations: ${after.print()}`);
    }
  }
  expect(judged.size).toBeGreaterThan(20);
}

describe.each(["nothing", "a run with a checkpoint"] as const)(
  "where the power goes while a run takes the place of %s",
  (old) => {
    test("its last checkpoint is never lost, and it goes on from there to its end", async () => {
      await cuts(
        () => diskWith(old),
        (disk, progress) => training(disk, "new", 2, { progress }),
        async (after, { done }, what) => {
          expect(epochOf(after, "new"), what).toBeGreaterThanOrEqual(Math.min(done, LAST));
          // Until the new run is complete, the old one can be gone on with just so.
          if (old !== "nothing" && epochIn(after, OUT, "new") === 0)
            expect(epochIn(after, OUT, "old"), what).toBe(LAST);
          await training(after, "new", 3, { goesOn: true });
          expectWhole(after, "new", what);
        },
      );
    });

    test("without checkpoints of its own, none of the other's stays beside it", async () => {
      const own = RUN_FILES;
      await cuts(
        () => diskWith(old),
        (disk, progress) => training(disk, "new", 2, { progress, checkpoints: false }),
        async (after, _progress, what) => {
          const ground = { disk: after, processes: testProcesses(3, new Set([3])) };
          const reopened = await RunFolder.reopen(OUT, ground).catch((error: unknown) => error);
          if (reopened instanceof RunFolder) {
            reopened.close();
            expect(fileOf(after, OUT, "model.safetensors"), what).toBe(
              content("old", LAST, "model.safetensors"),
            );
          } else expect(reopened, what).toBeInstanceOf(UsageError);
          await training(after, "new", 4, { checkpoints: false });
          expectWhole(after, "new", what, own);
        },
      );
    });
  },
);

test("where the power goes while a run that diverged goes on in .wasmgrad.next, nothing of its report lies beside what came since", async () => {
  const start = async () => {
    const disk = await diskWith("a run with a checkpoint");
    const ground = { disk, processes: testProcesses(2, new Set([2])) };
    const folder = await RunFolder.claim({ out: OUT, overwrite: true, name: "" }, ground);
    await folder.save(files("new", 1, SAVED));
    // It failed: its report is saved, and the other run stays.
    await folder.save(files("failed", 1, REPORT));
    folder.close();
    const safe = disk.crashed(() => true, 1);
    safe.operations = 0;
    return safe;
  };
  await cuts(
    start,
    (disk, progress) => training(disk, "new", 3, { progress, goesOn: true }),
    async (after, { done }, what) => {
      const epoch = epochOf(after, "new");
      expect(epoch, what).toBeGreaterThanOrEqual(Math.max(1, Math.min(done, LAST)));
      if (epoch > 1)
        for (const folder of [join(OUT, NEXT), OUT])
          for (const name of REPORT) expect(fileOf(after, folder, name) ?? "", what).not.toContain("failed");
      await training(after, "new", 4, { goesOn: true });
      expectWhole(after, "new", what);
    },
  );
});
