import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { encodeIdxImages, encodeIdxLabels } from "../../src/node.ts";
import { PAGE_POLICY } from "../../src/page-headers.ts";
import { bars } from "../cli/helpers.ts";
import { dropFiles, openApp, PAGE_FOLDER, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";
import { serve } from "./support/server.ts";

const SMALL = "images=600&model=mlp&batchSize=20";
const MARKUP = `<img src=x onerror="window.attacked=1">`;

servePage();

describe.each(BROWSERS)("faults in %s", (browser) => {
  test.skipIf(missing(browser))(
    "files that are none are refused by name, and the page stays as it is",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: SMALL });
      await page.waitForSelector(".samples canvas");
      const text = new TextEncoder();
      const set = bars(30);
      const cases: [files: { name: string; bytes: Uint8Array }[], message: RegExp][] = [
        [
          [{ name: `${MARKUP}.idx`, bytes: text.encode("hello, world") }],
          /<img src=x.* is a text file\. The page trains on pairs of IDX files/,
        ],
        [[{ name: "page.html", bytes: text.encode("<html></html>") }], /page\.html is a web page, not data/],
        [[{ name: "images", bytes: encodeIdxImages(set) }], /images: its label file is missing/],
        [
          [
            { name: "images", bytes: encodeIdxImages(set) },
            { name: "labels", bytes: encodeIdxLabels(set.labels.subarray(1)) },
          ],
          /30 images but 29 labels|label file is missing/,
        ],
        [
          [{ name: "labels", bytes: encodeIdxLabels(set.labels) }],
          /Got 0 files of images and 1 file of labels; expected one of each/,
        ],
        [[{ name: "cut", bytes: encodeIdxImages(set).subarray(0, 99) }], /cut: has 99 bytes; expected 1936/],
        [
          [{ name: "a.safetensors", bytes: text.encode("no model, but long enough") }],
          /a\.safetensors: no model file of a known format: it begins with "no model/,
        ],
      ];
      cases.push([
        [{ name: "broken.png", bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3) }],
        /broken\.png cannot be read as a picture: it is damaged/,
      ]);
      for (const [files, message] of cases) {
        await dropFiles(page, files);
        await waitForText(page, "#notices", message);
        // What was said of the files before is gone.
        expect(await page.$$eval(".notice", (notices) => notices.length)).toBe(1);
      }
      expect(await page.evaluate(() => (window as { attacked?: unknown }).attacked)).toBeUndefined();
      expect(await page.$eval("[name=dataset]", (select) => (select as HTMLSelectElement).value)).toBe(
        "digits",
      );
      await train(page);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("a mirror that cannot be reached leaves the page usable", async () => {
    // The policy without the mirrors: to the page, they are down.
    const policy = PAGE_POLICY.replace(/connect-src [^;]*/, "connect-src 'self'");
    const index = (await readFile(`${PAGE_FOLDER}/index.html`, "utf8")).replace(/<meta http-equiv[^>]*>/, "");
    const server = await serve({
      root: PAGE_FOLDER,
      headers: { "Content-Security-Policy": policy },
      routes: {
        "/": (_, response) => void response.setHeader("Content-Type", "text/html").end(index),
      },
    });
    try {
      const { page } = await openApp(browser, {
        url: `${server.origin}/`,
        fragment: `dataset=mnist&${SMALL}&epochs=1`,
      });
      await page.click("#download");
      await waitForText(
        page,
        ".notice.fault[role=alert] p",
        /^MNIST handwritten digits could not be downloaded: cdn\.\S+ cannot be reached, or does not have it any more\.$/,
      );
      const details = await textOf(page, ".notice details");
      expect(details).toMatch(/no mirror delivered train-images-idx3-ubyte\.gz/);
      // Each reason once: not "Failed to fetch: Failed to fetch".
      expect(details).not.toMatch(/(\b[A-Z][^:]{4,}): \1/);
      expect(
        await page.$$eval(".notice button", (buttons) => buttons.map((button) => button.textContent)),
      ).toEqual(["Try again", "Use digits, which need no network", "Open files you have", ""]);
      // The same again by Train, then the dataset that needs no mirror.
      await page.click("#train");
      await page.waitForFunction(
        () =>
          document.querySelector("#status")?.textContent?.includes("Downloading") ||
          document.querySelector("#status")?.textContent?.includes("Looking"),
      );
      await waitForText(page, "#status", /Ready to train/);
      await page.waitForSelector(".notice details");
      await page.locator("::-p-text(Use digits, which need no network)").click();
      expect(await page.$eval("[name=dataset]", (select) => (select as HTMLSelectElement).value)).toBe(
        "digits",
      );
      await page.waitForSelector(".samples canvas");
      await page.click("#train");
      await waitForText(page, "#status", /1 epoch trained/);
      expect(await textOf(page, "#notices")).not.toContain("MNIST");
    } finally {
      await server.close();
    }
  });

  test.skipIf(missing(browser))("says what to do when training diverges, and keeps working", async () => {
    const { page } = await openApp(browser, {
      fragment: `${SMALL}&optimizer=sgd&learningRate=500&loss=meanSquaredError&layers=flatten;dense:units=10`,
    });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(
      page,
      "#notices",
      /The training diverged: the loss became NaN or infinite in epoch 1, batch \d+\. Try a learning rate/,
    );
    await page.waitForSelector("#restart:not([disabled])");
    expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(false);
  });

  test.skipIf(missing(browser))("a worker that is killed costs the epoch under way, no more", async () => {
    const { page } = await openApp(browser, { fragment: `${SMALL}&epochs=5000` });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(page, "#status", /Epoch ([3-9]|\d\d)/);
    await page.evaluate(() => {
      for (const worker of window.noted.workers) worker.terminate();
    });
    await waitForText(page, "#notices", /(worker|kernel thread) ended unexpectedly/);
    const kept = await waitForText(page, "#notices", /weights that it had after epoch (\d+)/);
    const status = await waitForText(page, "#status", /epochs? trained/);
    const epochs = Number(/after epoch (\d+)/.exec(kept)![1]);
    expect(status).toMatch(new RegExp(`^${epochs} epochs trained\\b`));
    // It has learned, and goes on from there.
    expect(Number.parseFloat(await textOf(page, ".glance-accuracy"))).toBeGreaterThan(30);
    await page.click("#train");
    const on = await waitForText(page, "#status", new RegExp(`^Epoch \\d+ of ${epochs + 5000}`));
    expect(Number(/\d+/.exec(on)![0])).toBeGreaterThan(epochs);
    await page.click("#stop");
    await waitForText(page, "#status", /epochs trained/);
  });
});
