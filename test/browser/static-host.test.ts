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
    // A forced reload passes the worker over: the page notices, and loads once more. Nothing that it noted in its session
    // counts, which may be of another time where the browser changes the process.
    if (name === "chromium") {
      await page.goto(`${server.origin}/docs/page?a=1#b`);
      await page.evaluate(() => sessionStorage.setItem("isolating", "yes"));
      loads.length = 0;
      await page.reload({ ignoreCache: true } as object);
      await page.waitForFunction(() => crossOriginIsolated);
      expect(page.url()).toBe(`${server.origin}/docs/page?a=1#b`);
      expect(loads).toHaveLength(2);
    }
    expect(errors).toEqual([]);
    await closePage(page);
  });
});

it.skipIf(missing("chromium"))(
  "stays isolated when it is reloaded; where developers' tools pass the worker over, it is loaded once more, not for ever, in chromium",
  async () => {
    const { page } = await open("chromium", `${server.origin}/docs/page`);
    await page.waitForFunction(
      () => crossOriginIsolated && document.querySelector("wasmgrad-trainer")?.shadowRoot,
    );
    // The page of before the isolation is in no memory of the browser's that it would show here.
    await page.reload();
    await page.waitForFunction(() => crossOriginIsolated);
    await page.goto(`${server.origin}/docs/page?a`);
    const tools = await page.createCDPSession();
    await tools.send("Network.enable");
    await tools.send("Network.setBypassServiceWorker", { bypass: true });
    loads.length = 0;
    await page.reload();
    // It is there to be trained with, on one thread.
    await page.waitForFunction(
      () =>
        !crossOriginIsolated &&
        performance.getEntriesByType("navigation")[0]?.toJSON().type === "navigate" &&
        document.querySelector("wasmgrad-trainer")?.shadowRoot,
    );
    await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.start());
    expect(loads).toHaveLength(2);
    await closePage(page);
  },
);
