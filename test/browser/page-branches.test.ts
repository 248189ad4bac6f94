import { describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/model-file.ts";
import {
  dropFiles,
  findings,
  openApp,
  savedFile,
  servePage,
  textOf,
  train,
  violations,
  waitForText,
} from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

servePage();

const SMALL = "images=200&batchSize=20&epochs=1";
/** 1 conv, 2 relu, 3 conv, 4 pooled, 5 dense. */
const CHAIN =
  "layers=conv2d:filters=4,kernelSize=3,padding=same;relu;conv2d:filters=4,kernelSize=3,padding=same;globalAveragePooling2d;dense:units=10,activation=softmax";

describe.each(BROWSERS)("branches in %s", (browser) => {
  test.skipIf(missing(browser))("are made by choosing inputs, and edits keep them", async () => {
    const { page, errors } = await openApp(browser, { fragment: `${SMALL}&${CHAIN}` });
    const rows = () =>
      page.$$eval("#layers tbody tr:not(.editor, .fault) th", (cells) =>
        cells.map((cell) => `${cell.firstChild!.textContent}: ${cell.querySelector("small")?.textContent}`),
      );
    // A chain has no drawing, and no numbers.
    expect(await page.$$("#layers .rail")).toHaveLength(0);
    expect((await rows())[1]).toBe("ReLU: ");

    await page.select("[name=layer-type]", "add");
    await page.click("#add-layer");
    // It is put behind the last image, and takes what has the same shape.
    await waitForText(page, "#layers", /4\. Addtakes 3 and 2/);
    await page.waitForSelector(".rail-cell .rail");
    await page.select(".layer-inputs [name=input-2]", "1");
    await waitForText(page, "#layers", /4\. Addtakes 3 and 1/);
    expect(page.url()).toContain("add:from=3x1");
    expect(await page.$("#train:disabled")).toBeNull();

    // By the keyboard: a third input, and without it again.
    await page.focus(".layer-inputs > .button");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers", /takes 3, 1 and 2/);
    await page.focus(".layer-input:nth-child(3) .button");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers", /4\. Addtakes 3 and 1/);

    // Other shapes are told at the layer, with what to do.
    await page.click("#layers tr:nth-child(4) .edit button");
    await page.click(".layer-editor [name=filters]", { count: 3 });
    await page.keyboard.type("8");
    await waitForText(page, "#layers tr.faulty + tr.fault", /Layer 4 \(Add\).*28×28×8 from 3\. Convolution/);
    expect(await textOf(page, "#layers tr.faulty th")).toContain("4. Add");
    expect(await page.$("#train:disabled")).not.toBeNull();
    await page.click(".layer-editor [name=filters]", { count: 3 });
    await page.keyboard.type("4");
    await waitForText(page, "#model-verdict", /parameters/);

    // What is removed is taken from before it, which is said, and can be taken back.
    await page.click("#layers tr:nth-child(2) .edit button");
    const remove = async () => {
      const buttons = await page.$$(".layer-actions .button");
      await buttons.at(-1)!.click();
    };
    await remove();
    await waitForText(page, "#notices", /3\. Add now takes 2\. Convolution and the image\./);
    expect(await rows()).toContain("3. Add: takes 2 and the image");
    await page.evaluate(() => {
      for (const button of document.querySelectorAll<HTMLElement>("#notices .button, #notices button"))
        if (button.textContent === "Undo") button.click();
    });
    await waitForText(page, "#layers", /4\. Addtakes 3 and 1/);

    // What was pressed keeps the focus where it moves to, and what comes after what is removed has it then.
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent,
      );
    await page.click("#layers [data-layer='2']");
    await page.focus(".layer-actions .button");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers [data-layer='1']", /Done layer 2, Convolution/);
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Move up");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers [data-layer='0']", /Done layer 1, Convolution/);
    // It is the first now, and cannot go further up.
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Move down");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers [data-layer='1']", /Done layer 2, Convolution/);
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Move down");
    await page.keyboard.press("Enter");
    await waitForText(page, "#layers [data-layer='2']", /Done layer 3, Convolution/);
    expect(await focused()).toBe("Move down");

    // A layer begins a branch: that is in its advanced settings, which are folded away.
    expect(await page.$eval(".layer-editor .advanced", (fold) => (fold as HTMLDetailsElement).open)).toBe(
      false,
    );
    await page.click(".layer-editor .advanced summary");
    await page.select(".layer-editor [name=input-1]", "0");
    await waitForText(page, "#layers tr.fault", /Layer 2 \(ReLU\) leads nowhere/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))("train, and come back from their model files", async () => {
    const { page, errors } = await openApp(browser, { fragment: `${SMALL}&model=inception` });
    await train(page);
    await page.click("#tab-train");
    const save = await page.evaluateHandle(() =>
      Array.from(document.querySelectorAll("button")).find(({ textContent }) => textContent === "Save model"),
    );
    await (save as unknown as { click(): Promise<void> }).click();
    const { bytes } = await savedFile(page);
    const { model } = readModel(bytes);
    expect(model.rows.filter(({ type }) => type === "concatenate")).toHaveLength(2);

    const other = await openApp(browser);
    await dropFiles(other.page, [{ name: "mine.safetensors", bytes }]);
    await waitForText(other.page, "#notices", /mine\.safetensors is loaded: 13,574 parameters/);
    await other.page.waitForFunction(
      () => document.querySelector<HTMLSelectElement>("[name=model]")!.value === "inception",
    );
    expect(await other.page.$$("#diagram .rail")).toHaveLength(22);
    expect(errors.concat(other.errors)).toEqual([]);
  });

  test.skipIf(missing(browser)).each([
    { dark: false, width: 1280 },
    { dark: true, width: 390 },
  ])("%o: axe finds nothing, and nothing is wider than the page", async (options) => {
    const { page } = await openApp(browser, { fragment: `${SMALL}&model=inception`, ...options });
    await page.$$eval(".fold", (folds) => {
      for (const fold of folds) (fold as HTMLDetailsElement).open = true;
    });
    // A long table is folded away where nobody edits it.
    expect(await page.$eval("#all-layers", (fold) => (fold as HTMLDetailsElement).open)).toBe(false);
    await page.click("#all-layers summary");
    await page.click("#layers tr:nth-child(11) .edit button");
    await page.waitForSelector(".layer-inputs");
    expect(await findings(page)).toEqual([]);
    const wide = await page.evaluate(() => {
      const right = document.querySelector(".layers-box")!.getBoundingClientRect().right;
      return Array.from(document.querySelectorAll("#layers *"), (element) =>
        element.getBoundingClientRect().right > right + 1 ? element.outerHTML : "",
      ).filter(Boolean);
    });
    expect(wide).toEqual([]);
    expect(await violations(page)).toEqual([]);
  });
});
