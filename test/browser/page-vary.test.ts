import { describe, expect, test } from "vitest";
import { loadDataset } from "../../src/node.ts";
import { previewAugmentation } from "../../src/train/preview-augmentation.ts";
import { buildModel } from "../../src/web/state/model.ts";
import { findings, openApp, servePage, textOf, violations, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

servePage();

/** What the pictures of the preview show, as their grey values. */
const shown = (selector: string) =>
  Array.from(document.querySelectorAll<HTMLCanvasElement>(selector), (canvas) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]!);
  });

describe.each(BROWSERS)("varying pictures in %s", (browser) => {
  test.skipIf(missing(browser))(
    "is chosen by what it does, and shows what training sees, bit by bit",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: "images=200&seed=7" });
      await page.waitForSelector(".samples canvas");
      // The run bar lies over what is scrolled: by the keyboard a field is found wherever it is.
      const fill = async (field: string, text: string) => {
        await page.focus(field);
        await page.$eval(field, (input) => (input as HTMLInputElement).select());
        await page.keyboard.type(text);
      };
      expect(await textOf(page, "#vary summary")).toBe("Vary pictures");
      await page.click("#vary summary");
      expect(await page.$$(".varied canvas")).toHaveLength(0);
      await page.click("[name=randomRotation]");
      await page.click("[name=randomFlip]");
      await page.waitForSelector(".varied li:nth-child(9) canvas");
      await waitForText(page, "#layers tbody tr:first-child", /Random rotationfactor 0\.05/);
      await waitForText(page, "#layers tbody tr:nth-child(2)", /Random fliphorizontal/);
      expect(page.url()).toContain("layers=randomRotation:factor=0.05;randomFlip:mode=horizontal;conv2d:");
      expect(await findings(page)).toEqual([]);

      const { train } = await loadDataset("digits", { train: 200, test: 200 });
      const one = train.images.subarray(0, 784);
      const { model } = buildModel(
        [
          { type: "randomRotation", factor: 0.05 },
          { type: "randomFlip", mode: "horizontal" },
          { type: "flatten" },
          { type: "dense", units: 10, activation: "softmax" },
        ],
        { name: "m", inputShape: train.shape, classes: 10, loss: "categoricalCrossentropy" },
      );
      const eight = Uint8Array.from({ length: 8 * 784 }, (_, i) => one[i % 784]!);
      const expected = async (step: number) => {
        const { pixels } = (await previewAugmentation(model!, eight, { seed: 7, step }))!;
        return Array.from({ length: 8 }, (_, i) => [...pixels.subarray(i * 784, (i + 1) * 784)]);
      };
      const first = await expected(0);
      await page.waitForFunction(
        () =>
          new Set(
            Array.from(
              document.querySelectorAll<HTMLCanvasElement>(".varied li:not(.original) canvas"),
              (c) => c.toDataURL(),
            ),
          ).size === 8,
      );
      expect(await page.evaluate(shown, ".varied li:not(.original) canvas")).toEqual(first);
      expect(await page.evaluate(shown, ".varied .original canvas")).toEqual([[...one]]);

      // Another draw is what the next step sees.
      const before = await page.$eval(".varied li:nth-child(2) canvas", (c) =>
        (c as HTMLCanvasElement).toDataURL(),
      );
      const drawn = (url: string) =>
        page.waitForFunction(
          (old) =>
            document.querySelector<HTMLCanvasElement>(".varied li:nth-child(2) canvas")!.toDataURL() !== old,
          {},
          url,
        );
      await page.click("#another-draw");
      await drawn(before);
      expect(await page.evaluate(shown, ".varied li:not(.original) canvas")).toEqual(await expected(1));

      // How much is set here, too; the rest of the options is at the layer.
      await fill("#vary [name=factor]", "0");
      await page.click("[name=randomFlip]");
      await waitForText(page, "#vary summary", /^Vary pictures: turn them$/);
      await page.waitForFunction(
        () =>
          new Set(
            Array.from(document.querySelectorAll<HTMLCanvasElement>(".varied canvas"), (c) => c.toDataURL()),
          ).size === 1,
      );
      await page.click("[name=randomRotation]");
      await waitForText(page, "#vary summary", /^Vary pictures$/);
      expect(await page.$$(".varied")).toHaveLength(0);

      // Mixed with each other, pictures are several; what does not fit says so.
      await page.click("[name=cutMix]");
      await page.waitForSelector(".varied li:nth-child(8) canvas");
      await waitForText(page, ".varied-box", /mixed with each other/);
      await page.click("[name=randomCrop]");
      await page.waitForSelector(".varied canvas[width='24']");
      await fill("#vary [name=height]", "99");
      await waitForText(page, "#vary", /shown here once the model fits/);
      expect(await violations(page)).toEqual([]);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("shows one picture where what is mixed is none any more", async () => {
    const layers =
      "randomFlip:mode=horizontal;averagePooling2d;mixUp;flatten;dense:units=10,activation=softmax";
    const { page, errors } = await openApp(browser, { fragment: `images=200&seed=7&layers=${layers}` });
    await page.waitForSelector(".varied li:nth-child(9) canvas");
    await waitForText(page, ".varied-box", /^One picture, and eight ways/);
    const { train } = await loadDataset("digits", { train: 200, test: 200 });
    expect(await page.evaluate(shown, ".varied .original canvas")).toEqual([
      [...train.images.subarray(0, 784)],
    ]);
    const pictures = await page.evaluate(shown, ".varied li:not(.original) canvas");
    // As it is, or mirrored.
    expect(new Set(pictures.map(String)).size).toBe(2);
    expect(errors).toEqual([]);
  });
});
