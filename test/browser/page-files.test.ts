import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import { exportModel } from "../../src/interchange/export-model.ts";
import { WRITTEN } from "../../src/interchange/names.ts";
import { dense, flatten, input } from "../../src/model/layers/index.ts";
import { namedModel } from "../../src/model/models.ts";
import { encodeIdxImages, encodeIdxLabels, generateDigits } from "../../src/node.ts";
import { model } from "../../src/train/functional.ts";
import { sequential } from "../../src/train/sequential.ts";
import { bars } from "../cli/helpers.ts";
import { dropFiles, openApp, savedFile, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=600&model=mlp&batchSize=20";
const MARKUP = `<img src=x onerror="window.attacked=1">`;

servePage();

describe.each(BROWSERS)("files in %s", (browser) => {
  test.skipIf(missing(browser))("a model saved by the page gives the same figures in Node", async () => {
    const { page, errors } = await openApp(browser, { fragment: `${SMALL}&epochs=2` });
    await train(page);
    await page.click("#tab-results");
    const accuracy = Number.parseFloat(await textOf(page, "#test-accuracy"));
    const confusion = await page.$$eval(".matrix td", (cells) =>
      cells.map((cell) => Number(cell.textContent)),
    );
    await page.click("#save-model");
    const { name, bytes } = await savedFile(page);
    expect(name).toBe("model.safetensors");

    await page.click("#save-report");
    const html = new TextDecoder().decode((await savedFile(page, 2)).bytes);

    const { model, metadata } = readModel(bytes);
    expect(metadata).toMatchObject({ dataset: "digits", loss: "categoricalCrossentropy" });
    await model.compile();
    try {
      expect(html).toContain(await model.weightsSha256());
      const { test: set } = await generateDigits({ train: 0, test: 600 });
      const outputs = await model.predict(set);
      const matrix = new Array<number>(100).fill(0);
      for (let i = 0; i < set.count; i++) {
        const row = outputs.subarray(10 * i, 10 * i + 10);
        matrix[10 * set.labels[i]! + row.indexOf(Math.max(...row))]!++;
      }
      expect(confusion).toEqual(matrix);
      expect(100 * (await model.evaluate(set)).accuracy!).toBeCloseTo(accuracy, 1);
    } finally {
      model.dispose();
    }
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "a model is saved in formats of others, of several files as an archive",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: `${SMALL}&epochs=1` });
      await train(page);
      await page.click("#tab-results");
      const formats = await page.$$eval("#save-as option", (options) =>
        options.map((option) => option.value),
      );
      expect(formats.sort()).toEqual([...WRITTEN].sort());
      let saved = 0;
      const save = async (format: string) => {
        await page.select("#save-as", format);
        await page.click("#save-model");
        return savedFile(page, ++saved);
      };
      const { bytes: own } = await save("wasmgrad");
      const loaded = readModel(own);
      for (const format of WRITTEN.filter((name) => name !== "wasmgrad")) {
        const { name, bytes } = await save(format);
        const files = await exportModel(loaded, { format, name: "model" });
        const parts = Object.keys(files).filter((part) => !part.endsWith(".d.ts"));
        if (parts.length === 1) {
          expect(name).toBe(parts[0]);
          expect(Buffer.compare(bytes, files[name]!), format).toBe(0);
        } else {
          expect(name).toBe(`model-${format}.zip`);
          const inside = unzipSync(bytes);
          expect(Object.keys(inside).sort()).toEqual(["README.md", ...parts].sort());
          for (const part of parts) expect(Buffer.compare(inside[part]!, files[part]!), part).toBe(0);
        }
      }
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "a model trained in Node is loaded, tested and saved again, bit for bit",
    async () => {
      const { train: images, test: set } = await generateDigits({ train: 600, test: 600 });
      const model = sequential(namedModel("conv-gap", [28, 28, 1], 10), { name: "from-node" });
      await model.compile({ seed: 3, threads: 1 });
      await model.fit(images, { epochs: 1 });
      const { accuracy } = await model.evaluate(set);
      const file = saveModel(model, {
        preprocessing: { scale: 1 / 255, offset: 0 },
        classNames: images.labels.length ? ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] : [],
        dataset: "digits",
      });
      model.dispose();

      const { page, errors } = await openApp(browser, { fragment: "images=600&tab=results" });
      await page.waitForSelector("input.model-file");
      await dropFiles(page, [{ name: "node.safetensors", bytes: file }]);
      await waitForText(page, "#notices", /node\.safetensors is loaded/);
      // The page tests on the digits at their usual number, of which these are the first.
      await waitForText(page, "#test-accuracy", /%/);
      expect(await textOf(page, "#headline")).toContain("from-node");
      await page.click("#save-model");
      const saved = await savedFile(page);
      expect(Buffer.compare(saved.bytes, file)).toBe(0);
      // The editor has its layers, and drawings are answered.
      await page.click("#tab-train");
      expect(await page.$eval("[name=model]", (select) => (select as HTMLSelectElement).value)).toBe(
        "conv-gap",
      );
      expect(accuracy).toBeGreaterThan(0);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("a model of several outputs is refused in a sentence", async () => {
    const x = input({ shape: [28, 28, 1] });
    const head = () => dense({ units: 10, activation: "softmax" }).apply(flatten().apply(x));
    const net = model({ inputs: x, outputs: [head(), head()] });
    await net.compile({ threads: 1 });
    const file = saveModel(net);
    net.dispose();
    const { page, errors } = await openApp(browser, { fragment: "images=600&tab=results" });
    await page.waitForSelector("input.model-file");
    await dropFiles(page, [{ name: "two.safetensors", bytes: file }]);
    await waitForText(
      page,
      "#notices",
      /two\.safetensors: the model has 1 input and 2 outputs, expected one of each: datasets are of images and their classes/,
    );
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "of sorted files some of each class are taken and shown; a model of other files is not trained on",
    async () => {
      const { page, errors } = await openApp(browser, {
        fragment: "model=mlp&epochs=1&images=30&dataset=files",
      });
      const drop = async (count: number) => {
        const set = bars(count);
        const order = [0, 1, 2].flatMap((id) => [...set.labels.keys()].filter((i) => set.labels[i] === id));
        const images = Uint8Array.from(order.flatMap((i) => [...set.images.subarray(64 * i, 64 * (i + 1))]));
        const labels = Uint8Array.from(order, (i) => set.labels[i]!);
        await dropFiles(page, [
          { name: "images", bytes: encodeIdxImages({ ...set, images }) },
          { name: "labels", bytes: encodeIdxLabels(labels) },
        ]);
        await waitForText(page, "#dataset", new RegExp(`of ${count} images`));
      };
      await drop(300);
      const shown = await page.$$eval(".glance canvas", (found) => found.map((canvas) => canvas.ariaLabel));
      expect(["0", "1", "2"].map((name) => shown.filter((label) => label === name).length)).toEqual([
        7, 7, 6,
      ]);
      await page.click("#train");
      await waitForText(page, "#status", /1 epoch trained/);
      await page.waitForFunction(() => document.querySelector("#train")!.textContent === "Train on");
      await drop(240);
      await page.waitForFunction(() => document.querySelector("#train")!.textContent === "Train");
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "IDX files of one's own are trained on; their names are only text",
    async () => {
      const { page, errors } = await openApp(browser);
      const set = bars(120);
      await dropFiles(page, [
        { name: "images-idx3-ubyte", bytes: encodeIdxImages(set) },
        { name: "labels-idx1-ubyte", bytes: encodeIdxLabels(set.labels) },
        { name: `${MARKUP}.txt`, bytes: new TextEncoder().encode(`top ${MARKUP}\nmiddle\nbottom`) },
      ]);
      const split = /24 of 120 images, the same share of each class, are kept for the test/;
      await waitForText(page, "#dataset", split);
      // The named model follows the images' size and classes, and this one has too many layers for 8x8.
      await waitForText(
        page,
        "#model-verdict",
        /keras-mnist cannot take inputs of 8x8x1; those that can: mlp, vgg, conv-gap, resnet20, resnet8, inception\.$/,
      );
      expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
      await page.select("[name=model]", "mlp");
      await waitForText(page, "#layers tbody tr:last-child", /3 units/);
      await page.click("#train");
      await waitForText(page, "#status", /epochs? trained/);
      await page.click("#tab-results");
      await waitForText(page, "#test-accuracy", /^100\s%$/);
      expect(await page.$eval(".matrix tbody th", (head) => head.textContent)).toBe(`top ${MARKUP}`);
      expect(await page.evaluate(() => (window as { attacked?: unknown }).attacked)).toBeUndefined();
      expect(await page.$$eval("img", (images) => images.map((image) => image.getAttribute("src")))).toEqual([
        "./favicon.svg",
      ]);
      await page.click("#save-report");
      const html = new TextDecoder().decode((await savedFile(page)).bytes);
      expect(html).not.toContain("<img src=x");
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "saves the report that the command line writes, with the page's figures",
    async () => {
      const { page } = await openApp(browser, { fragment: `${SMALL}&epochs=2` });
      await train(page);
      await page.click("#tab-results");
      const accuracy = await textOf(page, "#test-accuracy");
      await page.click("#save-report");
      const { name, bytes } = await savedFile(page);
      const html = new TextDecoder().decode(bytes);
      expect(name).toBe("report.html");
      expect(html).toMatch(/^<!doctype html>/);
      expect(html).toContain(accuracy);
      expect(html).toMatch(/SHA-256[\s\S]*<code>[0-9a-f]{64}<\/code>/);
      expect(html).not.toContain("<script");
    },
  );
});
