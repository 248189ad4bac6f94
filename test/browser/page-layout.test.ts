import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { dropFiles, openApp, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=1200&batchSize=20&epochs=2";

servePage();

declare global {
  interface Window {
    shifts: string[];
  }
}

/** Where the parts of the Train tab begin, in pixels from the page's top. */
function places(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const found: Record<string, number> = {};
    for (const where of ["#curves", ".plot", "#curves .epochs", "#glance", ".glance", "#diagram", "#filters"])
      document.querySelectorAll(where).forEach((element, i) => {
        found[`${where} ${i}`] = element.getBoundingClientRect().top + scrollY;
      });
    return found;
  });
}

/** Collects what the browser itself counts as a shift, from now on. */
async function watchShifts(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.shifts = [];
    if (!PerformanceObserver.supportedEntryTypes.includes("layout-shift")) return;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        sources: { node?: Element }[];
      })[])
        window.shifts.push(
          `${entry.value} ${entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName)}`,
        );
    }).observe({ type: "layout-shift", buffered: true });
  });
}

describe.each(BROWSERS)("the layout in %s", (browser) => {
  test.skipIf(missing(browser)).each([
    ["a wide window", 1280],
    ["a phone", 390],
  ])("%s: nothing moves when the page has loaded, nor when figures come", async (_, width) => {
    const { page, errors } = await openApp(browser, { fragment: SMALL, width });
    await watchShifts(page);
    await page.waitForSelector(".samples canvas");
    const fresh = await places(page);
    expect(Object.keys(fresh)).toHaveLength(8);
    /** Nothing has moved, but for fractions of a pixel. */
    const still = async () => {
      const now = await places(page);
      const moved = Object.keys(now).filter((where) => Math.abs(now[where]! - fresh[where]!) >= 1);
      expect(moved.map((where) => [where, fresh[where], now[where]])).toEqual([]);
    };
    await page.click("#train");
    await waitForText(page, ".legend b", /\d/);
    await still();
    await waitForText(page, "#status", /2 epochs trained$/);
    await waitForText(page, ".glance-accuracy", /%/);
    await still();
    expect(await page.evaluate(() => window.shifts)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser)).each([390, 600, 800, 960, 1100, 1280])(
    "what layers do is told beside each other, not over each other, at %i px",
    async (width) => {
      const { page } = await openApp(browser, { fragment: SMALL, width });
      await page.waitForSelector("#diagram li");
      const wide = await page.$$eval("#diagram li", (stages) =>
        stages
          .filter(
            ({ scrollWidth, clientWidth, children }) =>
              scrollWidth > clientWidth ||
              [...children].some((part) => part.getBoundingClientRect().width > clientWidth + 1),
          )
          .map(({ textContent }) => textContent),
      );
      expect(wide).toEqual([]);
    },
  );

  test.skipIf(missing(browser)).each([360, 1280])(
    "what the model is saved as can be read and told apart, at %i px",
    async (width) => {
      const { page } = await openApp(browser, { fragment: SMALL, width });
      await page.waitForSelector(".samples canvas");
      await train(page);
      await page.click("#tab-results");
      await page.waitForSelector("#save-as");
      const { shown, wide } = await page.$eval("#save-as", (element) => {
        const select = element as HTMLSelectElement;
        const context = document.createElement("canvas").getContext("2d")!;
        context.font = getComputedStyle(select).font;
        // But for the arrow and what is around the text.
        const room = select.clientWidth - 40;
        const cut = (text: string) => {
          let length = text.length;
          while (context.measureText(text.slice(0, length)).width > room) length--;
          return text.slice(0, length);
        };
        const { scrollWidth } = document.documentElement;
        const past =
          select.getBoundingClientRect().right -
          select.closest(".actions")!.parentElement!.getBoundingClientRect().right;
        return {
          shown: [...select.options].map(({ text }) => cut(text)),
          wide: scrollWidth > innerWidth || past > 0,
        };
      });
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown[0]).toMatch(/^wasmgrad's m/);
      expect(wide).toBe(false);
    },
  );

  test.skipIf(missing(browser))("a note goes with the page of a phone, a fault stays", async () => {
    const { page } = await openApp(browser, { fragment: "nonsense", width: 390 });
    await waitForText(page, "#notices", /a part that this page cannot read/);
    const covered = () =>
      page.evaluate(() => {
        scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
        return document.querySelector("#notices")!.getBoundingClientRect().bottom > 0;
      });
    expect(await covered()).toBe(false);
    await dropFiles(page, [{ name: "empty.bin", bytes: new Uint8Array() }]);
    await waitForText(page, "#notices", /empty\.bin is empty/);
    expect(await covered()).toBe(true);
  });

  test.skipIf(missing(browser))("a phone shows the whole class table, and ways to all results", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL, width: 390 });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(page, "#status", /2 epochs trained$/);
    expect(await page.$eval(".run-bar", (bar) => bar.getBoundingClientRect().height)).toBeLessThan(100);
    await page.click("#tab-results");
    await page.waitForSelector("#classes");
    const [inside, room] = await page.$eval("#classes .scroll", (box) => [box.scrollWidth, box.clientWidth]);
    expect(inside).toBeLessThanOrEqual(room!);
    const buttons = await page.$$(".results-nav button");
    expect(buttons).toHaveLength(6);
    for (const [i, id] of ["confusion", "wrong", "correct", "inside", "filters", "classes"].entries()) {
      // By the keyboard: a mouse would have to meet a page that may still be scrolling.
      await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
      await buttons[i]!.focus();
      await page.keyboard.press("Enter");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe(id);
      // In sight below the bar.
      await page.waitForFunction(
        (part) => {
          const { top } = document.getElementById(part)!.getBoundingClientRect();
          const bar = document.querySelector(".run-bar")!.getBoundingClientRect().bottom;
          return top >= bar - 1 && top < innerHeight - 60;
        },
        { polling: 50 },
        id,
      );
    }
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("experts' settings are folded away until one is changed", async () => {
    const { page } = await openApp(browser);
    const open = () => page.$eval("#advanced", (details) => (details as HTMLDetailsElement).open);
    const shown = () =>
      page.$$eval("#training label", (labels) =>
        labels.filter((label) => label.checkVisibility()).map((label) => label.textContent),
      );
    expect(await open()).toBe(false);
    expect(await shown()).toEqual(["Epochs", "Learning rate", "Batch size", "Validation share"]);
    expect(await textOf(page, "main")).not.toMatch(/\bIDX\b/);
    const other = await openApp(browser, { fragment: "optimizer=sgd" });
    expect(await other.page.$eval("#advanced", (details) => (details as HTMLDetailsElement).open)).toBe(true);
  });
});

describe("a run's outcome in chromium", () => {
  test.skipIf(missing("chromium"))("a run that diverges is told while it runs, and at its end", async () => {
    const { page, errors } = await openApp("chromium", {
      fragment: "images=2000&batchSize=20&epochs=400&learningRate=1",
    });
    await page.waitForSelector(".samples canvas");
    await page.click("#train");
    await waitForText(
      page,
      "#notices",
      /ran away: the loss reached \S+ in epoch 1.*Stop it\. Try a learning rate of 0\.001/,
    );
    expect(await textOf(page, "#status")).toMatch(/^Epoch/);
    await waitForText(page, "#status", /^Epoch ([3-9]|\d\d)/);
    // Numbers on the axis are whole: none is cut at the left.
    const ticks = await page.evaluate(() => {
      const drawn: string[] = [];
      const fill = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y, most) {
        if (x - this.measureText(text).width < 0 && this.textAlign === "right") drawn.push(text);
        return fill.call(this, text, x, y, most as number);
      };
      dispatchEvent(new Event("resize"));
      return new Promise<string[]>((resolve) => setTimeout(() => resolve(drawn), 1000));
    });
    expect(ticks).toEqual([]);
    await page.click("#stop");
    await waitForText(page, "#status", /epochs? trained: it diverged$/);
    await waitForText(
      page,
      "#notices",
      /The training ran away.*Try a learning rate of 0\.001, which suits most models; it was 1\./,
    );
    expect(await textOf(page, "#notices")).not.toContain("Stop it");
    await page.click("#tab-results");
    await waitForText(page, "#headline", /The training ran away/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing("chromium"))("the epoch that is kept is marked, an overfit is told", async () => {
    const { page, errors } = await openApp("chromium", { fragment: "images=400&batchSize=20&epochs=30" });
    await train(page);
    expect(await textOf(page, "#status")).toBe("30 epochs trained: it overfits");
    const said = await textOf(page, "#notices");
    expect(said).toMatch(
      /overfits from epoch \d+ on.*The weights of epoch \d+, the best by validation accuracy, were kept/,
    );
    const kept = /weights of epoch (\d+),/.exec(said)![1];
    expect(await textOf(page, "#curves .panel-head .muted")).toBe(`epoch ${kept}, the best, is kept`);
    await page.click("#curves summary");
    expect(await textOf(page, "#epochs tr.kept th")).toBe(`kept: ${kept}`);
    // Its validation accuracy is the best, and the first of equals.
    const rows = await page.$$eval("#epochs tbody tr", (found) =>
      found.map((row) => Number.parseFloat(row.children[4]!.textContent!)),
    );
    expect(rows.indexOf(Math.max(...rows))).toBe(Number(kept) - 1);
    expect(errors).toEqual([]);
  });
});
