import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

let server: Server;
const loads: string[] = [];

beforeAll(async () => {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>static</title>
    <script src="/docs/cross-origin-isolation.js"></script>
    <wasmgrad-trainer train="960" test="200" epochs="1" threads="2"></wasmgrad-trainer>
    <script type="module" src="/dist/element.js"></script>`;
  server = await serve({
    isolated: false,
    // A worker may answer for its own folder only, unless its answer says otherwise.
    headers: { "Service-Worker-Allowed": "/" },
    routes: {
      "/docs/page": (_, response) => {
        loads.push("page");
        response.setHeader("Content-Type", "text/html; charset=utf-8");
        response.end(page);
      },
    },
  });
});
afterAll(() => server?.close());

describe.each(BROWSERS)("a host that sets no headers, in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;

  it.skipIf(reason !== "")(`has threads by a service worker, after loading once more${why}`, async () => {
    loads.length = 0;
    const { page, errors } = await open(name, `${server.origin}/docs/page`);
    await page.waitForFunction(
      () => crossOriginIsolated && document.querySelector("wasmgrad-trainer")?.shadowRoot,
    );
    expect(loads).toHaveLength(2);
    const result = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const done = await element.start();
      return { threads: element.trainer!.info.threads, images: done!.history.trainedSamples };
    });
    expect(result).toEqual({ threads: 2, images: 768 });
    // The next visit is isolated at once.
    await page.goto(`${server.origin}/docs/page`);
    await page.waitForFunction(() => document.querySelector("wasmgrad-trainer")?.shadowRoot);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(loads).toHaveLength(3);
    // A forced reload passes the worker over: the page notices, and loads once more.
    if (name === "chromium") {
      await page.reload({ ignoreCache: true } as object);
      await page.waitForFunction(() => crossOriginIsolated);
    }
    expect(errors).toEqual([]);
    await closePage(page);
  });
});
