import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportHtml } from "../../src/report/index.ts";
import { tempFolder, wasmgrad, writeBars, writeModel } from "../cli/helpers.ts";
import { withText } from "../report/hostile.ts";
import { sampleReport } from "../report/sample.ts";
import { BROWSERS, closePage, missing, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// What test/report holds with a parser of its own, real browsers have to agree with: their parsers repair and guess.
const ATTACKS = [
  `<script>window.attacked=1</script>`,
  `"><img src=x onerror=window.attacked=1>`,
  `' onmouseover='window.attacked=1' autofocus onfocus='window.attacked=1`,
  `</title></style></textarea></svg></table><svg onload=window.attacked=1>`,
  `<!--><script>window.attacked=1</script>-->`,
  `&lt;script&gt;window.attacked=1&lt;/script&gt; &#60;img src=x onerror=window.attacked=1&#62;`,
  `<iframe srcdoc="<script>parent.attacked=1</script>"></iframe><base href="//example.org/">`,
  `javascript:window.attacked=1`,
  `\u0000<\u0000script>window.attacked=1</script>`,
];

/** Every element with the names of its attributes, and what must not be there. */
function structure(page: Page) {
  return page.evaluate(() => {
    const all = [...document.querySelectorAll("*")];
    // Pressed, pointed at and looked at: handlers that were smuggled in would run now.
    for (const element of all)
      for (const type of ["mouseover", "focus", "click", "error", "load"])
        element.dispatchEvent(new Event(type, { bubbles: true }));
    return {
      // Names may break at their dots: how many <wbr> there are depends on the name.
      elements: all
        .map((e) => `${e.localName}[${[...e.attributes].map(({ name }) => name)}]`)
        .filter((text) => text !== "wbr[]"),
      handlers: all.flatMap((e) => [...e.attributes].filter(({ name }) => name.startsWith("on"))).length,
      links: all.flatMap((e) =>
        [...e.attributes].filter(
          ({ name, value }) => /^(src|href|action)$/.test(name) && !value.startsWith("data:"),
        ),
      ).length,
      attacked: (window as { attacked?: unknown }).attacked ?? "no",
      title: document.title,
    };
  });
}

const pages = new Map<string, string>();
let server: Server;
let produced: { report: string; svgs: string[]; attack: string };

/** The report without its content security policy: what it says must be harmless by itself. */
const unprotected = (html: string) =>
  html.replace(
    /<meta http-equiv="Content-Security-Policy"[^>]*>/,
    '<meta name="referrer" content="no-referrer">',
  );

beforeAll(async () => {
  const benign = unprotected(reportHtml(withText(sampleReport(), () => "x".repeat(20))));
  pages.set("/benign", benign);
  ATTACKS.forEach((attack, i) => {
    pages.set(`/${i}`, unprotected(reportHtml(withText(sampleReport(), () => attack))));
  });
  const routes = Object.fromEntries(
    [...pages].map(([path, html]) => [
      path,
      (
        _: unknown,
        response: { setHeader(name: string, value: string): unknown; end(text: string): unknown },
      ) => {
        response.setHeader("Content-Type", "text/html; charset=utf-8");
        response.end(html);
      },
    ]),
  );
  server = await serve({ routes });

  // The whole way: names of a folder, its classes, a model and its layers, through the command line to the files.
  const attack = `"><img src=x onerror=window.attacked=1>`;
  const folder = await tempFolder();
  const data = join(folder, `data ${attack}`);
  await writeBars(data, {
    train: 60,
    test: 12,
    classNames: [attack, "<script>window.attacked=1</script>", "' onload='x"],
  });
  await writeModel(join(folder, `model ${attack}.json`), [
    { type: "conv2d", name: attack, filters: 2, kernelSize: 3, activation: "relu" },
    { type: "flatten" },
    { type: "dense", units: 3, activation: "softmax" },
  ]);
  const out = join(folder, "run");
  const args = [
    "train",
    "--dataset",
    data,
    "--model",
    `./model ${attack}.json`,
    "--epochs",
    "1",
    "--out",
    out,
  ];
  const done = await wasmgrad(args, { cwd: folder });
  if (done.status !== 0) throw new Error(done.stderr);
  produced = {
    report: join(out, "report.html"),
    svgs: (await readdir(out)).filter((file) => file.endsWith(".svg")).map((file) => join(out, file)),
    attack,
  };
});
afterAll(() => server?.close());

describe.each(BROWSERS)("report.html in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;

  it.skipIf(reason !== "")(
    `has the same elements whatever names it shows, and nothing runs${why}`,
    async () => {
      const { page, errors } = await open(name, `${server.origin}/benign`);
      const benign = await structure(page);
      expect(benign.elements.length).toBeGreaterThan(200);
      expect(benign).toMatchObject({ handlers: 0, links: 0, attacked: "no" });
      for (const [i, attack] of ATTACKS.entries()) {
        await page.goto(`${server.origin}/${i}`);
        const hostile = await structure(page);
        expect(hostile.elements).toEqual(benign.elements);
        expect(hostile).toMatchObject({ handlers: 0, links: 0, attacked: "no" });
        // Shown as it is, but for control characters: text, not markup.
        expect(hostile.title).toContain(
          attack
            .replace(/\p{Cc}/gu, "")
            .slice(0, 20)
            .trim(),
        );
      }
      expect(errors).toEqual([]);
      await closePage(page);
    },
  );

  it.skipIf(reason !== "")(`of a run with hostile names is harmless, as its pictures are${why}`, async () => {
    const html = await readFile(produced.report, "utf8");
    expect(html).toContain("&lt;img src=x");
    expect(html).not.toContain("<img src=x");
    const { page, errors } = await open(name, pathToFileURL(produced.report).href);
    expect(await structure(page)).toMatchObject({ handlers: 0, links: 0, attacked: "no" });
    const text = await page.evaluate(() => document.body.innerText);
    expect(text).toContain(produced.attack);
    expect(text).toContain("<script>window.attacked=1</script>");
    expect(produced.svgs).toHaveLength(2);
    for (const svg of produced.svgs) {
      await page.goto(pathToFileURL(svg).href);
      expect(await structure(page)).toMatchObject({ handlers: 0, links: 0, attacked: "no" });
    }
    expect(errors).toEqual([]);
    await closePage(page);
  });
});

describe("the attacks", () => {
  it.skipIf(missing("chromium") !== "")("would work, were names not escaped", async () => {
    const { page } = await open("chromium", `${server.origin}/benign`);
    const attacked = [];
    for (const attack of ATTACKS.slice(0, 2)) {
      await page.setContent(`<!doctype html><p>${attack}</p>`);
      attacked.push(await page.evaluate(() => (window as { attacked?: unknown }).attacked));
      await page.goto(`${server.origin}/benign`);
    }
    expect(attacked).toEqual([1, 1]);
    await closePage(page);
  });
});
