import { randomUUID } from "node:crypto";
import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { defaultCacheDir, withFolderLock, writeAtomic } from "../../src/data/cache.ts";
import { listing, tempFolder } from "./helpers.ts";

const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);

describe("writeAtomic", () => {
  it("makes the folder, writes, replaces, and leaves nothing else", async () => {
    const folder = join(await tempFolder(), "a", "b");
    await writeAtomic(join(folder, "f"), new Uint8Array([1, 2]));
    await writeAtomic(join(folder, "f"), new Uint8Array([3]));
    expect([...(await readFile(join(folder, "f")))]).toEqual([3]);
    expect(await listing(folder)).toEqual(["f"]);
  });

  it("never shows a reader a part of a file, whoever writes at the same time", async () => {
    const path = join(await tempFolder(), "f");
    const size = 300_000;
    const write = (value: number) => writeAtomic(path, new Uint8Array(size).fill(value));
    await write(0);
    let writing = true;
    const writers = Promise.all(
      [1, 2, 3].map(async (id) => {
        for (let i = 0; i < 8; i++) await write(id);
      }),
    ).finally(() => {
      writing = false;
    });
    let reads = 0;
    while (writing) {
      const bytes = await readFile(path);
      expect(bytes.length).toBe(size);
      expect(bytes.equals(Buffer.alloc(size, bytes[0]))).toBe(true);
      reads++;
    }
    await writers;
    expect(reads).toBeGreaterThan(3);
  });

  it("removes its temporary file if it fails", async () => {
    const folder = await tempFolder();
    await mkdir(join(folder, "f"));
    await expect(writeAtomic(join(folder, "f"), new Uint8Array(1))).rejects.toThrow();
    expect(await listing(folder)).toEqual(["f"]);
  });

  it("sweeps what killed runs left, but not what may be in use", async () => {
    const folder = await tempFolder();
    const [older, newer] = [".x.0f8fad5b-d9cb-469f-a165-70867728950e.tmp", `.x.${randomUUID()}.tmp`];
    // Others' files, where the folder is not the cache.
    const others = ["old", "notes.tmp", ".notes.tmp"];
    for (const name of [older, newer, ...others]) await writeFile(join(folder, name), "");
    for (const name of [older, ...others]) await utimes(join(folder, name), longAgo, longAgo);
    // A write of half an hour is slow, but may be one.
    const lately = new Date(Date.now() - 30 * 60 * 1000);
    await utimes(join(folder, newer), lately, lately);
    await writeAtomic(join(folder, "f"), new Uint8Array(1));
    expect(await listing(folder)).toEqual([newer, "f", ...others].sort());
  });
});

describe("withFolderLock", () => {
  it("lets one at a time in, tells the others once that they wait, and cleans up", async () => {
    const folder = await tempFolder();
    let inside = 0;
    let most = 0;
    const onWait = vi.fn();
    const work = async (result: number) => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 120));
      inside--;
      return result;
    };
    const runs = [1, 2, 3].map((i) => withFolderLock(folder, () => work(i), { onWait }));
    expect(await Promise.all(runs)).toEqual([1, 2, 3]);
    expect(most).toBe(1);
    expect(onWait).toHaveBeenCalledTimes(2);
    expect(await listing(folder)).toEqual([]);
  });

  it("is released when the work fails", async () => {
    const folder = await tempFolder();
    const fault = new Error("fault");
    await expect(withFolderLock(folder, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await listing(folder)).toEqual([]);
  });

  it("takes over from a run that was killed", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, ".lock"), "someone");
    await utimes(join(folder, ".lock"), longAgo, longAgo);
    expect(await withFolderLock(folder, async () => "done")).toBe("done");
    expect(await listing(folder)).toEqual([]);
  });

  it("keeps its lock fresh during long work, and leaves a lock that another took over", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const folder = await tempFolder();
      const path = join(folder, ".lock");
      await withFolderLock(folder, async () => {
        await utimes(path, longAgo, longAgo);
        await vi.advanceTimersByTimeAsync(1_000);
        const { stat } = await import("node:fs/promises");
        await vi.waitFor(async () => expect((await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 5_000));
        await writeFile(path, "another run");
      });
      expect(await listing(folder)).toEqual([".lock"]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("stops waiting on abort", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, ".lock"), "someone");
    const reason = new Error("enough");
    const controller = new AbortController();
    const work = vi.fn();
    const waiting = withFolderLock(folder, work, {
      signal: controller.signal,
      onWait: () => setTimeout(() => controller.abort(reason), 10),
    });
    await expect(waiting).rejects.toBe(reason);
    expect(work).not.toHaveBeenCalled();
    expect(await listing(folder)).toEqual([".lock"]);
  });

  it("works without a lock where none can be made", async () => {
    const file = join(await tempFolder(), "f");
    await writeFile(file, "");
    expect(await withFolderLock(join(file, "x"), async () => "done")).toBe("done");
  });
});

describe("defaultCacheDir", () => {
  it.skipIf(process.platform !== "linux")("follows XDG_CACHE_HOME (Linux only)", () => {
    vi.stubEnv("XDG_CACHE_HOME", "/some/cache");
    expect(defaultCacheDir()).toBe("/some/cache/wasmgrad");
    vi.stubEnv("XDG_CACHE_HOME", "");
    expect(defaultCacheDir()).toMatch(/\/\.cache\/wasmgrad$/);
    vi.unstubAllEnvs();
  });
});
