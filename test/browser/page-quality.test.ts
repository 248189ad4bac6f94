import { describe, expect, test } from "vitest";
import { findings, openApp, servePage, train, violations } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=600&batchSize=20&epochs=1";

servePage();

describe.each(BROWSERS)("the page in %s", (browser) => {
  test.skipIf(missing(browser)).each([
    ["light, wide", { dark: false, width: 1280 }],
    ["dark, narrow", { dark: true, width: 390 }],
  ])("%s: axe finds nothing on any tab, before and after training", async (_, options) => {
    const { page, errors } = await openApp(browser, { fragment: SMALL, ...options });
    await page.waitForSelector(".samples canvas, .fold:not([open])");
    const found: string[] = [];
    const look = async (where: string) => {
      for (const finding of await findings(page)) found.push(`${where}: ${finding}`);
    };
    const tabs = ["train", "results", "draw", "teach", "benchmark"];
    for (const tab of tabs) {
      await page.click(`#tab-${tab}`);
      if (tab === "teach") await page.waitForSelector("#taught-classes");
      await look(`${tab}, untrained`);
    }
    await page.click("#tab-train");
    await page.$$eval(".fold", (folds) => {
      for (const fold of folds) (fold as HTMLDetailsElement).open = true;
    });
    await page.click("#layers .edit button");
    await page.waitForSelector(".layer-editor");
    await look("train, editing");
    await train(page);
    for (const tab of tabs) {
      await page.click(`#tab-${tab}`);
      if (tab === "results") {
        await page.waitForSelector("#classes");
        await page.click(".matrix button:not(.diagonal)");
      }
      await look(`${tab}, trained`);
    }
    expect(found).toEqual([]);
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });
});
