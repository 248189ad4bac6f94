import { describe, expect, test } from "vitest";
import { findings, openApp, savedFile, servePage, textOf, train, waitForText } from "./page-support.ts";
import { BROWSERS, missing } from "./support/browsers.ts";

servePage();

describe.each(BROWSERS)("callbacks and schedules in %s", (browser) => {
  test.skipIf(missing(browser))(
    "are folded away, go into the address, the run and its report, and a training that one ends says so",
    async () => {
      const { page, errors } = await openApp(browser, { fragment: "images=300&epochs=6&batchSize=20" });
      await page.waitForSelector(".samples canvas");
      expect(await page.$eval("#advanced", (fold) => (fold as HTMLDetailsElement).open)).toBe(false);
      await page.click("#advanced > summary");
      expect(await page.$$(".callback-body")).toHaveLength(0);
      await page.click("[name=earlyStopping]");
      await page.waitForSelector(".callback-body [name=patience]");
      // Nothing becomes better by so much.
      expect(await page.$eval(".callback-body .advanced", (fold) => (fold as HTMLDetailsElement).open)).toBe(
        false,
      );
      await page.click(".callback-body .advanced summary");
      await page.click(".callback-body [name=minDelta]", { count: 3 });
      await page.keyboard.type("100");
      await page.click(".callback-body [name=patience]", { count: 3 });
      await page.keyboard.type("-1");
      await waitForText(page, "#status", /Stop early, Patience, in epochs: expected a whole number/);
      await page.click(".callback-body [name=patience]", { count: 3 });
      await page.keyboard.type("2");
      await page.select("[name=schedule]", "cosineDecay");
      await waitForText(page, "#advanced", /the run has 72 steps/);
      expect(await page.$eval("[name=decaySteps]", (input) => (input as HTMLInputElement).value)).toBe("72");
      const asked = page.url();
      expect(asked).toContain("callbacks=earlyStopping:minDelta=100,patience=2");
      expect(asked).toContain("schedule=cosineDecay:initialLearningRate=0.001,decaySteps=72");
      expect(await findings(page)).toEqual([]);

      // What does not go together is told before it trains.
      await page.click("[name=reduceLROnPlateau]");
      await waitForText(page, "#status", /Lower the learning rate sets the rate, and so does Cosine decay/);
      await page.click("[name=reduceLROnPlateau]");
      await waitForText(page, "#status", /Ready to train/);

      await train(page);
      await waitForText(page, "#notices", /Training stopped early, after epoch 3 of 6/);
      expect(await textOf(page, "#status")).toContain("3 epochs trained");
      await page.click("#tab-results");
      const save = await page.waitForSelector("::-p-text(Save report)");
      await save!.click();
      const { bytes } = await savedFile(page);
      const report = new TextDecoder().decode(bytes).replace(/<[^>]*>/g, " ");
      expect(report).toMatch(/callbacks\[0\]\.\s*name\s+earlyStopping/);
      expect(report).toMatch(/callbacks\[0\]\.\s*patience\s+2/);
      expect(report).toMatch(/optimizer\.\s*learningRate\.\s*name\s+cosineDecay/);

      // The address opens with what is folded away, as it is not at its default.
      const again = await openApp(browser, { url: asked.split("#")[0]!, fragment: asked.split("#")[1]! });
      await again.page.waitForSelector(".callback-body [name=minDelta]");
      expect(await again.page.$eval("[name=minDelta]", (input) => (input as HTMLInputElement).value)).toBe(
        "100",
      );
      expect(errors.concat(again.errors)).toEqual([]);
    },
  );

  test.skipIf(missing(browser))("where a schedule has ended at 0 nobody trains on for nothing", async () => {
    const { page, errors } = await openApp(browser, {
      fragment: "images=300&epochs=1&batchSize=20&schedule=oneCycle:peak=0.004,steps=12",
    });
    await train(page);
    await (await page.waitForSelector("#train:not([disabled])"))!.click();
    await waitForText(page, "#notices", /The schedule has brought the learning rate to 0/);
    expect(await textOf(page, "#status")).toMatch(/1 epoch trained/);
    expect(errors).toEqual([]);
  });

  test.skipIf(missing(browser))(
    "a loss that is no number ends quietly with terminateOnNaN, and the outcome tells",
    async () => {
      const { page, errors } = await openApp(browser, {
        fragment:
          "images=300&epochs=3&batchSize=20&optimizer=sgd&learningRate=500&loss=meanSquaredError&layers=flatten;dense:units=10&callbacks=terminateOnNaN",
      });
      await page.waitForSelector(".samples canvas");
      await page.click("#train");
      await waitForText(page, "#notices", /diverged|no longer finite|infinite/i);
      await waitForText(page, "#status", /it diverged/);
      expect(errors).toEqual([]);
    },
  );
});
