import { describe, expect, test } from "vitest";
import { openApp, servePage, textOf, train, violations, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

/** A model and a dataset small enough that an epoch takes a moment. */
const SMALL = "images=600&model=mlp&batchSize=20";
const ENDLESS = `${SMALL}&epochs=5000`;

servePage();

describe.each(BROWSERS)("the page in %s", (browser) => {
  test.skipIf(missing(browser)).each([
    ["cross-origin isolated", true],
    ["not isolated", false],
  ])("%s: one click trains, tests and shows the figures", async (_, isolated) => {
    const { page, errors } = await openApp(browser, { fragment: `${SMALL}&epochs=3`, isolated });
    await waitForText(page, "#status", /^Ready to train$/);
    await train(page);

    expect(await textOf(page, "#status")).toBe("3 epochs trained");
    expect(await page.$$eval("#epochs tbody tr, .epochs", (rows) => rows.length)).toBeGreaterThan(0);
    const engine = await textOf(page, "#engine");
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    expect(engine).toBe(isolated && cores > 1 ? `simd, ${cores} threads` : "simd, 1 thread");
    expect((await page.$("#isolation")) === null).toBe(isolated);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
    expect(Number.parseFloat(await textOf(page, ".glance-accuracy"))).toBeGreaterThan(40);
    expect(await page.$$eval(".glance .right, .glance .wrong", (images) => images.length)).toBe(20);

    await page.click("#tab-results");
    const accuracy = Number.parseFloat(await textOf(page, "#test-accuracy"));
    const diagonal = await page.$$eval(".matrix .diagonal", (cells) =>
      cells.reduce((sum, cell) => sum + Number(cell.textContent), 0),
    );
    const all = await page.$$eval(".matrix td", (cells) =>
      cells.reduce((sum, cell) => sum + Number(cell.textContent), 0),
    );
    expect(all).toBe(600);
    expect(accuracy).toBeCloseTo((100 * diagonal) / all, 1);

    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("pauses, resumes, stops, trains on and restarts", async () => {
    const { page, errors } = await openApp(browser, { fragment: ENDLESS });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(page, "#status", /Epoch ([3-9]|\d\d)/);
    await page.click("#train");
    const paused = await waitForText(page, "#status", /^Paused\. Epoch/);
    expect(await textOf(page, "#train")).toBe("Resume");
    // Paused, the worker still answers: the model can be tested.
    await page.click("#tab-results");
    await page.click("#test-now");
    await waitForText(page, "#test-accuracy", /%/);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const epoch = (text: string) => Number(/Epoch (\d+)/.exec(text)?.[1]);
    expect(epoch(await textOf(page, "#status"))).toBeLessThanOrEqual(epoch(paused) + 1);

    await page.click("#train");
    await page.waitForFunction(
      (before) =>
        Number(/^Epoch (\d+)/.exec(document.querySelector("#status")!.textContent!)?.[1]) > before + 2,
      { timeout: 20_000 },
      epoch(paused),
    );
    await page.click("#stop");
    const stopped = await waitForText(page, "#status", /(\d+) epochs trained/);
    const epochs = Number.parseInt(stopped, 10);
    expect(epochs).toBeGreaterThan(epoch(paused));
    expect(epochs).toBeLessThan(5000);

    expect(await textOf(page, "#train")).toBe("Train on");
    await page.click("#train");
    const on = await waitForText(page, "#status", new RegExp(`^Epoch \\d+ of ${epochs + 5000}`));
    expect(epoch(on)).toBeGreaterThan(epochs);
    await page.click("#restart");
    await waitForText(page, "#status", /^Epoch \d+ of 5000/);
    await page.click("#stop");
    await waitForText(page, "#status", /trained|Stopped/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("asks before it is left only while it trains", async () => {
    const { page } = await openApp(browser, { fragment: ENDLESS });
    const leaving = () =>
      page.evaluate(() => {
        const event = new Event("beforeunload", { cancelable: true });
        dispatchEvent(event);
        return event.defaultPrevented;
      });
    await page.waitForSelector(".samples canvas");
    expect(await leaving()).toBe(false);
    await page.click("#train");
    await waitForText(page, "#status", /^Epoch/);
    expect(await leaving()).toBe(true);
    await page.click("#stop");
    await waitForText(page, "#status", /trained|Stopped/);
    expect(await leaving()).toBe(false);
  });

  test.skipIf(missing(browser))("trains while its tab is hidden", async () => {
    const { page, errors } = await openApp(browser, { fragment: ENDLESS });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(page, "#status", /^Epoch/);
    const other = await page.browserContext().newPage();
    await other.bringToFront();
    await page.waitForFunction(() => document.visibilityState === "hidden", { polling: 100 });
    const epoch = async () => Number(/Epoch (\d+)/.exec(await textOf(page, "#status"))?.[1]);
    const before = await epoch();
    await page.waitForFunction(
      (n) => Number(/Epoch (\d+)/.exec(document.querySelector("#status")!.textContent!)?.[1]) > n + 5,
      { timeout: 20_000, polling: 200 },
      before,
    );
    await page.bringToFront();
    await page.click("#stop");
    await waitForText(page, "#status", /epochs trained/);
    expect(errors).toEqual([]);
  });
});
