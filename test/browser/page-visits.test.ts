import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { fetched, openApp, savedFile, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=600&model=mlp&batchSize=20&epochs=3&seed=7";

servePage();

const tabOf = (page: Page) => page.$eval("[role=tab][aria-selected=true]", (tab) => tab.textContent!);
const button = (label: string) => `::-p-text(${label})`;

describe.each(BROWSERS)("coming back to the page in %s", (browser) => {
  test.skipIf(missing(browser))(
    "the trained model is kept over a reload, until it is forgotten",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: SMALL });
      await train(page);
      await page.waitForSelector("#kept");
      const rows = () =>
        page.$$eval("#epochs tbody tr", (found) =>
          found.map((row) => [...row.children].map((cell) => cell.textContent)),
        );
      await page.click("#curves summary");
      const epochs = await rows();
      expect(epochs).toHaveLength(3);
      const figures = () =>
        page.$$eval(".run-figures dd", (found) => found.map((figure) => figure.textContent));
      const before = await figures();
      await page.click("#tab-results");
      const accuracy = await textOf(page, "#test-accuracy");
      await page.click("#save-model");
      const { bytes } = await savedFile(page);

      // Another address, with other settings: what is restored brings its own.
      await page.goto(page.url().split("#")[0]!);
      await fetched(page);
      await page.reload();
      await waitForText(page, "#notices", /kept in this browser: mlp on digits, 3 epochs, test accuracy/);
      expect(await textOf(page, "#notices")).toContain(accuracy);
      await waitForText(page, "#status", /^Ready to train$/);
      await page.locator(button("Restore it")).click();
      await waitForText(page, "#status", /^3 epochs trained/);
      await page.waitForSelector(".glance .right");
      await page.click("#curves summary");
      expect(await rows()).toEqual(epochs);
      expect(await figures()).toEqual(before);
      expect(page.url()).toContain("seed=7");
      expect(await textOf(page, "#notices")).toBe("");
      await page.click("#tab-results");
      await waitForText(page, "#test-accuracy", new RegExp(`^${accuracy}$`));
      await page.click("#save-model");
      const again = await savedFile(page);
      expect(Buffer.compare(again.bytes, bytes)).toBe(0);
      // It can be trained on.
      await page.click("#train");
      await waitForText(page, "#status", /^[456] epochs trained/);

      await page.click("#tab-train");
      await page.locator(button("Forget it")).click();
      await page.waitForFunction(() => !document.querySelector("#kept"));
      await page.reload();
      await page.waitForSelector(".samples canvas");
      expect(await textOf(page, "#notices")).toBe("");
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))(
    "a kept model can be restored until another run has ended, and is not lost to one that ends before its first epoch",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: SMALL });
      await train(page);
      await page.waitForSelector("#kept");
      expect(await textOf(page, "#kept")).not.toContain("Restore it");
      await page.evaluate(() => {
        location.hash = "images=20000";
      });
      await waitForText(page, "#status", /^Ready to train|^3 epochs/);
      await page.waitForFunction(() => document.querySelector("#train")!.textContent === "Train");
      await page.click("#train");
      await waitForText(page, "#status", /^Epoch 1 of 5: [1-9]/);
      await page.click("#stop");
      await waitForText(page, "#status", /^Stopped/);
      await page.locator(button("Restore it")).click();
      await waitForText(page, "#status", /^3 epochs trained/);
      expect(await textOf(page, "#kept")).not.toContain("Restore it");
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("the report of a stopped run is the same once it is restored", async () => {
    const { page, errors } = await openApp(browser, {
      fragment: "images=2000&model=mlp&batchSize=20&epochs=900",
    });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(page, "#status", /^Epoch ([3-9]|\d\d+) of 900/);
    await page.click("#stop");
    await waitForText(page, "#status", /epochs trained/);
    await page.waitForSelector("#kept");
    const report = async () => {
      await page.click("#tab-results");
      await page.click("#save-report");
      return new TextDecoder().decode((await savedFile(page)).bytes);
    };
    const before = await report();
    expect(before).toContain("of 900");
    await page.click("#tab-train");
    await page.reload();
    await fetched(page);
    await page.locator(button("Restore it")).click();
    await waitForText(page, "#status", /epochs trained/);
    const after = await report();
    expect(after.match(/[^<>]* of 900[^<>]*/g)).toEqual(before.match(/[^<>]* of 900[^<>]*/g));
    expect(after).toBe(before);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "Stop ends a restoring, and a training that follows is left alone",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: SMALL });
      await train(page);
      await page.waitForSelector("#kept");
      await page.reload();
      await fetched(page);
      await page.locator(button("Restore it")).wait();
      await page.evaluate(async () => {
        const press = async (label: string) => {
          for (;;) {
            const found = [
              ...document.querySelectorAll<HTMLButtonElement>("#notices button, .run-bar button"),
            ].find(({ textContent, disabled }) => textContent === label && !disabled);
            if (found) return found.click();
            await new Promise((resolve) => requestAnimationFrame(resolve));
          }
        };
        for (const label of ["Restore it", "Stop", "Train"]) await press(label);
      });
      await waitForText(page, "#status", /^3 epochs trained/);
      await page.waitForFunction(() => document.querySelector("#train")!.textContent === "Train on");
      expect(
        await page.$$eval(".notice.fault", (found) => found.map(({ textContent }) => textContent)),
      ).toEqual([]);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("what is damaged of a kept model keeps the page from nothing", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL });
    await fetched(page);
    await page.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const opening = indexedDB.open("wasmgrad-page");
          opening.onsuccess = () => {
            const change = opening.result.transaction("models", "readwrite");
            change.objectStore("models").put({ version: 1 }, "last");
            change.oncomplete = () => resolve();
            change.onerror = () => reject(change.error);
          };
        }),
    );
    await page.reload();
    await fetched(page);
    await page.waitForFunction(() => !document.querySelector("#kept"));
    await train(page);
    await page.waitForSelector("#kept");
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("Back and Forward go through the tabs and leave the settings", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL });
    await page.click("#tab-results");
    await page.click("#tab-draw");
    expect(page.url()).toContain("tab=draw");
    await page.goBack();
    await page.waitForFunction(() => location.hash.includes("tab=results"));
    expect(await tabOf(page)).toBe("Results");
    await page.goBack();
    await page.waitForFunction(() => !location.hash.includes("tab="));
    expect(await tabOf(page)).toBe("Train");
    await page.select("[name=optimizer]", "sgd");
    await page.goForward();
    await page.waitForFunction(() => location.hash.includes("tab=results"));
    expect(page.url()).toContain("optimizer=sgd");
    // A click on the tab that is open makes no entry.
    await page.click("#tab-results");
    await page.goForward();
    await page.waitForFunction(() => location.hash.includes("tab=draw"));
    expect(await tabOf(page)).toBe("Draw");
    // An address that is pasted brings its own settings, and Back is the tab before.
    await page.evaluate(() => {
      location.hash = "tab=benchmark&epochs=9";
    });
    await waitForText(page, "[role=tab][aria-selected=true]", /Benchmark/);
    await page.click("#tab-train");
    expect(await page.$eval("[name=epochs]", (input) => (input as HTMLInputElement).value)).toBe("9");
    await page.goBack();
    await waitForText(page, "[role=tab][aria-selected=true]", /Benchmark/);
    await page.goBack();
    await waitForText(page, "[role=tab][aria-selected=true]", /Draw/);
    // A link leads to its tab.
    const other = await openApp(browser, { fragment: "tab=draw" });
    expect(await tabOf(other.page)).toBe("Draw");
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "a dataset that pages cannot download says why, and how to get it",
    async () => {
      const { page, errors } = await openApp(browser);
      const choices = await page.$$eval("[name=dataset] option", (options) =>
        options.map((option) => option.value),
      );
      expect(choices).toEqual(["digits", "mnist", "fashion-mnist", "kmnist", "files"]);
      await page.select("[name=dataset]", "kmnist");
      await waitForText(
        page,
        "#bring",
        /lets no web page fetch its files \(it sends no CORS headers\)\. Download the four yourself/,
      );
      const links = await page.$$eval("#bring a", (found) =>
        found.map((link) => (link as HTMLAnchorElement).href),
      );
      expect(links).toHaveLength(4);
      for (const link of links)
        expect(link).toMatch(/kmnist\/(train|t10k)-(images|labels)-idx[13]-ubyte\.gz$/);
      await waitForText(page, "#status", /^Open the files of kmnist first: see Dataset\.$/);
      expect(await page.$eval("#train", (train) => (train as HTMLButtonElement).disabled)).toBe(true);
      await page.select("[name=dataset]", "digits");
      await waitForText(page, "#status", /Ready to train/);
      expect(errors).toEqual([]);
    },
  );
});
