import { describe, expect, test } from "vitest";
import { openApp, servePage, train } from "./page-support.ts";
import { missing } from "./support/browsers.ts";
import { LONG_TASK_MS, taskTimes } from "./support/page-tasks.ts";

servePage();

describe("the page's own thread in chromium", () => {
  test.skipIf(missing("chromium"))("does no long task while the page trains and tests", async () => {
    const { page } = await openApp("chromium", { fragment: "images=3000&epochs=3" });
    await page.waitForSelector(".samples canvas");

    const times = await taskTimes(page, () => train(page));
    expect(times.length).toBeGreaterThan(100);
    expect(times.filter((time) => time > LONG_TASK_MS)).toEqual([]);

    // One that is long on purpose is found.
    const [long] = await taskTimes(page, () =>
      page.evaluate(() => {
        const began = performance.now();
        while (performance.now() - began < 500);
      }),
    );
    expect(long).toBeGreaterThan(LONG_TASK_MS);
  });
});
