import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { LONG_TASK_MS, taskTimes } from "./support/page-tasks.ts";
import { type Server, serve } from "./support/server.ts";

// What the page's own thread does is counted, in turns of its event loop, and its tasks' time on the processor is read from
// Chromium's trace: neither depends on how busy the machine is.
const reason = missing("chromium");

/** More than a piece of a dataset, much less than all of it. */
const TURN_BYTES = 2.1 * 2 ** 20;

interface Counted {
  readonly turns: number[];
  readonly instances: number;
}

describe.skipIf(reason)(`the page's thread in chromium${reason && `: ${reason}`}`, () => {
  let server: Server;
  let opened: OpenPage;
  beforeAll(async () => {
    server = await serve();
    opened = await open("chromium", `${server.origin}/empty.html`);
  });
  afterAll(async () => {
    await closePage(opened.page);
    await server.close();
  });

  /** Runs a function of pages/blocking.js: its result, and the page's tasks meanwhile. */
  async function call<T>(name: string): Promise<{ result: T; times: number[] }> {
    let result: T | undefined;
    const times = await taskTimes(opened.page, async () => {
      result = (await opened.page.evaluate(
        `import("/test/browser/pages/blocking.js").then((page) => page.${name}())`,
      )) as T;
    });
    return { result: result as T, times };
  }
  const long = (times: number[]) => times.filter((time) => time > LONG_TASK_MS);

  test("loading a dataset never blocks it for 50 ms: the worker's arrays are handed over", async () => {
    const { result, times } = await call<Counted>("load");
    expect(times.length).toBeGreaterThan(5);
    expect(long(times)).toEqual([]);
    expect(Math.max(...result.turns)).toBeLessThan(1000);
    expect(result.instances).toBe(0);
  });

  test("training never blocks it for 50 ms: 47 MB of images go over piece by piece, and no kernel runs here", async () => {
    await call("prepare");
    const { result, times } = await call<Counted & { trainedSamples: number }>("train");
    expect(result.trainedSamples).toBeGreaterThan(1000);
    expect(long(times)).toEqual([]);
    expect(result.turns.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(47_000_000);
    expect(Math.max(...result.turns)).toBeLessThan(TURN_BYTES);
    expect(result.instances).toBe(0);
    expect(opened.errors).toEqual([]);
  });

  test("keeping a training of 43 MB over a reload never blocks it for 50 ms", async () => {
    const { result, times } = await call<Counted & { kept: number }>("keep");
    expect(result.kept).toBeGreaterThanOrEqual(6);
    expect(long(times)).toEqual([]);
    expect(result.instances).toBe(0);
  });

  test("a task that is long on purpose, a kernel and many bytes on the page are found", async () => {
    const { result, times } = await call<Counted>("misbehave");
    expect(long(times)).toHaveLength(1);
    expect(Math.max(...result.turns)).toBeGreaterThan(TURN_BYTES);
    expect(result.instances).toBe(1);
  });
});
