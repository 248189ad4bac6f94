import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { html, type Server, serve } from "./support/server.ts";

// Frameworks set properties of an element, one after another, before and after it is in the page, and some before its
// script was loaded.
let server: Server;
beforeAll(async () => {
  server = await serve({
    routes: {
      "/page": (_, response) =>
        html(response, `<main></main><script type="module" src="/dist/element.js"></script>`),
    },
  });
});
afterAll(() => server?.close());

const NUMBERS = [
  "train",
  "test",
  "epochs",
  "batchSize",
  "validationSplit",
  "learningRate",
  "seed",
  "threads",
];
const VALUES = {
  data: "mnist",
  train: 960,
  test: 200,
  model: "lenet5",
  epochs: 7,
  batchSize: 16,
  validationSplit: 0.25,
  optimizer: "sgd",
  learningRate: 0.05,
  loss: "meanSquaredError",
  seed: 0,
  threads: 1,
  backend: "scalar",
  workerUrl: "/worker.js",
};
const DEFAULTS = {
  data: "digits",
  model: "keras-mnist",
  epochs: 3,
  batchSize: 32,
  validationSplit: 0.2,
  optimizer: "adam",
  loss: "categoricalCrossentropy",
  seed: 1,
  backend: "auto",
};

describe.each(BROWSERS)("properties of <wasmgrad-trainer> in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;
  let opened: OpenPage;
  beforeAll(async () => {
    if (reason) return;
    opened = await open(name, `${server.origin}/page`);
    await opened.page.waitForFunction(() => customElements.get("wasmgrad-trainer"));
  });
  afterAll(async () => {
    if (opened) await closePage(opened.page);
  });

  it.skipIf(reason)(`are the attributes, by their names without hyphens${why}`, async () => {
    const found = await opened.page.evaluate((values) => {
      const element = document.createElement("wasmgrad-trainer");
      const properties = element as unknown as Record<string, unknown>;
      const all = () => Object.fromEntries(Object.keys(values).map((key) => [key, properties[key]]));
      const before = all();
      Object.assign(element, values);
      const after = all();
      const attributes = Object.fromEntries(
        element.getAttributeNames().map((key) => [key, element.getAttribute(key)]),
      );
      for (const [i, key] of Object.keys(values).entries()) properties[key] = [undefined, null, ""][i % 3];
      const left = element.getAttributeNames();
      element.setAttribute("epochs", "three");
      return { before, after, attributes, left, wrong: String(element.epochs) };
    }, VALUES);
    // What has no default is undefined, and lost on its way here.
    expect(JSON.parse(JSON.stringify(found.before))).toEqual(DEFAULTS);
    expect(found.after).toEqual(VALUES);
    const attribute = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(found.attributes).toEqual(
      Object.fromEntries(Object.entries(VALUES).map(([key, value]) => [attribute(key), String(value)])),
    );
    expect(found.left).toEqual([]);
    expect(found.wrong).toBe("NaN");
    for (const key of NUMBERS) expect(typeof found.after[key], key).toBe("number");
  });

  it.skipIf(reason)(`count when they were set before the element was defined${why}`, async () => {
    const { page } = await open(name, `${server.origin}/empty.html`);
    const result = await page.evaluate(async () => {
      const element = document.createElement("wasmgrad-trainer");
      Object.assign(element, { data: "digits", train: 320, test: 50, epochs: 1, seed: 7, autostart: true });
      element.setAttribute("model", "mlp");
      document.body.append(element);
      const completed = new Promise((resolve) =>
        element.addEventListener("complete", resolve, { once: true }),
      );
      const script = document.createElement("script");
      script.type = "module";
      script.src = "/dist/element.js";
      document.body.append(script);
      await completed;
      const own = Object.keys(element);
      return { own, losses: element.history.loss.length, facts: element.shadowRoot!.textContent };
    });
    expect(result.own).toEqual([]);
    expect(result.losses).toBe(1);
    expect(result.facts).toContain("seed 7");
    await closePage(page);
  });

  it.skipIf(reason)(
    `may be set one after another, through what would not fit: the last word counts${why}`,
    async () => {
      const found = await opened.page.evaluate(async () => {
        const element = document.createElement("wasmgrad-trainer");
        const errors: string[] = [];
        element.addEventListener("error", ({ detail }) => errors.push(detail.message));
        document.querySelector("main")!.append(element);
        const set = (count: number) => ({
          images: new Uint8Array(16 * count).map((_, i) => (i * 37) % 256),
          labels: new Uint8Array(count).map((_, i) => i % 2),
          count,
          shape: [4, 4, 1] as const,
        });
        // Ten classes do not fit this model, nor these images any other.
        element.model = [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }];
        element.data = { name: "own", classNames: ["a", "b"], train: set(64), test: set(16) };
        element.epochs = 2;
        await Promise.resolve();
        const [idle, model] = [element.state, element.getAttribute("model")];
        const result = await element.start();
        const text = element.shadowRoot!.textContent;
        // A name again, by property and by attribute.
        const own = element.data;
        element.data = "digits";
        const named = element.data;
        element.data = own;
        element.setAttribute("data", "mnist");
        const last = element.data;
        element.remove();
        return { errors, idle, model, epochs: result?.history.epoch, text, own: typeof own, named, last };
      });
      expect(found).toMatchObject({
        errors: [],
        idle: "idle",
        epochs: [0, 1],
        own: "object",
        named: "digits",
        last: "mnist",
      });
      expect(JSON.parse(found.model!)).toHaveLength(2);
      expect(found.text).toContain("own");
      expect(found.text).not.toContain("Settings have changed");
    },
  );

  it.skipIf(reason)(`may be data that a framework has wrapped to see them change${why}`, async () => {
    const found = await opened.page.evaluate(async () => {
      // As Vue, Svelte and Solid do with objects and lists.
      const wrap = <T>(value: T): T =>
        typeof value === "object" && value !== null && !ArrayBuffer.isView(value)
          ? (new Proxy(value, { get: (target, key) => wrap(Reflect.get(target, key)) }) as T)
          : value;
      const element = document.createElement("wasmgrad-trainer");
      document.querySelector("main")!.append(element);
      const set = (count: number) => ({
        images: new Uint8Array(16 * count).map((_, i) => (i * 37) % 256),
        labels: new Uint8Array(count).map((_, i) => i % 2),
        count,
        shape: [4, 4, 1] as const,
      });
      element.model = [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }];
      element.data = wrap({ name: "own", classNames: ["a", "b"], train: set(64), test: set(16) });
      element.epochs = 1;
      const result = await element.start().catch(String);
      const direct =
        typeof result === "string" ? "" : await element.trainer!.evaluate(wrap(set(20))).catch(String);
      element.remove();
      return { result, direct };
    });
    expect(found.result).toMatchObject({ stopped: false });
    expect(found.direct).toMatchObject({ loss: expect.any(Number) });
  });

  it.skipIf(reason)(
    `of data of one's own: as many images as are asked for, of each class, and a word where one is short${why}`,
    async () => {
      const found = await opened.page.evaluate(async () => {
        const element = document.createElement("wasmgrad-trainer");
        const told: unknown[] = [];
        element.addEventListener("ready", ({ detail }) =>
          told.push([detail.trainImages, detail.validationImages, detail.testImages]),
        );
        element.addEventListener("warning", ({ detail }) => told.push(detail.message));
        document.querySelector("main")!.append(element);
        /** Sorted by class. */
        const set = (...counts: number[]) => {
          const labels = Uint8Array.from(counts.flatMap((n, id) => Array<number>(n).fill(id)));
          const images = new Uint8Array(16 * labels.length).map((_, i) => labels[i >> 4]! * 100);
          return { images, labels, count: labels.length, shape: [4, 4, 1] as const };
        };
        const classNames = ["low", "middle", "high"];
        const shown = () =>
          [...element.shadowRoot!.querySelectorAll("[part=samples] li canvas")].map((canvas) =>
            canvas.getAttribute("aria-label"),
          ).length;
        element.model = [{ type: "flatten" }, { type: "dense", units: 3, activation: "softmax" }];
        element.data = { name: "sorted", classNames, train: set(30, 30, 30), test: set(20, 20, 20) };
        Object.assign(element, { epochs: 1, train: 60, test: 30 });
        await element.start();
        element.data = { name: "short", classNames, train: set(45, 44, 1), test: set(20, 20, 20) };
        await element.start();
        const notice = element.shadowRoot!.querySelector("[part=notice]")!.textContent;
        element.remove();
        return { told, notice, shown: shown() };
      });
      expect(found.told).toEqual([
        [48, 12, 30],
        expect.stringMatching(/no image of 1 of 3 classes \(class 2\)/),
        [48, 12, 30],
      ]);
      expect(found.notice).toBe(found.told[1]);
      expect(found.shown).toBe(10);
    },
  );

  it.skipIf(reason)(
    `go with the attribute of their name, as Vue removes it for undefined${why}`,
    async () => {
      const found = await opened.page.evaluate(() => {
        const element = document.createElement("wasmgrad-trainer");
        for (const name of ["batchSize", "validationSplit", "seed"] as const) {
          element[name] = 0;
          element.removeAttribute(name);
        }
        element.setAttribute("title", "kept");
        element.removeAttribute("batch-size");
        const { batchSize, validationSplit, seed, title } = element;
        return [batchSize, validationSplit, seed, title, element.getAttributeNames().join()];
      });
      expect(found).toEqual([32, 0.2, 1, "kept", "title"]);
    },
  );

  it.skipIf(reason)(`that do not fit are named in the error event${why}`, async () => {
    const messages = await opened.page.evaluate(async () => {
      const element = document.createElement("wasmgrad-trainer");
      const messages: string[] = [];
      element.addEventListener("error", ({ detail }) => messages.push(detail.message));
      document.querySelector("main")!.append(element);
      element.data = { images: [1] } as never;
      await Promise.resolve();
      element.data = "nmist";
      await Promise.resolve();
      element.data = "digits";
      element.epochs = 0;
      await Promise.resolve();
      element.remove();
      return messages;
    });
    expect(messages).toHaveLength(3);
    expect(messages[0]).toContain(
      'the attribute data is "an object with images", expected a dataset\'s name, or { name',
    );
    expect(messages[1]).toContain('the attribute data is "nmist"');
    expect(messages[2]).toContain('the attribute epochs is "0"');
    expect(opened.errors).toEqual([]);
  });
});
