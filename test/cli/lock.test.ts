import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { LOCK_FILE, RunLock, TAKEOVER_FILE } from "../../src/cli/run/lock.ts";
import { judge, type Owner, PROCESSES } from "../../src/cli/run/processes.ts";
import { CrashDisk, testProcesses } from "./crash-disk.ts";
import { tempFolder } from "./helpers.ts";

const owner: Owner = {
  pid: 7,
  host: "otter",
  since: "2026-01-31T14:05:09.000Z",
  token: "a",
  machine: "m1",
  boot: "b1",
  space: "pid:[1]",
  started: "100",
};

describe("an owner", () => {
  const alive = () => ({ ended: false, started: "100" });
  const cases: [what: string, self: Partial<Owner>, state: ReturnType<typeof alive> | undefined, string][] = [
    ["runs", {}, { ended: false, started: "100" }, "runs"],
    ["is gone", {}, undefined, "dead"],
    ["has ended, and its parent does not know yet", {}, { ended: true, started: "100" }, "dead"],
    ["is gone, its number another process's", {}, { ended: false, started: "101" }, "dead"],
    ["ran before the machine was started anew", { boot: "b2" }, alive(), "dead"],
    ["is on another machine", { host: "ginkgo" }, undefined, "unknown"],
    ["is on another machine of the same name", { machine: "m2", boot: "b2" }, undefined, "unknown"],
    ["may be on another machine of the same name", { machine: undefined, boot: "b2" }, undefined, "unknown"],
    ["is in another container", { space: "pid:[2]" }, undefined, "unknown"],
  ];
  test.each(cases)("that %s", (_, self, state, verdict) => {
    expect(judge(owner, { ...owner, token: "b", ...self }, () => state)).toBe(verdict);
  });

  test("that is this process runs; where only its number is known, too", () => {
    const self = PROCESSES.self();
    expect(PROCESSES.look(self)).toBe("runs");
    const { pid, host, since, token } = self;
    expect(PROCESSES.look({ pid, host, since, token })).toBe("runs");
    expect(PROCESSES.look({ ...self, pid: 2 ** 30 })).toBe("dead");
    if (process.platform === "linux") expect(PROCESSES.look({ ...self, started: "1" })).toBe("dead");
  });
});

describe("a lock", () => {
  const FOLDER = "/run";
  const disk = () => {
    const disk = new CrashDisk();
    disk.mkdirSync(FOLDER);
    return disk;
  };

  test("refuses a second training with number, machine and time of the first, and is free after it", async () => {
    const shared = disk();
    const first = await RunLock.take(FOLDER, shared, testProcesses(1, new Set([1, 2])));
    const second = RunLock.take(FOLDER, shared, testProcesses(2, new Set([1, 2])));
    await expect(second).rejects.toMatchObject({
      name: "RunFolderError",
      code: "locked",
      message: expect.stringMatching(
        /^\/run is in use by another training, process 1 on here, since 2026-0\S+ \S+: wait .* or name another folder with --out$/,
      ),
    });
    first.release();
    (await RunLock.take(FOLDER, shared, testProcesses(2, new Set([1, 2])))).release();
    expect(shared.readdirSync(FOLDER)).toEqual([]);
  });

  test("of a dead owner is taken over; one from elsewhere is not, and says which file to delete", async () => {
    const shared = disk();
    await RunLock.take(FOLDER, shared, testProcesses(1, new Set([1])));
    const lock = await RunLock.take(FOLDER, shared, testProcesses(2, new Set([2])));
    lock.release();
    shared.writeFileSync(join(FOLDER, LOCK_FILE), JSON.stringify({ ...owner, host: "ot\u001b[2Jter" }));
    await expect(RunLock.take(FOLDER, shared, testProcesses(2, new Set([2])))).rejects.toThrow(
      /process 7 on ot\\x1b\[2Jter, .* cannot be seen from here \(here\): .* if it is gone, delete \/run\/\.wasmgrad\.lock$/,
    );
  });

  test("of an owner that died while it took over another is taken over", async () => {
    const shared = disk();
    await RunLock.take(FOLDER, shared, testProcesses(1, new Set([1])));
    shared.writeFileSync(join(FOLDER, TAKEOVER_FILE), shared.readFileSync(join(FOLDER, LOCK_FILE)));
    (await RunLock.take(FOLDER, shared, testProcesses(2, new Set([2])))).release();
    expect(shared.readdirSync(FOLDER)).toEqual([]);
  });

  const LOCK = join(FOLDER, LOCK_FILE);
  const TAKEOVER = join(FOLDER, TAKEOVER_FILE);
  const textOf = (pid: number) => JSON.stringify({ ...owner, host: "here", pid, token: `${pid}.0` });

  test("of a dead owner is left to another that takes it over, however late that one comes", async () => {
    const shared = disk();
    shared.writeFileSync(LOCK, textOf(1));
    shared.writeFileSync(TAKEOVER, textOf(3));
    const processes = testProcesses(2, new Set([2, 4]));
    let waited = 0;
    const taken = RunLock.take(FOLDER, shared, {
      ...processes,
      // Process 4 clears away process 3's file, and makes its own, just after process 3 was found dead.
      look: (seen) => {
        if (seen.pid === 3) {
          shared.unlinkSync(TAKEOVER);
          shared.writeFileSync(TAKEOVER, textOf(4));
        }
        return processes.look(seen);
      },
      wait: async () => {
        waited++;
        expect(shared.readFileSync(TAKEOVER)).toBe(textOf(4));
        shared.unlinkSync(LOCK);
        shared.writeFileSync(LOCK, textOf(4));
        shared.unlinkSync(TAKEOVER);
      },
    });
    await expect(taken).rejects.toThrow("process 4 on here");
    expect(waited).toBe(1);
  });

  test("of a dead owner is taken over without removing the mark that another has made meanwhile", async () => {
    const shared = disk();
    shared.writeFileSync(LOCK, textOf(1));
    // As soon as the dead owner's lock is removed, process 2's mark is another's.
    shared.onOperation = (what) => {
      if (what !== `unlink ${LOCK}`) return;
      shared.onOperation = undefined;
      shared.unlinkSync(TAKEOVER);
      shared.writeFileSync(TAKEOVER, textOf(4));
    };
    await RunLock.take(FOLDER, shared, testProcesses(2, new Set([2, 4])));
    expect(shared.readFileSync(TAKEOVER)).toBe(textOf(4));
  });

  test("that is a link is no owner's: it is not followed, and taken over", async () => {
    const shared = disk();
    shared.writeFileSync("/mine", textOf(7));
    shared.symlinkSync("/mine", LOCK);
    const lock = await RunLock.take(FOLDER, shared, testProcesses(2, new Set([2, 7])));
    expect(lock.held).toBe(true);
    lock.release();
    expect(shared.readFileSync("/mine")).toBe(textOf(7));
    expect(shared.readdirSync(FOLDER)).toEqual([]);
  });

  test("that was deleted by hand is made again, or lost to who came after; release leaves that one's alone", async () => {
    const shared = disk();
    const both = new Set([1, 2]);
    const lock = await RunLock.take(FOLDER, shared, testProcesses(1, both));
    lock.hold();
    shared.unlinkSync(join(FOLDER, LOCK_FILE));
    lock.hold();
    await expect(RunLock.take(FOLDER, shared, testProcesses(2, both))).rejects.toThrow("process 1");
    shared.unlinkSync(join(FOLDER, LOCK_FILE));
    await RunLock.take(FOLDER, shared, testProcesses(2, both));
    expect(() => lock.hold()).toThrow(/no longer this training's.* process 2 on here/);
    lock.release();
    expect(shared.readdirSync(FOLDER)).toEqual([LOCK_FILE]);
  });

  test("on a full disk leaves no empty file, for which others would wait", async () => {
    const shared = disk();
    shared.fault = { at: 2, kind: "once", code: "ENOSPC" };
    await expect(RunLock.take(FOLDER, shared, testProcesses(1, new Set([1])))).rejects.toThrow("ENOSPC");
    expect(shared.operations).toBe(4);
    expect(shared.readdirSync(FOLDER)).toEqual([]);
  });

  test("is taken over by one of many processes that try at once", async () => {
    const work = await tempFolder();
    const script = join(work, "contender.mjs");
    const built = fileURLToPath(new URL("../../dist/cli/", import.meta.url));
    await writeFile(
      script,
      `import { RunLock } from ${JSON.stringify(join(built, "run", "lock.js"))};
      import { DISK } from ${JSON.stringify(join(built, "files.js"))};
      import { PROCESSES } from ${JSON.stringify(join(built, "run", "processes.js"))};
      process.on("message", async (folder) => {
        const got = await RunLock.take(folder, DISK, PROCESSES).then(() => "lock", (e) => e.code ?? e.message);
        process.send(got);
      });
      process.send("here");`,
    );
    const contenders = Array.from({ length: 4 }, () => fork(script));
    onTestFinished(() => {
      for (const contender of contenders) contender.kill();
    });
    const answers = () =>
      Promise.all(contenders.map(async (c: ChildProcess) => (await once(c, "message"))[0]));
    expect(await answers()).toEqual(Array(4).fill("here"));
    for (let round = 0; round < 40; round++) {
      const folder = join(work, `round-${round}`);
      await mkdir(folder);
      const dead = { ...PROCESSES.self(), pid: 2 ** 30, host: hostname() };
      await writeFile(join(folder, LOCK_FILE), JSON.stringify(dead));
      const answered = answers();
      for (const contender of contenders) contender.send(folder);
      expect((await answered).sort(), `round ${round}`).toEqual(["lock", "locked", "locked", "locked"]);
      expect(await readdir(folder)).toEqual([LOCK_FILE]);
      const { pid } = JSON.parse(await readFile(join(folder, LOCK_FILE), "utf8"));
      expect(contenders.map((c) => c.pid)).toContain(pid);
    }
  });
});
