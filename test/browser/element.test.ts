import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import type { WasmgradTrainer } from "../../src/element/index.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { namedModel } from "../../src/model/models.ts";
import { sequential } from "../../src/train/sequential.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { html, type Server, serve } from "./support/server.ts";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCRIPT = `<script type="module" src="/dist/element.js"></script>`;
const SMALL = `train="960" test="200" seed="7"`;
const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** Runs in the page: the first element, or the one of a number, and what it said so far. */
type Seen = { type: string; detail: Record<string, unknown> }[];
declare global {
  interface Window {
    seen: Seen;
    attacked?: unknown;
    axe: { run(root: unknown): Promise<{ violations: { id: string; impact: string; help: string }[] }> };
  }
}

/** Bodies of the test's pages, by name. */
const bodies = new Map<string, string>();
let isolated: Server;
let plain: Server;
let strict: Server;

beforeAll(async () => {
  const routes = {
    "/page": (request: { url?: string | undefined }, response: Parameters<typeof html>[0]) =>
      html(response, bodies.get(new URL(request.url!, "http://x").search.slice(1)) ?? ""),
    "/model.json": (_: unknown, response: Parameters<typeof html>[0]) =>
      void response.end(
        JSON.stringify([{ type: "flatten" }, { type: "dense", units: 10, activation: "softmax" }]),
      ),
  };
  [isolated, plain, strict] = await Promise.all([
    serve({ routes }),
    serve({ routes, isolated: false }),
    serve({ routes, headers: { "Content-Security-Policy": STRICT } }),
  ]);
});
afterAll(() => Promise.all([isolated, plain, strict].map((server) => server?.close())));

/** What Node makes of the same settings: the page must show these very numbers. */
async function inNode(epochs: number, seed = 7) {
  const key = `${epochs} ${seed}`;
  const result = known.get(key) ?? (await trainInNode(epochs, seed));
  known.set(key, result);
  return result;
}
const known = new Map<string, Awaited<ReturnType<typeof trainInNode>>>();

async function trainInNode(epochs: number, seed: number) {
  const { train, test } = await generateDigits({ train: 960, test: 200 });
  const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
  await model.compile({ threads: 1, seed });
  const { history } = await model.fit(train, {
    epochs,
    validationSplit: 0.2,
    restoreBestWeights: "val_accuracy",
  });
  const result = { history, test: await model.evaluate(test), sha256: await model.weightsSha256() };
  model.dispose();
  return result;
}

describe.each(BROWSERS)("<wasmgrad-trainer> in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;
  let opened: OpenPage | undefined;

  /** Opens a page with this in its body. */
  async function show(body: string, server = isolated, script = SCRIPT): Promise<Page> {
    const key = `p${bodies.size}`;
    bodies.set(key, body + script);
    opened = await open(name, `${server.origin}/page?${key}`);
    const { page } = opened;
    await page.waitForFunction(() => document.querySelector("wasmgrad-trainer")?.shadowRoot);
    await page.evaluate(() => {
      window.seen = [];
      for (const type of ["ready", "progress", "epoch", "complete", "error"])
        document.addEventListener(type, (event) => {
          const { detail } = event as CustomEvent<Record<string, unknown>>;
          window.seen.push({ type, detail: { ...detail, error: undefined } });
        });
    });
    return page;
  }
  afterEach(async () => {
    if (opened) await closePage(opened.page);
    opened = undefined;
  });

  const state = (page: Page, want: string, at = 0) =>
    page.waitForFunction(
      (want, at) => document.querySelectorAll<WasmgradTrainer>("wasmgrad-trainer")[at]!.state === want,
      { timeout: 20_000 },
      want,
      at,
    );
  /** All text that the element shows, hidden parts left out. */
  const shown = (page: Page, at = 0) =>
    page.evaluate((at) => {
      const { shadowRoot } = document.querySelectorAll("wasmgrad-trainer")[at]!;
      return (shadowRoot!.querySelector(".card") as HTMLElement).innerText.replaceAll("\u00a0", " ");
    }, at);
  const seen = (page: Page) => page.evaluate(() => window.seen);
  const types = async (page: Page) => (await seen(page)).map(({ type }) => type);
  const focused = (page: Page) =>
    page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent);
  const serious = async (page: Page) => {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() =>
      window.axe.run(document.querySelector("wasmgrad-trainer")),
    );
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  };

  it.skipIf(reason !== "")(`trains by one line of HTML, with the numbers that Node gives${why}`, async () => {
    const page = await show(`<wasmgrad-trainer ${SMALL} epochs="2" threads="2"></wasmgrad-trainer>`);
    expect(await shown(page)).toContain("7 layers · 121,930 parameters");
    await page.evaluate(() => void document.querySelector("wasmgrad-trainer")!.start());
    await state(page, "done");
    const events = await seen(page);
    const order = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(order).toEqual(["ready", "progress", "epoch", "progress", "epoch", "complete"]);
    expect(events[0]!.detail).toMatchObject({
      info: { backend: "simd", threads: 2, crossOriginIsolated: true },
      parameters: 121_930,
      trainImages: 768,
      validationImages: 192,
      testImages: 200,
    });
    const node = await inNode(2);
    const complete = events.at(-1)!.detail as {
      history: { history: unknown };
      test: unknown;
      stopped: boolean;
      result: { weightsSha256: string; images: object; configuration: object };
    };
    expect(complete.history.history).toEqual(node.history);
    expect(complete.test).toEqual(node.test);
    expect(complete.stopped).toBe(false);
    expect(complete.result).toMatchObject({
      weightsSha256: node.sha256,
      images: { test: 200 },
      configuration: { dataset: "digits", model: "keras-mnist", digitsTestCount: 200 },
    });
    const element = await page.evaluate(async () => {
      const { history, trainer } = document.querySelector("wasmgrad-trainer")!;
      return { history, sha256: await trainer!.weightsSha256(), parameters: trainer!.model.countParams() };
    });
    expect(element).toEqual({ history: node.history, sha256: node.sha256, parameters: 121_930 });
    const saved = await page.evaluate(async () => {
      const links: HTMLAnchorElement[] = [];
      HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
        links.push(this);
      };
      const root = document.querySelector("wasmgrad-trainer")!.shadowRoot!;
      [...root.querySelectorAll("button")].find(({ textContent }) => textContent === "Save model")!.click();
      while (links.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const bytes = new Uint8Array(await (await fetch(links[0]!.href)).arrayBuffer());
      return { name: links[0]!.download, bytes: [...bytes] };
    });
    expect(saved.name).toBe("digits-keras-mnist.safetensors");
    const { model, metadata } = readModel(Uint8Array.from(saved.bytes));
    await model.compile({ threads: 1 });
    expect(await model.weightsSha256()).toBe(node.sha256);
    model.dispose();
    expect(metadata).toMatchObject({ dataset: "digits", loss: "categoricalCrossentropy" });
    expect(metadata.classNames).toHaveLength(10);
    const text = await shown(page);
    expect(text).toContain(`${(100 * node.test.accuracy!).toFixed(2)} %`);
    expect(text).toContain("2 epochs, tested on 200 images");
    expect(text).toContain("simd · 2 threads · adam · batch 32 · seed 7");
    expect(opened!.errors).toEqual([]);
    expect(await serious(page)).toEqual([]);
  });

  it.skipIf(reason !== "")(`is worked by the keyboard: start, pause, resume, stop, again${why}`, async () => {
    const page = await show(`<wasmgrad-trainer ${SMALL} epochs="500"></wasmgrad-trainer>`);
    expect(await serious(page)).toEqual([]);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Start");
    await page.keyboard.press("Enter");
    await state(page, "training");
    expect(await focused(page)).toBe("Pause");
    expect(await serious(page)).toEqual([]);
    await page.keyboard.press(" ");
    await state(page, "paused");
    expect(await focused(page)).toBe("Resume");
    // A report may still be on its way; after that, none comes.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const count = (await seen(page)).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await seen(page)).length).toBe(count);
    await page.keyboard.press("Enter");
    await state(page, "training");
    await page.waitForFunction((count) => window.seen.length > count, {}, count);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Stop");
    await page.keyboard.press("Enter");
    await state(page, "done");
    // The button that had the focus is gone: the focus is not.
    expect(await focused(page)).toBe("Train again");
    expect(await shown(page)).toMatch(/Stopped\n[\s\S]*Stopped after \d+ epochs? of 500/);
    expect((await seen(page)).at(-1)).toMatchObject({ type: "complete", detail: { stopped: true } });
    await page.keyboard.press("Enter");
    await state(page, "training");
    await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.stop());
    await state(page, "done");
    expect(opened!.errors).toEqual([]);
  });

  it.skipIf(reason !== "")(`trains two at once, each for itself${why}`, async () => {
    const page = await show(
      `<wasmgrad-trainer ${SMALL} epochs="1" autostart></wasmgrad-trainer><wasmgrad-trainer train="960" test="200" seed="8" epochs="1" optimizer="sgd" learning-rate="0.05" model="/model.json" autostart></wasmgrad-trainer>`,
    );
    await state(page, "done", 0);
    await state(page, "done", 1);
    const histories = await page.evaluate(() =>
      Array.from(document.querySelectorAll("wasmgrad-trainer"), ({ history }) => history),
    );
    expect(histories[0]).toEqual((await inNode(1)).history);
    expect(histories[1]!.loss).toHaveLength(1);
    expect(histories[1]).not.toEqual(histories[0]);
    expect(await shown(page, 1)).toContain("2 layers · 7,850 parameters");
    expect(await shown(page, 1)).toContain("sgd 0.05");
    expect(opened!.errors).toEqual([]);
  });

  it.skipIf(reason)(`ends its workers when it leaves the page, goes on when it is moved${why}`, async () => {
    const page = await show(
      `<wasmgrad-trainer ${SMALL} epochs="500" autostart></wasmgrad-trainer><main></main>`,
    );
    await state(page, "training");
    const moved = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const { trainer } = element;
      document.querySelector("main")!.append(element);
      await new Promise((resolve) => setTimeout(resolve));
      return element.trainer === trainer && trainer!.state;
    });
    expect(moved).toBe("training");
    const left = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const { trainer } = element;
      element.remove();
      await new Promise((resolve) => setTimeout(resolve));
      const call = await trainer!.getWeights().catch((error: Error) => error.message);
      const start = await element.start().catch((error: Error) => error.message);
      element.removeAttribute("autostart");
      element.setAttribute("epochs", "1");
      document.body.append(element);
      return { trainer: trainer!.state, call, start, state: element.state, history: element.history.loss };
    });
    expect(left).toMatchObject({ trainer: "disposed", state: "idle", history: [] });
    expect(left.call).toContain("disposed");
    expect(left.start).toContain("not in a document");
    const again = await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.start());
    expect(again!.history.history).toEqual((await inNode(1)).history);
    expect(opened!.errors).toEqual([]);
  });

  it.skipIf(reason)(`says what is wrong with an attribute, and is well once it is mended${why}`, async () => {
    const page = await show(`<wasmgrad-trainer ${SMALL} epochs="three"></wasmgrad-trainer>`);
    expect(await shown(page)).toContain('he attribute epochs is "three", expected a whole number from 1');
    expect(await serious(page)).toEqual([]);
    await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.setAttribute("epochs", "2"));
    await state(page, "idle");
    expect(await shown(page)).toContain("2 epochs to train");
    for (const [attribute, value, message] of [
      ["model", '[{"type":"dense","units":3,"activation":"softmax"}]', "flatten"],
      ["model", '[{"type":"flatten"},{"type":"dense","units":3,"activation":"softmax"}]', "gives 3 outputs"],
      ["backend", "gpu", "one of auto, scalar"],
    ] as const) {
      await page.evaluate(
        (a, v) => document.querySelector("wasmgrad-trainer")!.setAttribute(a, v),
        attribute,
        value,
      );
      expect((await seen(page)).at(-1)).toMatchObject({ type: "error" });
      expect((await seen(page)).at(-1)!.detail.message).toContain(message);
      expect(await shown(page)).toContain(message);
      await page.evaluate((a) => document.querySelector("wasmgrad-trainer")!.removeAttribute(a), attribute);
      await state(page, "idle");
    }
    const missingFile = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      element.setAttribute("model", "nowhere.json");
      return element.start().catch((error: Error) => error.message);
    });
    expect(missingFile).toMatch(/the model file http:.*nowhere\.json cannot be loaded: HTTP 404/);
    await state(page, "error");
    expect(await shown(page)).toContain("nowhere.json");
  });

  it.skipIf(reason !== "")(`lets changes during training wait for the next start${why}`, async () => {
    const page = await show(`<wasmgrad-trainer ${SMALL} epochs="500"></wasmgrad-trainer>`);
    const rejected = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const running = element.start();
      const second = await element.start().catch((error: Error) => error.message);
      await new Promise((resolve) => element.addEventListener("epoch", resolve, { once: true }));
      element.setAttribute("epochs", "1");
      const meanwhile = element.state;
      element.stop();
      return { second, meanwhile, first: await running, text: element.shadowRoot!.textContent };
    });
    expect(rejected).toMatchObject({ meanwhile: "training", first: { stopped: true } });
    expect(rejected.second).toContain("a training is under way");
    expect(rejected.text).toContain("they apply at the next start");
    const next = await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.start());
    expect(next!.history.epoch).toEqual([0]);
    // What is done stays on show, and its trainer in use.
    const kept = await page.evaluate(async () => {
      const element = document.querySelector("wasmgrad-trainer")!;
      element.setAttribute("epochs", "500");
      const outputs = await element.trainer!.predict(new Uint8Array(784));
      return { state: element.state, outputs: outputs.length };
    });
    expect(kept).toEqual({ state: "done", outputs: 10 });
    // Stopped before the first step: no result, no error.
    const none = await page.evaluate(() => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const running = element.start();
      element.stop();
      return running.then((result) => [result, element.state]);
    });
    expect(none[1]).toBe("idle");
    expect(none[0] ?? undefined).toBeUndefined();
    expect(await types(page)).not.toContain("error");
  });

  it.skipIf(reason !== "")(`says so when its trainer ends, and can start again${why}`, async () => {
    const page = await show(`<wasmgrad-trainer ${SMALL} epochs="500"></wasmgrad-trainer>`);
    const message = await page.evaluate(() => {
      const element = document.querySelector("wasmgrad-trainer")!;
      element.addEventListener("ready", () => setTimeout(() => element.trainer!.dispose()), { once: true });
      return element.start().catch((error: Error) => error.message);
    });
    expect(message).toContain("disposed");
    await state(page, "error");
    expect(await shown(page)).toContain("disposed");
    const again = await page.evaluate(() => {
      const element = document.querySelector("wasmgrad-trainer")!;
      element.setAttribute("epochs", "1");
      return element.start();
    });
    expect(again!.history.epoch).toEqual([0]);
  });

  it.skipIf(reason)(`trains on one thread where the page is not isolated, and says so${why}`, async () => {
    const page = await show(
      `<wasmgrad-trainer ${SMALL} epochs="1" threads="2" autostart></wasmgrad-trainer>`,
      plain,
    );
    await state(page, "done");
    expect(await shown(page)).toMatch(/not cross-origin isolated[\s\S]*simd · 1 thread ·/);
    expect(await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.history)).toEqual(
      (await inNode(1)).history,
    );
    expect(opened!.errors).toEqual([]);
  });

  it.skipIf(reason !== "")(`works under a strict content security policy${why}`, async () => {
    const page = await show(
      `<wasmgrad-trainer ${SMALL} epochs="1" worker-url="/dist/browser/worker.js"></wasmgrad-trainer>`,
      strict,
    );
    const result = await page.evaluate(() => document.querySelector("wasmgrad-trainer")!.start());
    expect(result!.history.history).toEqual((await inNode(1)).history);
    const padding = await page.evaluate(
      () =>
        getComputedStyle(document.querySelector("wasmgrad-trainer")!.shadowRoot!.querySelector(".card")!)
          .padding,
    );
    expect(padding).toBe("20px");
    expect(opened!.errors).toEqual([]);
    const refused = await page.evaluate(() => {
      const element = document.querySelector("wasmgrad-trainer")!;
      element.removeAttribute("worker-url");
      return element.start().catch((error: Error) => error.message);
    });
    expect(refused).toMatch(/workerUrl|worker-src|Content-Security-Policy/);
  });

  it.skipIf(reason !== "")(`keeps foreign text as text${why}`, async () => {
    const attack = `"><img src=x onerror="window.attacked=1"><script>window.attacked=2</script>`;
    const page = await show(`<wasmgrad-trainer epochs="1"></wasmgrad-trainer>`);
    const found = await page.evaluate(async (attack) => {
      const element = document.querySelector("wasmgrad-trainer")!;
      const texts: string[] = [];
      const look = () => texts.push(element.shadowRoot!.textContent);
      for (const attribute of ["data", "optimizer", "model"]) {
        // A model with a dot or a slash is the address of a file.
        element.setAttribute(attribute, attack.replace(/[./]/g, ""));
        await Promise.resolve();
        look();
        element.removeAttribute(attribute);
      }
      const set = {
        images: new Uint8Array(64 * 784),
        labels: Uint8Array.from({ length: 64 }, (_, i) => i % 2),
        count: 64,
        shape: [28, 28, 1] as const,
      };
      element.data = { name: attack, classNames: [attack, `${attack}2`], train: set, test: set };
      element.setAttribute(
        "model",
        JSON.stringify({
          name: attack,
          layers: [
            { type: "flatten", name: attack.replaceAll("/", "") },
            { type: "dense", units: 2, activation: "softmax" },
          ],
        }),
      );
      await element.start();
      await new Promise((resolve) => setTimeout(resolve, 100));
      look();
      return {
        texts,
        tags: element.shadowRoot!.querySelectorAll("img, script").length,
        attacked: window.attacked,
      };
    }, attack);
    expect(found.attacked).toBeUndefined();
    expect(found.tags).toBe(0);
    for (const text of found.texts) expect(text).toContain(`"><img src=x onerror=`);
  });

  it.skipIf(reason !== "")(
    `takes colours, parts and the page's colour scheme from the page${why}`,
    async () => {
      const page = await show(
        `<style>
        wasmgrad-trainer { --wasmgrad-accent: rgb(1, 2, 3) }
        wasmgrad-trainer::part(card) { border-top-width: 7px }
        main { color-scheme: dark }
      </style><wasmgrad-trainer></wasmgrad-trainer><main><wasmgrad-trainer></wasmgrad-trainer></main>`,
      );
      const styles = await page.evaluate(() =>
        Array.from(document.querySelectorAll("wasmgrad-trainer"), ({ shadowRoot }) => {
          const card = getComputedStyle(shadowRoot!.querySelector(".card")!);
          const button = getComputedStyle(shadowRoot!.querySelector("button")!);
          return [button.backgroundColor, card.borderTopWidth, card.backgroundColor];
        }),
      );
      expect(styles).toEqual([
        ["rgb(1, 2, 3)", "7px", "rgb(255, 255, 255)"],
        ["rgb(1, 2, 3)", "7px", "rgb(23, 28, 36)"],
      ]);
    },
  );
});
