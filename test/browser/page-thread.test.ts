import { describe, expect, test } from "vitest";
import { openApp, servePage, textOf, train } from "./page-support.ts";
import { missing } from "./support/browsers.ts";

/** The browser's own threshold. */
const LONG_TASK_MS = 50;

servePage();

describe("the page's own thread in chromium", () => {
  // What others on the machine do shows in these figures: the page is at fault only if it is every time.
  test.skipIf(missing("chromium"))(
    "no task of the page's own thread is long while it trains and tests",
    { retry: 3 },
    async () => {
      // One core is left to the page, as far as there are two.
      const { page } = await openApp("chromium", { fragment: "images=3000&epochs=4&threads=1" });
      await page.waitForSelector(".samples canvas");
      await new Promise((resolve) => setTimeout(resolve, 500));
      await page.evaluate(() => window.noted.longTasks.splice(0));
      await train(page);
      expect(await textOf(page, "#engine")).toBe("simd, 1 thread");
      const tasks = await page.evaluate(() => window.noted.longTasks);
      expect(tasks.filter((milliseconds) => milliseconds > LONG_TASK_MS)).toEqual([]);
      // The record works: a task that is long on purpose is in it.
      await page.evaluate(() => {
        setTimeout(() => {
          const began = performance.now();
          while (performance.now() - began < 120);
        });
      });
      await page.waitForFunction(() => window.noted.longTasks.some((milliseconds) => milliseconds > 100));
    },
  );
});
