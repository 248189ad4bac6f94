import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterEach, describe, expect, test } from "vitest";
import { type PageServer, serveFolder } from "../../src/cli/serve/server.ts";
import {
  dropFiles,
  fetched,
  openApp,
  PAGE_FOLDER,
  savedFile,
  servePage,
  textOf,
  train,
  violations,
  waitForText,
} from "./page-support.ts";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { serve } from "./support/server.ts";

const SMALL = "images=600&model=mlp&batchSize=20&epochs=2";

servePage();

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that a test ends itself, and starts again at the same port. */
async function host(
  folder = PAGE_FOLDER,
  isolation = true,
  port = 0,
): Promise<PageServer & { port: number }> {
  const server = await serveFolder(folder, { port, isolation });
  closing.push(() => server.close().catch(() => {}));
  return { ...server, port: Number(new URL(server.url).port) };
}

async function copyOfPage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-page-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  await cp(PAGE_FOLDER, folder, { recursive: true });
  return folder;
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, "utf8")));
}

/** Trains anew, and returns the engine that did. */
async function trainAgain(page: Page): Promise<string> {
  await page.waitForSelector(".samples canvas");
  await page.click((await textOf(page, "#train")) === "Train" ? "#train" : "#restart");
  await waitForText(page, "#status", /2 epochs trained/);
  return textOf(page, "#engine");
}

/** What Chromium says of requests without a server that are not the page's: for a new worker at each load, for its icon. */
const OFFLINE_ERRORS =
  /^(An unknown error occurred when fetching the script\.|Failed to load resource: net::ERR_CONNECTION_REFUSED)$/;

const cacheNames = (page: Page) =>
  page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("wasmgrad-page")));

describe.each(BROWSERS)("without a network, in %s", (browser) => {
  test.skipIf(missing(browser))("a page that was visited once trains, and loads again", async () => {
    const server = await host();
    const { page, errors } = await openApp(browser, { url: server.url, fragment: SMALL });
    await page.waitForSelector("#offline");
    await server.close();
    const engine = await trainAgain(page);
    // Settings are applied that were not tried before: another build of the kernels.
    await page.click("#advanced summary");
    await page.select("[name=backend]", "scalar");
    expect(await trainAgain(page)).toMatch(/^scalar/);

    await page.reload();
    await page.waitForSelector("#status");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.select("[name=backend]", "auto");
    expect(await trainAgain(page)).toBe(engine);
    await page.click("#tab-results");
    await waitForText(page, "#test-accuracy", /%/);
    expect(await violations(page)).toEqual([]);
    expect(errors.filter((error) => !OFFLINE_ERRORS.test(error))).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "formats of models come when they are first used, and work from then on; others say why they do not",
    async () => {
      const server = await host();
      const { page } = await openApp(browser, { url: server.url, fragment: SMALL });
      await page.waitForSelector("#offline");
      const kept = () =>
        page.evaluate(async () => {
          const [name] = (await caches.keys()).filter((name) => name.startsWith("wasmgrad-page"));
          return (await (await caches.open(name!)).keys()).map(({ url }) => url.replace(/.*\//, ""));
        });
      const first = await kept();
      expect(first.filter((name) => /^(predict(-all)?|read|write)-[\w-]{8}\.js$/.test(name))).toEqual([]);
      await train(page);
      await page.click("#tab-results");
      const save = async (format: string, count: number) => {
        await page.select("#save-as", format);
        await page.click("#save-model");
        return (await savedFile(page, count)).bytes;
      };
      const own = await save("wasmgrad", 1);
      const onnx = await save("onnx", 2);
      await expect.poll(async () => (await kept()).length).toBeGreaterThan(first.length);
      await server.close();

      await page.reload();
      await page.waitForSelector("#status");
      await dropFiles(page, [{ name: "mine.safetensors", bytes: own }]);
      await waitForText(page, "#notices", /mine\.safetensors is loaded/);
      await page.click("#tab-results");
      expect(Buffer.compare(await save("onnx", 1), onnx)).toBe(0);
      await page.select("#save-as", "js");
      await page.click("#save-model");
      await waitForText(page, "#notices", /its server does not answer: try again with a network/);
      await dropFiles(page, [{ name: "other.onnx", bytes: onnx }]);
      await waitForText(
        page,
        "#notices",
        /other\.onnx: This format needs code that the page loads when it is first used/,
      );
    },
  );

  test.skipIf(missing(browser))(
    "a new version shows at the next load, and the old one is removed",
    async () => {
      const folder = await copyOfPage();
      const old = await host(folder);
      const { page } = await openApp(browser, { url: old.url, fragment: SMALL });
      await page.waitForSelector("#offline");
      const [first] = await cacheNames(page);
      await old.close();

      // As a build writes it: another page, another script, another list of files.
      const index = await readFile(join(folder, "index.html"), "utf8");
      const script = /assets\/(index-[\w-]+\.js)/.exec(index)![1]!;
      await edit(join(folder, "index.html"), (text) => text.replaceAll(script, "index-NEW.js"));
      await cp(join(folder, "assets", script), join(folder, "assets/index-NEW.js"));
      await edit(join(folder, "assets/index-NEW.js"), (text) =>
        text.replace("Ready to train", "Ready for more"),
      );
      for (const name of ["bench", "html"]) {
        const chunk = new RegExp(`assets/(${name}-[\\w-]+\\.js)`).exec(
          await readFile(join(folder, "offline.js"), "utf8"),
        )![1]!;
        await edit(join(folder, "assets", chunk), (text) => text.replaceAll(script, "index-NEW.js"));
      }
      await rm(join(folder, "assets", script));
      await edit(join(folder, "offline.js"), (text) =>
        text.replaceAll(script, "index-NEW.js").replace(/(\$\{\w+\})[0-9a-f]{12}(`)/, "$1cafecafecafe$2"),
      );
      const server = await host(folder, true, old.port);
      await page.reload();
      await waitForText(page, "#status", /^Ready for more$/);
      await page.waitForFunction(
        async () =>
          (await caches.keys()).every(
            (name) => !name.startsWith("wasmgrad-page") || name.endsWith("cafecafecafe"),
          ),
        { polling: 200 },
      );
      expect(first).not.toMatch(/cafecafecafe$/);
      expect(await cacheNames(page)).toHaveLength(1);

      await server.close();
      await page.reload();
      await waitForText(page, "#status", /^Ready for more$/);
      await trainAgain(page);
    },
  );

  test.skipIf(missing(browser))(
    "kept files take the server's headers of the day: threads, or none",
    async () => {
      const plain = await host(PAGE_FOLDER, false);
      const { page, errors } = await openApp(browser, { url: plain.url, fragment: SMALL });
      await page.waitForSelector("#offline");
      expect(await trainAgain(page)).toBe("simd, 1 thread");
      await plain.close();
      const isolated = await host(PAGE_FOLDER, true, plain.port);
      await page.reload();
      await page.waitForSelector("#status");
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const cores = await page.evaluate(() => navigator.hardwareConcurrency);
      expect(await trainAgain(page)).toBe(cores > 1 ? `simd, ${cores} threads` : "simd, 1 thread");
      await isolated.close();
      await host(PAGE_FOLDER, false, plain.port);
      await page.reload();
      await page.waitForSelector("#status");
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      expect(await trainAgain(page)).toBe("simd, 1 thread");
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("a network that leads nowhere is not waited for", async () => {
    const folder = await copyOfPage();
    const page = await readFile(join(folder, "index.html"), "utf8");
    let reached = true;
    const server = await serve({
      root: folder,
      routes: {
        "/": (_, response) =>
          void (reached && response.setHeader("Content-Type", "text/html; charset=utf-8").end(page)),
      },
    });
    closing.push(() => server.close());
    const opened = await openApp(browser, { url: `${server.origin}/`, fragment: SMALL });
    await opened.page.waitForSelector("#offline");
    await fetched(opened.page);
    reached = false;
    await opened.page.reload();
    await trainAgain(opened.page);
    expect(opened.errors).toEqual([]);
  });

  test.skipIf(missing(browser))("where the storage fails, the page comes from its server", async () => {
    const folder = await copyOfPage();
    await edit(
      join(folder, "offline.js"),
      (text) => `let full = false;
        const open = caches.open.bind(caches);
        const fail = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
        caches.open = (name) => (full ? fail() : open(name));
        addEventListener("message", ({ data }) => { full ||= data === "full"; });
        ${text}`,
    );
    const server = await host(folder);
    const { page, errors } = await openApp(browser, { url: server.url, fragment: SMALL });
    await page.waitForSelector("#offline");
    await page.evaluate(() => navigator.serviceWorker.controller!.postMessage("full"));
    await fetched(page);
    await page.reload();
    await trainAgain(page);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("a page of another version is not kept for this one", async () => {
    const folder = await copyOfPage();
    // As on a host that is being changed: the new page, and the worker of before.
    const index = await readFile(join(folder, "index.html"), "utf8");
    const script = /assets\/(index-[\w-]+\.js)/.exec(index)![1]!;
    await cp(join(folder, "assets", script), join(folder, "assets/index-NEW.js"));
    await edit(join(folder, "index.html"), (text) => text.replaceAll(script, "index-NEW.js"));
    const server = await host(folder);
    const { page } = await openApp(browser, { url: server.url, fragment: SMALL });
    const state = await page.evaluate(async () => {
      const { installing, waiting, active } = await navigator.serviceWorker.register("offline.js");
      const worker = (installing ?? waiting ?? active)!;
      while (!["redundant", "activated"].includes(worker.state))
        await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
      return worker.state;
    });
    expect(state).toBe("redundant");
    expect(await cacheNames(page)).toEqual([]);
  });

  test.skipIf(missing(browser))("a host whose own worker adds the headers keeps it", async () => {
    const folder = await copyOfPage();
    await cp(
      new URL("../../docs/cross-origin-isolation.js", import.meta.url),
      join(folder, "cross-origin-isolation.js"),
    );
    await edit(join(folder, "index.html"), (text) =>
      text.replace("<head>", `<head><script src="cross-origin-isolation.js"></script>`),
    );
    const page = await readFile(join(folder, "index.html"), "utf8");
    const server = await serve({
      root: folder,
      isolated: false,
      routes: { "/": (_, response) => void response.setHeader("Content-Type", "text/html").end(page) },
    });
    closing.push(() => server.close());
    // It loads itself again, so nothing may be waited for in the meantime but the end of it.
    const opened = await open(browser, `${server.origin}/#${SMALL}`);
    closing.push(() => closePage(opened.page));
    await opened.page.waitForFunction(() => crossOriginIsolated && document.querySelector(".samples canvas"));
    const cores = await opened.page.evaluate(() => navigator.hardwareConcurrency);
    expect(await trainAgain(opened.page)).toBe(cores > 1 ? `simd, ${cores} threads` : "simd, 1 thread");
    await opened.page.goto("about:blank");
    await opened.page.goto(`${server.origin}/#${SMALL}`);
    await opened.page.waitForFunction(() => crossOriginIsolated && document.querySelector(".samples canvas"));
    const scripts = await opened.page.evaluate(async () =>
      (await navigator.serviceWorker.getRegistrations()).map(({ active }) => active?.scriptURL),
    );
    expect(scripts).toEqual([`${server.origin}/cross-origin-isolation.js`]);
  });
});

describe("where there are no service workers, in chromium", () => {
  test.skipIf(missing("chromium"))("what trains is there before it is asked for", async () => {
    const server = await host();
    const opened = await openApp("chromium", { url: server.url, fragment: SMALL, serviceWorkers: false });
    await fetched(opened.page);
    await server.close();
    await train(opened.page);
    expect(await opened.page.$("#offline")).toBeNull();
  });
});
