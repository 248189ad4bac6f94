import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { html, type Server, serve } from "./support/server.ts";

// What docs/browser.md and docs/element.md tell people to write is run as it stands there.
const root = fileURLToPath(new URL("../../", import.meta.url));
const docs = (name: string) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, code]) => code!);

let server: Server;

beforeAll(async () => {
  const [example] = blocks(docs("browser"), "js");
  const { outputFiles } = await build({
    stdin: { contents: example!, resolveDir: root },
    bundle: true,
    format: "esm",
    write: false,
    // As in a project of its own: the checkout's tsconfig.json sends #platform to Node's file.
    tsconfigRaw: {},
  });
  const embed = blocks(docs("element"), "html")[0]!.replace(/https:\/\/[^"]*\/npm\/wasmgrad\//, "/");
  server = await serve({
    routes: {
      "/api": (_, response) => html(response, `<script type="module" src="/api.js"></script>`),
      "/api.js": (_, response) => {
        response.setHeader("Content-Type", "text/javascript; charset=utf-8");
        response.end(outputFiles[0]!.text);
      },
      "/embed": (_, response) => html(response, embed),
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
