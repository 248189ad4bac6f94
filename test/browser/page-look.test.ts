import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { openApp, servePage, train, violations, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=1200&batchSize=20&epochs=2";

servePage();

/** Presses a key until an element has the focus, as those do who have no mouse. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 80; i++) {
    if (await page.evaluate((where) => document.activeElement?.matches(where) ?? false, selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key never came to ${selector}`);
}

/** Places on the pad, both axes from 0 to 1, in pixels of the window. */
async function onPad(page: Page): Promise<(x: number, y: number) => [number, number]> {
  const pad = (await page.$("#pad"))!;
  await pad.scrollIntoView();
  const box = (await pad.boundingBox())!;
  return (x, y) => [box.x + box.width * x, box.y + box.height * y];
}

async function shares(page: Page): Promise<number[]> {
  return page.$$eval(".probability .share", (cells) =>
    cells.map((cell) => Number.parseFloat(cell.textContent!.replace(/[^\d.]/g, ""))),
  );
}

describe.each(BROWSERS)("looking at a trained model in %s", (browser) => {
  test.skipIf(missing(browser))("confusion matrix, galleries, filters, layers", async () => {
    const { page, errors } = await openApp(browser, { fragment: `${SMALL}&tab=results` });
    await waitForText(page, "#panel", /Nothing is trained yet/);
    await page.click("#tab-train");
    await train(page);
    expect(await page.$$eval("#filters .pixels", (filters) => filters.length)).toBe(32);

    await page.click("#tab-results");
    await page.waitForSelector("#classes");
    const cell = await page.waitForSelector(".matrix button:not(.diagonal)");
    const [label, n] = await cell!.evaluate(
      (button) => [button.getAttribute("aria-label")!, Number(button.textContent)] as const,
    );
    const [, truth, prediction] = /^(\d) predicted as (\d): /.exec(label)!;
    await cell!.click();
    await waitForText(page, "#cell-images h3", new RegExp(`^${truth} taken for ${prediction}: ${n} image`));
    const answers = await page.$$eval("#cell-images .pick", (picks) =>
      picks.map((pick) => pick.textContent!),
    );
    expect(answers).toHaveLength(Math.min(20, n));
    for (const answer of answers) {
      expect(answer).toMatch(new RegExp(`^${prediction} `));
      expect(answer).toContain(`is ${truth}`);
    }

    // The most confidently wrong first.
    const wrong = await page.$$eval("#wrong .pick .answer", (picks) =>
      picks.map((pick) => Number(/(\d+)\s%/.exec(pick.textContent!)![1])),
    );
    expect(wrong).toEqual([...wrong].sort((a, b) => b - a));
    expect(await page.$$eval("#correct .pick", (picks) => picks.length)).toBe(20);

    const pick = await page.$("#cell-images .pick");
    const index = Number(/test image (\d+)/.exec(await pick!.evaluate((button) => button.textContent!))![1]);
    await pick!.click();
    await waitForText(page, "#inside", new RegExp(`Test image ${index}.*of class ${truth}`));
    await page.waitForFunction(
      (best) => document.querySelector("#inside .probability.best .class-name")?.textContent === best,
      { timeout: 10_000 },
      prediction,
    );
    expect(
      await page.$$eval("#inside .layer-name b", (names) => names.map((name) => name.textContent)),
    ).toEqual([
      `Test image ${index}`,
      "Convolution",
      "Max pooling",
      "Convolution",
      "Max pooling",
      "Flatten",
      "Dense",
      "Dense",
    ]);
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("a drawing is answered at once, and again as the model learns", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL });
    await train(page);
    await page.click("#tab-draw");
    const at = await onPad(page);
    await page.mouse.move(...at(0.5, 0.15));
    await page.mouse.down();
    await page.mouse.move(...at(0.5, 0.85), { steps: 12 });
    await page.mouse.up();
    await waitForText(page, "#drawn-class", /^\d$/);
    const percents = await shares(page);
    expect(percents).toHaveLength(10);
    expect(percents.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(98);
    // The picture that the model sees is centred: a stroke drawn in the corner comes to its middle.
    const seen = () =>
      page.$eval(".seen canvas", (canvas) =>
        [...(canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, 28, 28).data].filter(
          (_, i) => i % 4 === 0,
        ),
      );
    const middle = await seen();
    expect(Math.max(...middle)).toBeGreaterThan(150);
    await page.click("#clear-pad");
    await waitForText(page, ".answer-text", /Draw something/);
    await page.mouse.move(...at(0.15, 0.05));
    await page.mouse.down();
    await page.mouse.move(...at(0.15, 0.4), { steps: 12 });
    await page.mouse.up();
    await waitForText(page, "#drawn-class", /^\d$/);
    const column = (pixels: number[]) => {
      let [mass, moment] = [0, 0];
      pixels.forEach((value, i) => {
        mass += value;
        moment += value * (i % 28);
      });
      return moment / mass;
    };
    for (const pixels of [middle, await seen()]) expect(Math.abs(column(pixels) - 14)).toBeLessThan(1);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("fingers draw, too, and the page does not scroll under them", async () => {
    const { page } = await openApp(browser, { fragment: `${SMALL}&tab=draw`, width: 400 });
    const at = await onPad(page);
    await page.touchscreen.touchStart(...at(0.3, 0.2));
    for (let i = 1; i <= 6; i++) await page.touchscreen.touchMove(...at(0.3 + 0.05 * i, 0.2 + 0.1 * i));
    await page.touchscreen.touchEnd();
    await page.waitForSelector("#clear-pad:not([disabled])");
    const lit = await page.$eval("#pad", (canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i]! > 128) count++;
      return count / (width * height);
    });
    // A stroke of some 0.67 x 0.075 of the pad.
    expect(lit).toBeGreaterThan(0.03);
    expect(lit).toBeLessThan(0.09);
    expect(await page.$eval("#pad", (pad) => getComputedStyle(pad).touchAction)).toBe("none");
  });

  test.skipIf(missing(browser))("everything from settings to a drawing with the keyboard alone", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL });
    await page.waitForSelector(".samples canvas");
    await tabTo(page, "[name=epochs]");
    await page.keyboard.down("Control");
    await page.keyboard.press("a");
    await page.keyboard.up("Control");
    await page.keyboard.type("1");
    await page.keyboard.down("Shift");
    await tabTo(page, "#train");
    await page.keyboard.up("Shift");
    await page.keyboard.press("Enter");
    await waitForText(page, "#status", /^1 epoch trained/);

    await page.keyboard.down("Shift");
    await tabTo(page, "[role=tab][aria-selected=true]");
    await page.keyboard.up("Shift");
    await page.keyboard.press("ArrowRight");
    await page.waitForSelector(".matrix button");
    await tabTo(page, ".matrix button:not(.diagonal)");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#cell-images .pick");

    await page.keyboard.down("Shift");
    await tabTo(page, "[role=tab][aria-selected=true]");
    await page.keyboard.up("Shift");
    await page.keyboard.press("ArrowRight");
    await tabTo(page, "#pad");
    await page.keyboard.press(" ");
    for (let i = 0; i < 14; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press(" ");
    await waitForText(page, "#drawn-class", /^\d$/);
    await page.keyboard.press("Backspace");
    await waitForText(page, ".answer-text", /Draw something/);
    expect(errors).toEqual([]);
  });
});

describe("drawing in chromium", () => {
  test.skipIf(missing("chromium"))("a pen's pressure shows", async () => {
    const { page } = await openApp("chromium", { fragment: "images=600&tab=draw" });
    const box = (await (await page.$("#pad"))!.boundingBox())!;
    const client = await page.createCDPSession();
    const stroke = async (y: number, force: number) => {
      const pen = { pointerType: "pen", button: "left", force } as const;
      const at = (x: number) => ({ x: box.x + x * box.width, y: box.y + y * box.height });
      await client.send("Input.dispatchMouseEvent", {
        type: "mousePressed",
        buttons: 1,
        clickCount: 1,
        ...pen,
        ...at(0.2),
      });
      for (const x of [0.4, 0.6, 0.8])
        await client.send("Input.dispatchMouseEvent", { type: "mouseMoved", buttons: 1, ...pen, ...at(x) });
      await client.send("Input.dispatchMouseEvent", {
        type: "mouseReleased",
        buttons: 0,
        ...pen,
        ...at(0.8),
      });
    };
    await stroke(0.25, 0.1);
    await stroke(0.75, 0.9);
    await page.waitForSelector("#clear-pad:not([disabled])");
    const heights = await page.$eval("#pad", (element) => {
      const canvas = element as HTMLCanvasElement;
      const column = (from: number, to: number) => {
        const { data } = canvas
          .getContext("2d")!
          .getImageData(canvas.width / 2, from * canvas.height, 1, (to - from) * canvas.height);
        return data.filter((value, i) => i % 4 === 0 && value > 128).length;
      };
      return [column(0, 0.5), column(0.5, 1)];
    });
    expect(heights[0]).toBeGreaterThan(10);
    expect(heights[1]! / heights[0]!).toBeGreaterThan(1.5);
  });
});
