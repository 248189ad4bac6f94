import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PageServer, serveFolder } from "../../src/cli/serve/server.ts";
import { generateDigits } from "../../src/data/digits.ts";
import { readModel } from "../../src/formats/model-file.ts";
import { namedModel } from "../../src/model/models.ts";
import { sequential } from "../../src/train/sequential.ts";
import { PAGE_FOLDER } from "./page-support.ts";
import { type Server, serve } from "./support/server.ts";
import { missingWebKit, startWebKit, type WebKit } from "./support/webkit.ts";

// WebKitGTK isolates pages as they ask for it, and yet has no SharedArrayBuffer; and what it calls the visitor's language
// is no language tag where LANG is C.UTF-8.
const GOLDEN: string = JSON.parse(readFileSync(new URL("bits.json", import.meta.url), "utf8")).sha256;
const reason = missingWebKit();
const why = reason && `: ${reason}`;

describe.skipIf(reason)(`webkit${why}`, () => {
  let browser: WebKit;
  let server: Server;
  beforeAll(async () => {
    server = await serve();
    browser = await startWebKit({ LANG: "C.UTF-8" });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test("is the browser that these tests are about", async () => {
    await browser.open(`${server.origin}/empty.html`);
    const found = await browser.evaluate(
      "return { language: navigator.language, isolated: crossOriginIsolated, shared: typeof SharedArrayBuffer }",
    );
    expect(found).toEqual({ language: "C", isolated: true, shared: "undefined" });
  });

  test.each([
    { threads: 1, worker: true },
    { threads: 2, worker: true },
    { threads: 2, worker: false },
  ])("gives the golden weights: $threads threads wanted, in a worker: $worker", async (how) => {
    await browser.open(`${server.origin}/empty.html`);
    const result = await browser.evaluate(
      `const { train } = await import("/test/browser/pages/bits.js");
      return train(await import("/dist/wasmgrad.js"), args[0]);`,
      how,
    );
    expect(result).toMatchObject({ backend: "simd", threads: 1, sha256: GOLDEN });
  });

  test("says once that one thread computes, and that it is the browser's affair", async () => {
    await browser.open(`${server.origin}/empty.html`);
    const { infos, notices } = await browser.evaluate<{ infos: string[]; notices: string[] }>(
      `const infos = [];
      console.info = (text) => infos.push(text);
      const { createTrainer, dense, sequential } = await import("/dist/wasmgrad.js");
      const model = sequential([dense({ units: 2, activation: "softmax", inputShape: [2] })]);
      const notices = [];
      for (let i = 0; i < 2; i++) {
        const trainer = await createTrainer(model, { threads: 2 });
        notices.push(trainer.info.notice);
        trainer.dispose();
      }
      return { infos, notices };`,
    );
    expect(infos).toEqual([notices[0]]);
    expect(notices[1]).toBe(notices[0]);
    expect(notices[0]).toContain("one thread instead of 2: this browser does not let pages share memory");
  });

  test("<wasmgrad-trainer> trains", async () => {
    await browser.open(`${server.origin}/empty.html`);
    const { history, text } = await browser.evaluate<{ history: unknown; text: string }>(
      `await import("/dist/element.js");
      document.body.innerHTML = '<wasmgrad-trainer train="960" test="200" epochs="1" seed="7"></wasmgrad-trainer>';
      const element = document.querySelector("wasmgrad-trainer");
      await element.start();
      return { history: element.history, text: element.shadowRoot.querySelector(".card").innerText };`,
    );
    expect(text).toContain("simd · 1 thread ·");
    expect(text).toContain("does not let pages share memory");
    const { train } = await generateDigits({ train: 960, test: 200 });
    const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
    await model.compile({ threads: 1, seed: 7 });
    const node = await model.fit(train, { validationSplit: 0.2, restoreBestWeights: "val_accuracy" });
    model.dispose();
    expect(history).toEqual(node.history);
  });
});

describe.skipIf(reason).each(["C.UTF-8", "C"])(`the page in webkit, LANG=%s${why}`, (LANG) => {
  let browser: WebKit;
  let server: PageServer;
  beforeAll(async () => {
    if (!existsSync(PAGE_FOLDER)) throw new Error("the page is not built: run `npm run build:web`");
    server = await serveFolder(PAGE_FOLDER, { port: 0, isolation: true });
    browser = await startWebKit({ LANG });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test("trains the weights that Node trains, and saves them", async () => {
    await browser.open(`${server.url}#images=640&epochs=2&seed=7`);
    const status = await browser.waitFor<string>(
      `const text = document.querySelector("#status")?.textContent;
      return document.querySelector(".samples canvas") && text;`,
    );
    expect(status).toBe("Ready to train");
    expect(
      await browser.evaluate(
        `return [crossOriginIsolated, document.querySelector("#isolation").textContent]`,
      ),
    ).toEqual([
      true,
      "This page trains on one thread: this browser lets no page share memory between threads.",
    ]);
    await browser.evaluate(`document.querySelector("#train").click()`);
    const trained = await browser.waitFor(
      `const text = document.querySelector("#status").textContent;
      return /epochs trained|error/i.test(text) && text;`,
    );
    expect(trained).toBe("2 epochs trained");
    const file = await browser.evaluate<string>(
      `const saved = new Promise((resolve) => {
        const create = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
          const reader = new FileReader();
          reader.onload = () => resolve(reader.result.split(",")[1]);
          reader.readAsDataURL(blob);
          return create.call(URL, blob);
        };
        HTMLAnchorElement.prototype.click = () => {};
      });
      document.querySelector("#tab-results").click();
      await new Promise((resolve) => setTimeout(resolve, 100));
      document.querySelector("#save-model").click();
      return saved;`,
    );
    const { tensors } = readModel(new Uint8Array(Buffer.from(file, "base64")));
    const { train } = await generateDigits({ train: 640, test: 1 });
    const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
    await model.compile({ threads: 1, seed: 7 });
    await model.fit(train, { epochs: 2, validationSplit: 0.2, restoreBestWeights: "val_accuracy" });
    const expected = await model.weightsSha256();
    model.setWeights(tensors);
    expect(await model.weightsSha256()).toBe(expected);
    model.dispose();
  });
});
