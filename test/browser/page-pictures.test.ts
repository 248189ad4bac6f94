import { encode } from "fast-png";
import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { encodeIdxImages, encodeIdxLabels, generateDigits } from "../../src/node.ts";
import { dropFiles, openApp, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

const SMALL = "images=2000&model=mlp&batchSize=20&epochs=3";

servePage();

/** What the model is shown, one byte a pixel. */
function seen(page: Page): Promise<number[]> {
  return page.$eval(".seen canvas", (canvas) =>
    [...(canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, 28, 28).data].filter(
      (_, i) => i % 4 === 0,
    ),
  );
}

function centreOf(pixels: readonly number[]): [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((value, i) => {
    mass += value;
    x += value * (i % 28);
    y += value * Math.floor(i / 28);
  });
  return [x / mass, y / mass];
}

describe.each(BROWSERS)("pictures and drawings in %s", (browser) => {
  test.skipIf(missing(browser))("a PNG or JPEG that is dropped is classified as a drawing is", async () => {
    const { page, errors } = await openApp(browser, { fragment: SMALL });
    await train(page);
    const { test: set } = await generateDigits({ train: 1, test: 12 });
    const right: string[] = [];
    for (let i = 0; i < set.count; i++) {
      const data = set.images.slice(784 * i, 784 * (i + 1));
      const name = `${i}.png`;
      await dropFiles(page, [
        { name, bytes: encode({ width: 28, height: 28, channels: 1, depth: 8, data }) },
      ]);
      // Of the model's own size: taken as it is, pixel for pixel.
      await page.waitForFunction(
        (expected) => {
          const canvas = document.querySelector<HTMLCanvasElement>(".seen canvas");
          const pixels = canvas?.getContext("2d")?.getImageData(0, 0, 28, 28).data;
          return pixels?.filter((_, at) => at % 4 === 0).join() === expected;
        },
        { timeout: 10_000, polling: 50 },
        data.join(),
      );
      right.push((await textOf(page, "#drawn-class")) === String(set.labels[i]) ? name : "");
    }
    expect(right.filter(Boolean).length).toBeGreaterThanOrEqual(7);
    expect(await page.$eval("#tab-draw", (tab) => tab.getAttribute("aria-selected"))).toBe("true");

    // A photo: dark ink on light paper, far from the middle, of another size and shape.
    const jpeg = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(900, 500);
      const context = canvas.getContext("2d")!;
      context.fillStyle = "#e8e4da";
      context.fillRect(0, 0, 900, 500);
      context.fillStyle = "#1b2430";
      context.fillRect(700, 40, 30, 250);
      const blob = await canvas.convertToBlob({ type: "image/jpeg" });
      return [...new Uint8Array(await blob.arrayBuffer())];
    });
    await dropFiles(page, [{ name: "photo.jpg", bytes: Uint8Array.from(jpeg) }]);
    await waitForText(page, ".seen", /light and dark swapped, scaled, and centred by its mass/);
    const pixels = await seen(page);
    expect(Math.max(...pixels)).toBeGreaterThan(200);
    for (const at of centreOf(pixels)) expect(Math.abs(at - 14)).toBeLessThan(1);
    await waitForText(page, "#drawn-class", /^\d$/);
    await page.click("#clear-pad");
    await waitForText(page, ".answer-text", /Draw something/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("digits in files of one's own are drawn for as digits are", async () => {
    const { page, errors } = await openApp(browser, { fragment: "model=mlp&epochs=1" });
    const { train: set } = await generateDigits({ train: 400, test: 1 });
    await dropFiles(page, [
      { name: "images", bytes: encodeIdxImages(set) },
      { name: "labels", bytes: encodeIdxLabels(set.labels) },
    ]);
    await waitForText(
      page,
      "#dataset",
      /80 of 400 images, the same share of each class, are kept for the test/,
    );
    await train(page);
    await page.click("#tab-draw");
    const box = (await (await page.$("#pad"))!.boundingBox())!;
    // In the pad's upper left corner, where no digit of the files lies.
    await page.mouse.move(box.x + 0.1 * box.width, box.y + 0.05 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.12 * box.width, box.y + 0.3 * box.height, { steps: 8 });
    await page.mouse.up();
    await waitForText(page, "#drawn-class", /^\d$/);
    for (const at of centreOf(await seen(page))) expect(Math.abs(at - 14)).toBeLessThan(1);
    expect(errors).toEqual([]);
  });
});
