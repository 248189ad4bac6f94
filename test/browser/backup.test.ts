import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

interface Frame {
  readonly version: number;
  readonly epoch: number;
  readonly batch: number;
  readonly pieces: number;
  readonly beside: unknown;
}
type Frames = Readonly<Record<string, Frame>>;
interface Ended {
  readonly figures: { readonly history: Record<string, number[]>; readonly bestEpoch: number };
  readonly sha256: string;
}
interface Begun {
  readonly owned: boolean;
  readonly notices: string[];
  readonly before: number | undefined;
  readonly frames: Frames;
}
type Gone = Ended & Omit<Begun, "before"> & { readonly from?: number; readonly beside: unknown };

describe.each(BROWSERS)("backupAndRestore() in %s", (name) => {
  const reason = missing(name);
  let server: Server;
  let whole: Ended;
  let pages: Page[] = [];

  const opened = async () => {
    const { page } = await open(name, `${server.origin}/empty.html`);
    pages.push(page);
    return page;
  };
  /** Runs a function of pages/backup.js. */
  const call = <T>(page: Page, what: string, argument: unknown = undefined): Promise<T> =>
    page.evaluate(
      `import("/test/browser/pages/backup.js").then((page) => page.${what}(${JSON.stringify(argument) ?? ""}))`,
    ) as Promise<T>;

  beforeAll(async () => {
    if (reason) return;
    server = await serve({ isolated: true });
    whole = await call(await opened(), "whole");
  });
  afterEach(async () => {
    for (const page of pages) await closePage(page);
    pages = [];
  });
  afterAll(() => server?.close());

  test.skipIf(reason)(
    "a training goes on after a reload, from within an epoch, to the same bits",
    async () => {
      const page = await opened();
      const begun = await call<Begun>(page, "begin");
      expect(begun).toMatchObject({ owned: true, notices: [] });
      expect(begun.before).toBeUndefined();
      const { training, ...others } = begun.frames;
      expect(others).toEqual({});
      expect(training).toMatchObject({ epoch: 1, beside: { at: 1, note: "mine" } });
      expect(training!.batch).toBeGreaterThan(5);
      await page.reload();
      const { figures, sha256, from, beside, frames } = await call<Gone>(page, "goOn");
      expect(from).toBe(1);
      expect(beside).toEqual({ at: 1, note: "mine" });
      expect({ figures, sha256 }).toEqual(whole);
      // What has ended is not kept, unless that was asked for.
      expect(frames).toEqual({});
      const kept = await call<Gone>(page, "goOn", { deleteCheckpoint: false });
      expect(kept.from).toBeUndefined();
      expect(kept.frames.training!.epoch).toBeGreaterThanOrEqual(1);
    },
  );

  test.skipIf(reason)("another page of that name keeps nothing, and takes nothing away", async () => {
    const page = await opened();
    const { frames } = await call<Begun>(page, "begin");
    const other = await page.browserContext().newPage();
    await other.goto(`${server.origin}/empty.html`);
    const second = await call<Gone>(other, "goOn");
    expect(second).toMatchObject({ owned: false, sha256: whole.sha256, frames });
    expect(second.from).toBeUndefined();
    expect(second.notices).toEqual([
      "Another page trains under the same name: this training is not kept over a reload.",
    ]);
    // Another name is another training.
    expect(await call<Gone>(other, "goOn", { name: "other" })).toMatchObject({ owned: true, notices: [] });
    await page.close();
    const { from, sha256 } = await call<Gone>(other, "goOn");
    expect({ from, sha256 }).toEqual({ from: frames.training!.epoch, sha256: whole.sha256 });
  });

  test.skipIf(reason)("where there is no storage, or no room, it trains on and says so once", async () => {
    const page = await opened();
    const { frames } = await call<Begun>(page, "begin");
    await page.reload();
    await call(page, "fill");
    const full = await call<Gone>(page, "goOn", { name: "full" });
    expect(full.sha256).toBe(whole.sha256);
    expect(full.notices).toEqual([
      "This browser has no room to keep the training: it goes on, but not after a reload.",
    ]);
    // What was kept before is still whole.
    expect(full.frames).toEqual(frames);
    const { from, sha256 } = await call<Gone>(page, "goOn");
    expect({ from, sha256 }).toEqual({ from: frames.training!.epoch, sha256: whole.sha256 });

    const blocked = await opened();
    const { notices, sha256: same } = (await blocked.evaluate(`
      import("/test/browser/pages/backup.js").then(async (page) => {
        page.blockStorage();
        return page.goOn().catch((error) => error.message);
      })`)) as Gone;
    expect(same).toBe(whole.sha256);
    expect(notices).toEqual([
      "This browser keeps nothing of this page, as in some private windows: the training goes on, but not after a reload.",
    ]);
  });

  test.skipIf(reason).each(["version", "piece"])(
    "what is of another %s is forgotten quietly",
    async (what) => {
      const page = await opened();
      await call(page, "begin");
      await page.reload();
      await call(page, "spoil", what);
      const { from, sha256, notices } = await call<Gone>(page, "goOn");
      expect({ from, sha256, notices }).toEqual({ from: undefined, sha256: whole.sha256, notices: [] });
    },
  );

  test.skipIf(reason)("what cannot be read now stays as it is, and that is told", async () => {
    const page = await opened();
    const { frames } = await call<Begun>(page, "begin");
    await page.reload();
    const told = (why: string) => [
      `An earlier training is kept, but cannot be read now (${why}). It stays, so this training is not kept over a reload: reload the page to go on with the earlier one, or remove it with discard().`,
    ];
    await call(page, "block");
    const blind = await call<Gone>(page, "goOn");
    expect(blind).toMatchObject({ sha256: whole.sha256, notices: told("busy"), frames });
    expect(blind.from).toBeUndefined();
    // Where there is nothing, a training is kept all the same.
    const fresh = await call<Gone>(page, "goOn", { name: "fresh", deleteCheckpoint: false });
    expect(fresh.notices).toEqual([]);
    expect(Object.keys(fresh.frames)).toEqual(["fresh", "training"]);
    await page.evaluate("unblock()");
    const { from, sha256 } = await call<Gone>(page, "goOn", { deleteCheckpoint: false });
    expect({ from, sha256 }).toEqual({ from: frames.training!.epoch, sha256: whole.sha256 });
    await call(page, "spoil", "newer version");
    const older = await call<Gone>(page, "goOn");
    expect(older).toMatchObject({
      sha256: whole.sha256,
      notices: told("a newer version has kept it: reload the page to have that"),
    });
    expect(older.frames.training).toBeDefined();
  });

  test.skipIf(reason)("a training that diverges leaves what was kept before", async () => {
    const page = await opened();
    const { errors, epoch, finite, kept, left } = await call<{
      errors: string[];
      epoch: number;
      finite: boolean;
      kept: Frames;
      left: Frames;
    }>(page, "diverge");
    expect(errors).toEqual(["TrainingDivergedError"]);
    expect({ epoch, finite }).toEqual({ epoch: 1, finite: true });
    expect(Object.keys(kept)).toEqual(["diverges"]);
    expect(left).toEqual({});
  });
});
