import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { html, type Route, type Server, serve } from "./support/server.ts";

// What docs/browser.md and docs/element.md tell people to write is run as it stands there.
const root = fileURLToPath(new URL("../../", import.meta.url));
const docs = (name: string) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, code]) => code!);

let server: Server;

async function bundled(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    format: "esm",
    write: false,
    // As in a project of its own: the checkout's tsconfig.json sends #platform to Node's file.
    tsconfigRaw: {},
  });
  return outputFiles[0]!.text;
}

/** A page that runs a module, at `/NAME`. */
function pageOf(name: string, code: string): Record<string, Route> {
  return {
    [`/${name}`]: (_, response) => html(response, `<script type="module" src="/${name}.js"></script>`),
    [`/${name}.js`]: (_, response) => {
      response.setHeader("Content-Type", "text/javascript; charset=utf-8");
      response.end(code);
    },
  };
}

beforeAll(async () => {
  const [api, states, backup, ownData] = blocks(docs("browser"), "js");
  const local = (code: string) => code.replace(/https:\/\/[^"]*\/npm\/wasmgrad\//, "/");
  const embed = local(blocks(docs("element"), "html")[0]!);
  const plain = local(blocks(docs("browser"), "html").find((code) => code.includes("importmap"))!);
  server = await serve({
    routes: {
      ...pageOf("api", await bundled(api!)),
      ...pageOf("states", await bundled(states!)),
      ...pageOf("backup", await bundled(backup!)),
      ...pageOf("own-data", await bundled(ownData!)),
      "/embed": (_, response) => html(response, embed),
      "/plain": (_, response) => html(response, plain),
    },
  });
});
afterAll(() => server?.close());

describe.each(BROWSERS)("the documentation's code in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;

  it.skipIf(reason !== "")(`trains by the API as it is written there${why}`, async () => {
    const { page, errors } = await open(name, "about:blank");
    const printed = new Promise<string>((resolve) => {
      page.on("console", (message) => {
        if (message.type() === "log") resolve(message.text());
      });
    });
    await page.goto(`${server.origin}/api`);
    const [threads] = (await printed).split(" ");
    expect(Number(threads)).toBeGreaterThanOrEqual(1);
    const title = await page.evaluate(() => document.title);
    expect(title).toMatch(/^epoch 2, loss \d\.\d{3}, \d+ images\/s$/);
    expect(Number(title.match(/loss ([\d.]+)/)![1])).toBeLessThan(0.6);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  it.skipIf(reason !== "")(`goes on from a training's state as it is written there${why}`, async () => {
    const { page, errors } = await open(name, `${server.origin}/states`);
    await page.waitForFunction(() => /accuracy 0\.\d/.test(document.body.textContent!));
    const text = await page.evaluate(() => document.body.textContent!);
    expect(text).toMatch(/^after 3 epochs: /);
    expect(Number(/accuracy (0\.\d+)/.exec(text)![1])).toBeGreaterThan(0.5);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  it.skipIf(reason !== "")(`keeps a training over a reload as it is written there${why}`, async () => {
    const { page, errors } = await open(name, "about:blank");
    // Its epochs are too short to be met: the page is left as soon as the training is kept.
    await page.evaluateOnNewDocument(() => {
      if (!location.host || localStorage.left) return;
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...args) {
        const request = put.apply(this, args);
        this.transaction.addEventListener("complete", () => {
          if (localStorage.left) return;
          localStorage.left = true;
          // Nor may the training end before the page is gone, which takes what is kept away.
          Worker.prototype.postMessage = () => {};
          location.reload();
        });
        return request;
      };
    });
    await page.goto(`${server.origin}/backup`);
    await page.waitForFunction(() => /accuracy 0\.\d/.test(document.body.textContent!));
    const text = await page.evaluate(() => document.body.textContent!);
    expect(text).toMatch(/^goes on in epoch [23]; after 3 epochs: accuracy 0\.\d/);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  it.skipIf(reason !== "")(`trains on data of one's own as it is written there${why}`, async () => {
    const { page, errors } = await open(name, "about:blank");
    const printed = new Promise<{ accuracy: number; circle: number; square: number }>((resolve) => {
      page.on("console", async (message) => {
        if (message.type() !== "log") return;
        const [accuracy, answer] = await Promise.all(message.args().map((arg) => arg.jsonValue()));
        resolve({ accuracy: Number(accuracy), ...(answer as { circle: number; square: number }) });
      });
    });
    await page.goto(`${server.origin}/own-data`);
    const { accuracy, circle, square } = await printed;
    expect(accuracy).toBeGreaterThan(0.85);
    expect(circle).toBeGreaterThan(0.5);
    expect(circle + square).toBeCloseTo(1, 4);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  it.skipIf(reason !== "")(`trains from a plain script with an import map${why}`, async () => {
    const { page, errors } = await open(name, `${server.origin}/plain`);
    await page.waitForFunction(() => /accuracy 0\.\d/.test(document.body.textContent!));
    const text = await page.evaluate(() => document.body.textContent!);
    expect(Number(/accuracy (0\.\d+)/.exec(text)![1])).toBeGreaterThan(0.3);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  it.skipIf(reason !== "")(`shows an element by the line that is written there${why}`, async () => {
    const { page, errors } = await open(name, `${server.origin}/embed`);
    await page.waitForFunction(() => document.querySelector("wasmgrad-trainer")?.shadowRoot);
    const text = await page.evaluate(
      () => document.querySelector("wasmgrad-trainer")!.shadowRoot!.textContent,
    );
    expect(text).toContain("121,930 parameters");
    expect(text).toContain("3 epochs to train");
    expect(errors).toEqual([]);
    await closePage(page);
  });
});
