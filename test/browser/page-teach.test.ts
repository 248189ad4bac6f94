import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, describe, expect, onTestFinished, test } from "vitest";
import { serveFolder } from "../../src/cli/serve/server.ts";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import { exportModel } from "../../src/interchange/export-model.ts";
import { loadModel } from "../../src/interchange/load-model.ts";
import {
  batchNormalization,
  conv2d,
  dense,
  globalAveragePooling2d,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { transferModel } from "../../src/train/transfer.ts";
import { hash32 } from "../support/fixture-values.ts";
import {
  dropFiles,
  findings,
  openApp,
  PAGE_FOLDER,
  savedFile,
  servePage,
  textOf,
  violations,
  waitForText,
} from "./page-support.ts";
import { BROWSERS, launchOwn, missing } from "./support/browsers.ts";

servePage();

const SIDE = 16;
const COLOURS = { reds: [170, 30, 30], blues: [30, 30, 170] } as const;

/** A picture of one colour, with grain, as bytes of its pixels. */
function pixels(
  [red, green, blue]: readonly [number, number, number],
  number: number,
  side = SIDE,
): Uint8Array {
  const colours = [red, green, blue];
  return Uint8Array.from(
    { length: 3 * side * side },
    (_, i) => colours[i % 3]! + (hash32(7 * number + i) % 70),
  );
}

const png = (data: Uint8Array, side = SIDE) =>
  encode({ width: side, height: side, channels: 3, depth: 8, data });

const pictures = (colour: keyof typeof COLOURS, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    name: `${colour}-${i}.png`,
    bytes: png(pixels(COLOURS[colour], from + i)),
  }));

/** A base that nobody has trained: what it sees differs by colour all the same. */
async function base(channels = 3): Promise<Model> {
  const model = sequential([
    conv2d({
      filters: 8,
      kernelSize: 3,
      padding: "same",
      useBias: false,
      inputShape: [SIDE, SIDE, channels],
    }),
    batchNormalization({
      movingMeanInitializer: { type: "randomNormal", stddev: 0.2 },
      movingVarianceInitializer: { type: "randomUniform", minValue: 0.5, maxValue: 2 },
    }),
    maxPooling2d(),
    conv2d({ filters: 12, kernelSize: 3, activation: "relu" }),
    globalAveragePooling2d(),
    dense({ units: 5, activation: "softmax" }),
  ]);
  await model.compile({ threads: 1, seed: 4 });
  onTestFinished(() => model.dispose());
  return model;
}

const CARD = (number: number) => `.class-card:nth-child(${number})`;

async function openTeach(page: Page): Promise<void> {
  await page.click("#tab-teach");
  await page.waitForSelector("#taught-classes");
}

async function teachTwo(page: Page, count: number): Promise<void> {
  await dropFiles(page, pictures("reds", count), CARD(1));
  await dropFiles(page, pictures("blues", count, 100), CARD(2));
  for (const number of [1, 2])
    await waitForText(page, `${CARD(number)} .class-count`, new RegExp(`^${count} pictures`));
}

const learned = (page: Page, count: number) =>
  waitForText(page, ".teach-figures", new RegExp(`Pictures${count}Trained`));

async function rename(page: Page, number: number, name: string): Promise<void> {
  await page.focus(`${CARD(number)} .class-field`);
  await page.$eval(`${CARD(number)} .class-field`, (input) => (input as HTMLInputElement).select());
  await page.keyboard.type(name);
}

const shown = (page: Page) =>
  page.$$eval(".live-bars .share", (shares) => shares.map((share) => share.textContent));

describe.each(BROWSERS)("teaching in %s", (browser) => {
  test.skipIf(missing(browser))(
    "dropped pictures on a base: the bits of transferModel() in Node, and nothing leaves the page",
    async () => {
      const { page, errors } = await openApp(browser);
      const asked: string[] = [];
      page.on("request", (request) => {
        asked.push(`${request.method()} ${request.url()}${request.hasPostData() ? " with data" : ""}`);
      });
      await openTeach(page);
      const own = await base();
      await dropFiles(page, [
        {
          name: "seen.safetensors",
          bytes: saveModel(own, { preprocessing: { scale: 2 / 255, offset: -1 } }),
        },
      ]);
      await waitForText(page, "#base-words", /seen\.safetensors: .*16.×.16.×.3/);
      expect(await page.$eval("[name=scaling]", (select) => (select as HTMLSelectElement).value)).toBe(
        "symmetric",
      );
      await rename(page, 1, "Red things");
      await rename(page, 2, "Blue things");
      await teachTwo(page, 12);
      await learned(page, 24);
      expect(await textOf(page, ".teach-figures dt")).toBe("Right of 4 held out");
      expect(await textOf(page, "#teach-accuracy")).toMatch(/^100\s%$/);
      // The last picture is answered.
      await waitForText(page, "#taught-class", /^Blue things$/);
      await dropFiles(page, pictures("reds", 1, 50));
      await waitForText(page, "#taught-class", /^Red things$/);
      // Names are not learned.
      const workers = await page.evaluate(() => window.noted.workers.length);
      await rename(page, 1, "Red ones");
      await waitForText(page, "#taught-class", /^Red ones$/);
      expect(await page.evaluate(() => window.noted.workers.length)).toBe(workers);

      await page.click("#save-model");
      const { metadata, tensors } = readModel((await savedFile(page)).bytes);
      expect(metadata).toMatchObject({
        classNames: ["Red ones", "Blue things"],
        preprocessing: { scale: 2 / 255, offset: -1 },
        pictures: { interpolation: "area", resize: "crop" },
      });
      const all = (["reds", "blues"] as const).map((colour, label) =>
        Array.from({ length: 12 }, (_, i) => ({ label, data: pixels(COLOURS[colour], 100 * label + i) })),
      );
      const samples = (of: { label: number; data: Uint8Array }[]) => ({
        images: Uint8Array.from(of.flatMap(({ data }) => [...data])),
        labels: Uint8Array.from(of.map(({ label }) => label)),
        count: of.length,
        shape: [SIDE, SIDE, 3],
      });
      const net = transferModel(
        {
          model: own,
          tensors: own.getWeights(),
          metadata: { preprocessing: { scale: 2 / 255, offset: -1 } },
        },
        { freeze: "all", head: [128, 2] },
      );
      await net.compile({ threads: 1, seed: 1 });
      onTestFinished(() => net.dispose());
      await net.fit(samples(all.flatMap((own) => own.filter((_, i) => i % 5 !== 4))), {
        epochs: 30,
        batchSize: 16,
        validationData: samples(all.flatMap((own) => own.filter((_, i) => i % 5 === 4))),
      });
      expect(tensors).toEqual(net.getWeights());

      // In a format of others, with the names.
      await page.select("#save-as", "onnx");
      await page.click("#save-model");
      const onnx = await savedFile(page, 2);
      expect(onnx.name).toBe("model.onnx");
      const back = await loadModel(onnx.bytes, { preprocessing: { scale: 2 / 255, offset: -1 } });
      await back.model.compile({ threads: 1 });
      onTestFinished(() => back.model.dispose());
      const one = pixels(COLOURS.reds, 77);
      const [expected, got] = [await net.predict(one), await back.model.predict(one)];
      for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 5);
      await page.select("#save-as", "keras");
      await page.click("#save-model");
      expect((await savedFile(page, 3)).name).toBe("model.keras");

      const { origin } = new URL(page.url());
      expect(asked.length).toBeGreaterThan(0);
      for (const line of asked) expect(line).toMatch(new RegExp(`^GET (blob:)?${origin}/[\\w./-]*$`));
      expect(await violations(page)).toEqual([]);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "classes are named, added and removed, pictures too, and all can be taken back",
    async () => {
      const { page, errors } = await openApp(browser);
      await openTeach(page);
      await waitForText(page, "#teach-status", /^Give two classes some pictures each/);
      await dropFiles(page, pictures("reds", 3), CARD(1));
      await waitForText(page, "#teach-status", /^Give another class some pictures, too: Class 2 has none/);
      await page.click("#add-class");
      await page.waitForSelector(CARD(3));
      // Its name can be typed at once.
      await page.waitForFunction(
        () => document.activeElement?.matches(".class-card:nth-child(3) .class-field"),
        { polling: 50 },
      );
      await rename(page, 3, "Class 1");
      await waitForText(page, ".class-problem", /Another class has this name/);
      await waitForText(page, "#teach-status", /Another class has this name/);
      await rename(page, 3, "blue & <b>");
      await dropFiles(page, pictures("blues", 2), CARD(3));
      await waitForText(page, `${CARD(3)} .class-count`, /^2 pictures/);
      await waitForText(page, "#taught-learning", /Class 2 has no pictures, and is left out/);
      await page.click(`${CARD(1)} .thumb`);
      await waitForText(page, `${CARD(1)} .class-count`, /^2 pictures/);
      await page.click("#notices .actions button");
      await waitForText(page, `${CARD(1)} .class-count`, /^3 pictures/);
      await page.click(`${CARD(3)} .class-head button`);
      await waitForText(page, "#notices", /blue & <b> was removed, with 2 pictures/);
      await expect.poll(async () => (await page.$$(".class-card")).length).toBe(2);
      await page.click("#notices .actions button");
      await page.waitForSelector(CARD(3));
      expect(await findings(page)).toEqual([]);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "what is no picture, and no base, is refused in a sentence each",
    async () => {
      const { page, errors } = await openApp(browser);
      await openTeach(page);
      await dropFiles(
        page,
        [{ name: "letter.png", bytes: new TextEncoder().encode("Dear all") }, ...pictures("reds", 2)],
        CARD(1),
      );
      await waitForText(
        page,
        "#notices",
        /letter\.png cannot be read as a picture: it is damaged, or of a format that this browser does not know\..*2 pictures were added\./,
      );
      await dropFiles(page, [{ name: "broken.keras", bytes: new TextEncoder().encode("PK no") }]);
      await waitForText(page, "#notices", /broken\.keras cannot be the base: /);
      const five = await base(5);
      await dropFiles(page, [{ name: "five.safetensors", bytes: saveModel(five) }]);
      await waitForText(
        page,
        "#notices",
        /five\.safetensors cannot be the base: it takes images of 5 channels, and pictures have 3, or 1 in grey\./,
      );
      const flat = sequential([
        dense({ units: 4, inputShape: [9] }),
        dense({ units: 2, activation: "softmax" }),
      ]);
      await flat.compile({ threads: 1 });
      onTestFinished(() => flat.dispose());
      await dropFiles(page, [{ name: "flat.safetensors", bytes: saveModel(flat) }]);
      await waitForText(
        page,
        "#notices",
        /flat\.safetensors cannot be the base: it takes 9, and pictures are/,
      );
      const [[name, weights]] = Object.entries(await exportModel(await base(), { format: "npz" })) as [
        [string, Uint8Array],
      ];
      await dropFiles(page, [{ name, bytes: weights }]);
      await waitForText(
        page,
        "#notices",
        /it holds weights alone, and no layers: drop it together with the \.json/,
      );
      await waitForText(page, "#base-words", /^From scratch/);
      // With their layers they are a base.
      const layers = new TextEncoder().encode(JSON.stringify((await base()).toConfig()));
      await dropFiles(page, [
        { name: "layers.json", bytes: layers },
        { name, bytes: weights },
      ]);
      await waitForText(page, "#base-words", /\.npz: .*16.×.16.×.3/);
      // Of grey images: the pictures become grey.
      const grey = await base(1);
      await dropFiles(page, [{ name: "grey.safetensors", bytes: saveModel(grey) }]);
      await waitForText(page, "#base-words", /grey\.safetensors: .*16.×.16.×.1/);
      expect(await page.$$eval("[name=scaling] option", (options) => options.length)).toBe(3);
      await dropFiles(page, [{ name: "white.png", bytes: png(new Uint8Array(768).fill(250)) }], CARD(2));
      await learned(page, 3);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "over a reload the model and its classes are there, the pictures where that is wanted, and all can be forgotten",
    async () => {
      const { page, errors } = await openApp(browser);
      await openTeach(page);
      const file = Object.values(await exportModel(await base(), { format: "keras" }))[0]!;
      await dropFiles(page, [{ name: "seen.keras", bytes: file }]);
      await waitForText(page, "#base-words", /seen\.keras/);
      await page.select("[name=scaling]", "imagenet");
      expect(await page.$eval("[name=cut]", (select) => (select as HTMLSelectElement).value)).toBe(
        "globalAveragePooling2d",
      );
      await page.select("[name=cut]", "maxPooling2d");
      await rename(page, 1, "reds");
      await teachTwo(page, 10);
      await learned(page, 20);
      const probe = pictures("reds", 1, 60);
      await dropFiles(page, probe);
      await waitForText(page, "#taught-class", /^reds$/);
      const before = await shown(page);
      const kept = () =>
        page.evaluate(async () => {
          const database = await new Promise<IDBDatabase>((resolve, reject) => {
            const opening = indexedDB.open("wasmgrad-trainings");
            opening.onsuccess = () => resolve(opening.result);
            opening.onerror = () => reject(opening.error);
          });
          const keys = await new Promise<IDBValidKey[]>((resolve) => {
            const asking = database.transaction("pieces").objectStore("pieces").getAllKeys();
            asking.onsuccess = () => resolve(asking.result);
          });
          database.close();
          return [...new Set(keys.map((key) => String((key as string[])[0])))].sort();
        });
      await expect.poll(kept, { timeout: 20_000 }).toEqual(["teach base", "teach model"]);

      await page.reload();
      await page.waitForSelector("#taught-classes");
      await waitForText(
        page,
        "#taught-classes",
        /taught in an earlier visit, and their pictures were not kept/,
      );
      await waitForText(page, "#base-words", /seen\.keras/);
      expect(await page.$eval("[name=cut]", (select) => (select as HTMLSelectElement).value)).toBe(
        "maxPooling2d",
      );
      expect(await page.$eval("[name=scaling]", (select) => (select as HTMLSelectElement).value)).toBe(
        "imagenet",
      );
      expect(
        await page.$$eval(".class-field", (fields) =>
          fields.map((field) => (field as HTMLInputElement).value),
        ),
      ).toEqual(["reds", "Class 2"]);
      await dropFiles(page, probe);
      await waitForText(page, "#taught-class", /^reds$/);
      expect(await shown(page)).toEqual(before);
      await rename(page, 1, "Reds");
      await waitForText(page, "#taught-class", /^Reds$/);
      await rename(page, 1, "reds");
      await waitForText(page, "#taught-class", /^reds$/);

      // Without pictures nothing takes the place of what was taught, nor of its base.
      await page.click("#taught-base header button");
      await waitForText(page, "#base-words", /^From scratch/);
      await page.reload();
      await page.waitForSelector("#taught-classes");
      await waitForText(page, "#base-words", /seen\.keras/);
      await dropFiles(page, probe);
      await waitForText(page, "#taught-class", /^reds$/);
      expect(await shown(page)).toEqual(before);

      await teachTwo(page, 10);
      await learned(page, 20);
      await waitForText(page, "#taught-keep", /too \(0\.0\sMB\)/);
      await page.focus("[name=keep-pictures]");
      await page.keyboard.press(" ");
      await expect.poll(kept, { timeout: 20_000 }).toEqual(["teach base", "teach model", "teach pictures"]);
      await page.reload();
      await page.waitForSelector("#taught-classes");
      await waitForText(page, `${CARD(2)} .class-count`, /^10 pictures/);
      await learned(page, 20);
      await dropFiles(page, probe);
      await waitForText(page, "#taught-class", /^reds$/);
      expect(await shown(page)).toEqual(before);

      await page.click("#ask-forget");
      await page.click("#forget-taught");
      await expect.poll(kept, { timeout: 20_000 }).toEqual([]);
      await waitForText(page, "#base-words", /^From scratch/);
      await waitForText(page, ".view", /drop a picture here/);
      await page.reload();
      await page.waitForSelector("#taught-classes");
      await waitForText(page, `${CARD(2)} .class-count`, /^0 pictures/);
      expect(await page.$("#save-model:disabled")).not.toBeNull();
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "without a base a small net learns; settings, a stop, and the page's own model as a base",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: "images=200&model=conv-gap&epochs=1" });
      await page.waitForSelector(".samples canvas");
      await page.click("#train");
      await waitForText(page, "#status", /1 epoch trained/);
      await openTeach(page);
      expect(await page.$(".run-bar")).toBeNull();
      await page.select("[name=side]", "32");
      await page.click("#teach-settings summary");
      const set = async (name: string, text: string) => {
        await page.focus(`[name=${name}]`);
        await page.$eval(`[name=${name}]`, (input) => (input as HTMLInputElement).select());
        await page.keyboard.type(text);
      };
      await set("epochs", "none");
      await waitForText(page, "#teach-settings", /expected a whole number from 1 to 10,000/);
      await waitForText(page, "#teach-status", /^Give two classes|^A setting is out of range/);
      await set("epochs", "10000");
      await teachTwo(page, 3);
      await waitForText(page, "#teach-status", /^Learning: epoch [1-9]\d* of 10000/);
      await page.click("#halt");
      await waitForText(page, "#teach-status", /^Stopped/);
      // Names are not learned.
      await rename(page, 2, "blues");
      await waitForText(page, ".live-bars", /blues/);
      await set("epochs", "8");
      await page.click("[name=vary]");
      await page.click("#learn-on");
      await learned(page, 6);
      await waitForText(page, "#teach-status", /^It has learned/);
      expect(await textOf(page, ".teach-figures dt")).toBe("Right of those it learned");
      await page.click("#save-model");
      expect(readModel((await savedFile(page)).bytes).model.inputShape).toEqual([32, 32, 3]);

      await page.click("#use-page-model");
      await waitForText(page, "#base-words", /This page's model, conv-gap: .*28.×.28.×.1/);
      await waitForText(page, "#teach-status", /^It has learned/);
      await page.click("#open-taught");
      await page.waitForSelector("#tab-draw[aria-selected=true]");
      await waitForText(page, "#notices", /The taught model is loaded/);
      expect(errors).toEqual([]);
    },
  );
});

describe.skipIf(missing("chromium"))("the camera, in Chromium", () => {
  let own: Browser | undefined;
  const folders: string[] = [];
  const folder = async () => {
    const made = await mkdtemp(join(tmpdir(), "wasmgrad-teach-"));
    folders.push(made);
    return made;
  };
  /** With a camera of its own making: a green wheel that turns, and the time. */
  const withCamera = async () => {
    own ??= await launchOwn("chromium", await folder(), [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ]);
    return own.createBrowserContext();
  };
  afterEach(async () => {
    for (const context of own?.browserContexts().slice(1) ?? []) await context.close().catch(() => {});
  });
  afterAll(async () => {
    await own?.close();
    for (const made of folders) await rm(made, { recursive: true, force: true, maxRetries: 5 });
  });
  const count = async (page: Page, number: number) =>
    Number.parseInt(await textOf(page, `${CARD(number)} .class-count`), 10);

  /** Waits until nothing is recorded any more. */
  const letGo = (page: Page) =>
    page.waitForFunction(() => !document.querySelector(".record[aria-pressed=true]"));

  test("records while a button is held, answers what it sees, and is off when nobody looks", async () => {
    const { page, errors } = await openApp("chromium", { context: await withCamera() });
    await openTeach(page);
    await page.select("[name=side]", "32");
    const button = (await page.$(`${CARD(1)} .record`))!;
    const { x, y } = (await button.boundingBox())!;
    await page.mouse.move(x + 20, y + 15);
    // The camera starts with it.
    await page.mouse.down();
    await page.waitForSelector(".view.mirrored.recording video");
    await expect.poll(() => count(page, 1), { timeout: 20_000 }).toBeGreaterThan(4);
    await page.mouse.up();
    await letGo(page);
    const recorded = await count(page, 1);
    expect(await page.$$eval(`${CARD(1)} .thumb canvas`, (all) => all.length)).toBe(Math.min(24, recorded));
    // As it is, and not as in the mirror: the time stands at the left of the upper edge.
    const [left, right] = await page.$eval(`${CARD(1)} .thumb canvas`, (element) => {
      const canvas = element as HTMLCanvasElement;
      const light = (x: number) =>
        canvas
          .getContext("2d")!
          .getImageData(x, 0, 16, 16)
          .data.reduce((sum, value) => sum + value, 0);
      return [light(0), light(canvas.width - 16)];
    });
    expect(left).toBeGreaterThan(right!);

    // The next class's button takes the focus from the first one's, and records all the same.
    const next = (await (await page.$(`${CARD(2)} .record`))!.boundingBox())!;
    await page.mouse.move(next.x + 20, next.y + 15);
    await page.mouse.down();
    await expect.poll(() => count(page, 2), { timeout: 20_000 }).toBeGreaterThan(4);
    await page.mouse.up();
    await letGo(page);
    expect(await count(page, 1)).toBe(recorded);
    await page.click(`${CARD(2)} .class-count .link`);
    await waitForText(page, `${CARD(2)} .class-count`, /^0 pictures/);

    await dropFiles(page, pictures("reds", 6), CARD(2));
    await learned(page, recorded + 6);
    await waitForText(page, "#taught-class", /^Class 1$/);

    // By the keyboard, for as long as it is down.
    await page.focus(`${CARD(1)} .record`);
    await page.keyboard.down("Space");
    await expect.poll(() => count(page, 1), { timeout: 20_000 }).toBeGreaterThan(recorded + 2);
    await page.keyboard.up("Space");
    await letGo(page);
    // A press that is neither: ten pictures.
    const before = await count(page, 1);
    await page.$eval(`${CARD(1)} .record`, (element) => (element as HTMLElement).click());
    await expect.poll(() => count(page, 1), { timeout: 20_000 }).toBe(before + 10);
    await letGo(page);
    expect(await count(page, 1)).toBe(before + 10);
    expect(await findings(page)).toEqual([]);

    const tracks = () =>
      page.evaluate(() => {
        const { srcObject } = document.querySelector<HTMLVideoElement>("video")!;
        (window as { tracks?: MediaStreamTrack[] }).tracks = (srcObject as MediaStream).getTracks();
      });
    const ended = () =>
      page.evaluate(() =>
        (window as { tracks?: MediaStreamTrack[] }).tracks!.every(({ readyState }) => readyState === "ended"),
      );
    await tracks();
    expect(await ended()).toBe(false);
    await page.click("#tab-train");
    await expect.poll(ended).toBe(true);
    await page.click("#tab-teach");
    await page.waitForSelector("#camera");
    expect(await page.$("video")).toBeNull();
    await page.click("#camera");
    await page.waitForSelector("video");
    await tracks();
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await expect.poll(ended).toBe(true);
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.each([
    ["NotAllowedError", /The browser was not allowed to use the camera: allow it beside the address/],
    ["NotFoundError", /There is no camera here: connect one/],
    ["NotReadableError", /another program may be using it/],
  ])("%s is told in a sentence", async (name, text) => {
    const { page, errors } = await openApp("chromium");
    await page.evaluate((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", error));
    }, name);
    await openTeach(page);
    await page.click("#camera");
    await waitForText(page, "#camera-problem", text);
    await waitForText(page, "#camera", /Start camera/);
    expect(errors).toEqual([]);
  });

  test("without https there is none, and that is said", async () => {
    const { page, errors } = await openApp("chromium", {
      before: () => {
        Object.defineProperty(Navigator.prototype, "mediaDevices", { value: undefined });
        Object.defineProperty(window, "isSecureContext", { value: false });
      },
    });
    await openTeach(page);
    await page.click("#camera");
    await waitForText(
      page,
      "#camera-problem",
      /pages that are served by https or from localhost alone, and this one comes from http:/,
    );
    expect(errors).toEqual([]);
  });

  test("a folder of folders that is dropped or chosen fills the classes by their names", async () => {
    const root = join(await folder(), "pets");
    for (const [name, colour] of [
      ["cats", "reds"],
      ["dogs", "blues"],
    ] as const) {
      await mkdir(join(root, name), { recursive: true });
      for (const { name: file, bytes } of pictures(colour, 4)) await writeFile(join(root, name, file), bytes);
    }
    await writeFile(join(root, "cats", ".DS_Store"), "x");
    await writeFile(join(root, "dogs", "notes.txt"), "x");
    const { page, errors } = await openApp("chromium");
    await openTeach(page);
    const client = await page.createCDPSession();
    const data = { items: [], files: [root], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const)
      await client.send("Input.dispatchDragEvent", { type, x: 640, y: 30, data });
    const names = () =>
      page.$$eval(".class-card", (cards) =>
        cards.map((card) => [
          card.querySelector<HTMLInputElement>(".class-field")!.value,
          Number.parseInt(card.querySelector(".class-count")!.textContent!, 10),
        ]),
      );
    await expect.poll(names, { timeout: 20_000 }).toEqual([
      ["cats", 4],
      ["dogs", 4],
    ]);
    await waitForText(page, "#notices", /notes\.txt is no picture\. 8 pictures were added\./);
    const input = (await page.$("#class-folders"))!;
    await (input as unknown as { uploadFile(...paths: string[]): Promise<void> }).uploadFile(
      join(root, "cats"),
    );
    await expect.poll(names, { timeout: 20_000 }).toEqual([
      ["cats", 8],
      ["dogs", 4],
    ]);
    await learned(page, 12);
    expect(errors).toEqual([]);
  });

  test("a base that is no longer learned from is let go of, with its workers", async () => {
    const { page, errors } = await openApp("chromium");
    await openTeach(page);
    await page.select("[name=side]", "32");
    const workers = () => page.workers().length;
    await teachTwo(page, 3);
    await learned(page, 6);
    await waitForText(page, "#teach-status", /^It has learned/);
    const alone = workers();
    await dropFiles(page, [{ name: "seen.safetensors", bytes: saveModel(await base()) }]);
    await waitForText(page, "#base-words", /seen\.safetensors/);
    await page.waitForSelector("[name=scaling]");
    await expect.poll(workers, { timeout: 20_000 }).toBeGreaterThan(alone);
    await waitForText(page, "#teach-status", /^It has learned/);
    await page.click("#taught-base header button");
    await waitForText(page, "#base-words", /^From scratch/);
    await expect.poll(workers, { timeout: 20_000 }).toBe(alone);
    await learned(page, 6);
    expect(errors).toEqual([]);
  });

  test("without a network a page that was visited teaches, too", async () => {
    const server = await serveFolder(PAGE_FOLDER, { port: 0, isolation: true });
    const { page } = await openApp("chromium", { url: server.url });
    await page.waitForSelector("#offline");
    await server.close();
    await openTeach(page);
    await dropFiles(page, [{ name: "seen.safetensors", bytes: saveModel(await base()) }]);
    await waitForText(page, "#base-words", /seen\.safetensors/);
    await teachTwo(page, 5);
    await learned(page, 10);
    await page.click("#save-model");
    expect(readModel((await savedFile(page)).bytes).metadata.classNames).toEqual(["Class 1", "Class 2"]);
  });

  test.each([
    ["light, wide", { dark: false, width: 1280 }],
    ["dark, narrow", { dark: true, width: 360 }],
  ])("%s: axe finds nothing, and nothing is wider than the window", async (_, options) => {
    const { page, errors } = await openApp("chromium", options);
    await openTeach(page);
    expect(await findings(page)).toEqual([]);
    await dropFiles(page, [{ name: "seen.safetensors", bytes: saveModel(await base()) }]);
    await teachTwo(page, 11);
    await learned(page, 22);
    await page.click("#teach-settings summary");
    await page.click("[name=vary]");
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(errors).toEqual([]);
  });
});
