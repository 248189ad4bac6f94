import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openApp, servePage, textOf, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

servePage();

describe.each(BROWSERS)("settings in %s", (browser) => {
  test.skipIf(missing(browser))(
    "the address holds the settings and the layers, and the page takes them",
    async () => {
      const { page } = await openApp(browser);
      await page.waitForSelector(".samples canvas");
      await page.select("[name=model]", "lenet5");
      await page.select("[name=optimizer]", "sgd");
      await page.click("#layers tbody tr:first-child .edit button");
      await page.click(".layer-editor [name=filters]", { count: 3 });
      await page.keyboard.type("8");
      await waitForText(page, "#layers tbody tr:first-child", /8 filters 5×5/);
      expect(await page.$eval("[name=model]", (select) => (select as HTMLSelectElement).value)).toBe(
        "custom",
      );
      const table = await page.$$eval("#layers tbody tr:not(.editor) th", (cells) =>
        cells.map((cell) => cell.textContent),
      );
      const parameters = await textOf(page, "#model-verdict");
      const url = page.url();
      expect(url).toContain("optimizer=sgd");
      expect(url).toContain("layers=conv2d:filters=8,kernelSize=5,");

      const again = await openApp(browser, { url: url.split("#")[0]!, fragment: url.split("#")[1]! });
      await again.page.waitForSelector(".samples canvas");
      expect(
        await again.page.$$eval("#layers tbody tr:not(.editor) th", (cells) =>
          cells.map((cell) => cell.textContent),
        ),
      ).toEqual(table);
      expect(await textOf(again.page, "#model-verdict")).toBe(parameters);
      expect(
        await again.page.$eval("[name=optimizer]", (select) => (select as HTMLSelectElement).value),
      ).toBe("sgd");
    },
  );

  test.skipIf(missing(browser))(
    "a model that does not fit is refused at its layer, and cannot be trained",
    async () => {
      const { page } = await openApp(browser, {
        fragment: "layers=conv2d:filters=4,kernelSize=3;dense:units=10,activation=softmax",
      });
      await waitForText(page, "#model-verdict", /Layer 'dense'.*gives an output of shape 26×26×10/);
      expect(await page.$eval("#layers tr.faulty th", (head) => head.textContent)).toContain("Dense");
      expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
      // What comes before the fault is shown.
      expect(await textOf(page, "#layers tbody tr:first-child")).toContain(
        "26 × 26 × 4".replaceAll(" ", "\u00a0"),
      );
      await page.select("[name=layer-type]", "flatten");
      await page.click("#add-layer");
      await waitForText(page, "#model-verdict", /27,090 parameters/);
      expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(false);

      await page.click("[name=batchSize]", { count: 3 });
      await page.keyboard.type("0");
      await waitForText(page, "#status", /Batch size: expected a whole number from 1/);
      expect(await page.$eval("[name=batchSize]", (input) => input.getAttribute("aria-invalid"))).toBe(
        "true",
      );
    },
  );
});

describe("the benchmark tab in chromium", () => {
  test.skipIf(missing("chromium"))("shows figures and ratios as they come, and stops", async () => {
    const { page, errors } = await openApp("chromium", {
      fragment: "tab=benchmark&images=600",
      isolated: false,
    });
    await waitForText(page, "#panel", /Nothing is measured yet.*one thread only/);
    await page.click("#start-benchmark");
    await page.waitForFunction(() => document.querySelectorAll("#bars tbody tr").length === 3, {
      timeout: 45_000,
    });
    await page.click("#stop-benchmark");
    await page.waitForSelector("#start-benchmark");
    const rows = await page.$$eval("#bars tbody tr", (found) =>
      found.map((row) => [...row.children].map((cell) => cell.textContent!)),
    );
    expect(rows.map(([build, threads]) => `${build} ${threads}`)).toEqual([
      "scalar 1",
      "simd 1",
      "relaxed 1",
    ]);
    const speeds = rows.map((cells) => Number(cells[2]!.replaceAll(",", "")));
    rows.forEach((cells, i) => {
      expect(Number(cells[3])).toBeCloseTo(speeds[i]! / speeds[0]!, 1);
    });
    // The page is free again.
    await page.click("#tab-train");
    await waitForText(page, "#status", /Ready to train/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing("chromium"))("counts what ran, and says why the rest did not", async () => {
    const { size } = await stat(new URL("../../build/relaxed.wasm", import.meta.url));
    const { page, errors } = await openApp("chromium", {
      fragment: "images=600",
      isolated: false,
      // A browser without relaxed SIMD.
      before: (relaxed) => {
        const { validate } = WebAssembly;
        WebAssembly.validate = (bytes) => bytes.byteLength !== relaxed && validate(bytes);
      },
      beforeArgument: size,
    });
    await page.click("#tab-benchmark");
    await page.click("#start-benchmark");
    await waitForText(
      page,
      ".skipped",
      /^relaxed, 1 thread: .*this runtime cannot run it \(it lacks WebAssembly relaxed SIMD\)/,
    );
    await page.waitForFunction(() => document.querySelectorAll("#bars tbody tr").length === 2, {
      timeout: 45_000,
    });
    await page.click("#stop-benchmark");
    await waitForText(
      page,
      "#benchmark-status",
      /^Measured 2 of 3 configurations; 1 could not run, see below$/,
    );
    expect(errors).toEqual([]);
  });
});
