import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/model-file.ts";
import { encodeIdxImages, encodeIdxLabels } from "../../src/node.ts";
import { weightsSha256 } from "../../src/train/weights.ts";
import { bars } from "../cli/helpers.ts";
import {
  dropFiles,
  fetched,
  openApp,
  savedFile,
  servePage,
  textOf,
  train,
  waitForText,
} from "./page-support.ts";
import { BROWSERS, type BrowserName, launchOwn, missing } from "./support/browsers.ts";

// A training survives what becomes of its page, and goes on when asked: to the same bits as one that was never interrupted.

/** Epochs that are long enough to be met by a test. */
const EPOCHS = 4;
const SETTINGS = `images=2500&model=keras-mnist&batchSize=10&epochs=${EPOCHS}&seed=7`;
const button = (label: string) => `::-p-text(${label})`;

servePage();

interface Place {
  readonly epoch: number;
  readonly batch: number;
}

/** Where the training is that the browser keeps; undefined where it keeps none. */
const keptPlace = (page: Page): Promise<Place | undefined> =>
  page.evaluate(
    () =>
      new Promise<{ epoch: number; batch: number } | undefined>((resolve, reject) => {
        const opening = indexedDB.open("wasmgrad-trainings");
        opening.onupgradeneeded = () => opening.result.createObjectStore("pieces");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const all = opening.result.transaction("pieces").objectStore("pieces").getAll();
          all.onerror = () => reject(all.error);
          all.onsuccess = () => {
            opening.result.close();
            const state = all.result.map(({ value }) => value?.state).find((found) => found);
            resolve(state && { epoch: state.epoch, batch: state.batch });
          };
        };
      }),
  );

/** Names of all that the browser keeps of trainings; `add`: keeps something under that name. */
const keptNames = (page: Page, add?: string): Promise<string[]> =>
  page.evaluate(
    (name) =>
      new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open("wasmgrad-trainings");
        opening.onupgradeneeded = () => opening.result.createObjectStore("pieces");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const objects = opening.result.transaction("pieces", "readwrite").objectStore("pieces");
          if (name) objects.put({ value: {}, pieces: 0 }, [name, 0]);
          const keys = objects.getAllKeys();
          keys.onerror = () => reject(keys.error);
          keys.onsuccess = () => {
            opening.result.close();
            resolve([...new Set(keys.result.map((key) => String((key as unknown[])[0])))].sort());
          };
        };
      }),
    add,
  );

/** Changes what is kept of the only training: what lies at `path`. */
const alterKept = (page: Page, path: readonly string[], value: unknown): Promise<void> =>
  page.evaluate(
    (keys, own) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("wasmgrad-trainings");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const transaction = opening.result.transaction("pieces", "readwrite");
          const cursor = transaction.objectStore("pieces").openCursor();
          cursor.onsuccess = () => {
            const found = cursor.result;
            if (found && (found.key as unknown[])[1] !== 0) return found.continue();
            const frame = found!.value;
            let inner = frame.value;
            for (const key of keys.slice(0, -1)) inner = inner[key];
            inner[keys.at(-1)!] = own;
            found!.update(frame);
          };
          transaction.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      }),
    path,
    value,
  );

/** Waits until a training is kept that is so far. */
async function kept(page: Page, enough: (place: Place) => boolean): Promise<Place> {
  for (;;) {
    const place = await keptPlace(page);
    if (place && enough(place)) return place;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All that a training ended with, clocks left out. */
async function outcome(page: Page) {
  await waitForText(page, "#status", new RegExp(`^${EPOCHS} epochs trained`));
  await page.click("#curves summary");
  const rows = await page.$$eval("#epochs tbody tr", (found) =>
    found.map((row) => [...row.children].map((cell) => cell.textContent!)),
  );
  // Images/s apart.
  const figures = rows.map((row) => row.slice(0, -1));
  await page.click("#tab-results");
  await waitForText(page, "#test-accuracy", /%/);
  const accuracy = await textOf(page, "#test-accuracy");
  await page.click("#save-model");
  const { bytes } = await savedFile(page);
  return { figures, accuracy, sha256: weightsSha256(readModel(bytes).tensors) };
}

const uninterrupted = new Map<BrowserName, ReturnType<typeof outcome>>();
function expected(browser: BrowserName): ReturnType<typeof outcome> {
  const found = uninterrupted.get(browser);
  if (found) return found;
  const made = openApp(browser, { fragment: SETTINGS }).then(async ({ page, errors }) => {
    await train(page);
    // What has ended is not kept.
    expect(await keptPlace(page)).toBeUndefined();
    const ended = await outcome(page);
    expect(ended.figures).toHaveLength(EPOCHS);
    expect(errors).toEqual([]);
    return ended;
  });
  uninterrupted.set(browser, made);
  return made;
}

const start = async (page: Page) => {
  // The browser asks whether to leave.
  page.on("dialog", (dialog) => void dialog.accept());
  await page.waitForSelector(".samples canvas");
  await page.click("#train");
};

const pause = async (page: Page) => {
  await page.click("#train");
  return waitForText(page, "#status", /^Paused\. Epoch \d/);
};

describe.each(BROWSERS)("an interrupted training in %s", (browser) => {
  const skip = missing(browser);

  test.skipIf(skip)("goes on after a reload from within an epoch, to the same bits", async () => {
    const whole = await expected(browser);
    const { page, errors } = await openApp(browser, { fragment: SETTINGS });
    await start(page);
    await waitForText(page, "#status", /^Epoch 2 of 4: [1-9]/);
    const status = await pause(page);
    const [told] = /\d/.exec(status)!;
    // Where the epoch has just ended, from the next one.
    const place = await kept(page, (now) => now.epoch === Number(told) - (now.batch > 0 ? 1 : 0));
    expect(place.batch).toBeLessThanOrEqual(200);
    const epoch = place.epoch + 1;
    await page.reload();
    await fetched(page);
    const where = `${epoch} of ${EPOCHS}`;
    await waitForText(
      page,
      "#notices",
      new RegExp(`^A training was interrupted at epoch ${where}: keras-mnist on digits, `),
    );
    await page.locator(button("Go on")).click();
    await waitForText(page, "#status", new RegExp(`^Epoch ${epoch}`));
    expect(await outcome(page)).toEqual(whole);
    expect(await textOf(page, "#notices")).toBe("");
    expect(await keptPlace(page)).toBeUndefined();
    expect(errors).toEqual([]);
  });

  test.skipIf(skip)("goes on after its tab was closed, twice", async () => {
    const whole = await expected(browser);
    const { page, errors } = await openApp(browser, { fragment: SETTINGS });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await pause(page);
    const context = page.browserContext();
    await page.close();
    const again = await openApp(browser, { context });
    await again.page.locator(button("Go on")).click();
    await waitForText(again.page, "#status", /^Epoch \d of 4: [1-9]/);
    await pause(again.page);
    await again.page.close();
    const third = await openApp(browser, { context });
    await third.page.locator(button("Go on")).click();
    expect(await outcome(third.page)).toEqual(whole);
    expect([...errors, ...again.errors, ...third.errors]).toEqual([]);
  });

  test.skipIf(skip)("goes on after the browser was killed, to the same bits", async () => {
    const whole = await expected(browser);
    const profile = await mkdtemp(join(tmpdir(), "wasmgrad-profile-"));
    try {
      const first = await launchOwn(browser, profile);
      const killed = await openApp(browser, { fragment: SETTINGS, context: first.defaultBrowserContext() });
      await start(killed.page);
      await kept(killed.page, ({ epoch }) => epoch >= 1);
      await pause(killed.page);
      const { pid } = first.process()!;
      process.kill(pid!, "SIGKILL");
      await new Promise((resolve) => first.once("disconnected", resolve));
      const second = await launchOwn(browser, profile);
      try {
        const { page, errors } = await openApp(browser, { context: second.defaultBrowserContext() });
        await waitForText(page, "#notices", /^A training was interrupted at epoch [234] of 4: /);
        await page.locator(button("Go on")).click();
        expect(await outcome(page)).toEqual(whole);
        expect(errors).toEqual([]);
      } finally {
        await second.close();
      }
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  /** Long, so that it is under way until it is stopped. */
  const LONG = "images=600&model=mlp&batchSize=20&epochs=9000";

  test.skipIf(skip)("is offered by no other tab while it goes on, and until it is discarded", async () => {
    const { page, errors } = await openApp(browser, { fragment: LONG });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    const context = page.browserContext();
    const other = await openApp(browser, {
      context,
      fragment: "images=600&model=mlp&batchSize=20&epochs=2&seed=2",
    });
    // Longer than it waits for the lock.
    await train(other.page);
    await other.page.waitForSelector("#kept");
    expect(await textOf(other.page, "#notices")).toBe("");
    // Nor does its end take the other's away.
    expect(await keptPlace(page)).toBeDefined();
    await other.page.reload();
    await fetched(other.page);
    await waitForText(other.page, "#notices", /^A model that you trained here is kept/);
    await page.close();
    await other.page.reload();
    await waitForText(
      other.page,
      "#notices",
      /A training was interrupted at epoch \d+ of 9000: mlp on digits/,
    );
    await other.page.locator(button("Discard")).click();
    await waitForText(other.page, "#notices", /^A model that you trained here is kept[^!]*Forget it$/);
    expect(await keptPlace(other.page)).toBeUndefined();
    expect([...errors, ...other.errors]).toEqual([]);
  });

  test.skipIf(skip)("is not kept once it is stopped, and trained on it is kept again", async () => {
    const { page, errors } = await openApp(browser, { fragment: LONG });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await page.click("#stop");
    await waitForText(page, "#status", /epochs trained/);
    expect(await keptPlace(page)).toBeUndefined();
    const before = Number(/\d+/.exec(await textOf(page, "#status"))![0]);
    await page.click("#train");
    await kept(page, ({ epoch }) => epoch > before);
    await page.reload();
    await page.locator(button("Go on")).click();
    await waitForText(page, "#status", new RegExp(`^Epoch \\d+ of ${before + 9000}: `));
    // What was trained before is there.
    await page.click("#curves summary");
    expect(await textOf(page, "#epochs tbody tr:first-child th")).toBe("1");
    await page.click("#stop");
    await waitForText(page, "#status", /epochs trained/);
    expect(errors).toEqual([]);
  });

  test.skipIf(skip)("goes on after its worker was killed, to the same bits", async () => {
    const whole = await expected(browser);
    const { page } = await openApp(browser, { fragment: SETTINGS });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await pause(page);
    await page.evaluate(() => {
      for (const worker of window.noted.workers) worker.terminate();
    });
    await waitForText(page, "#notices", /A training was interrupted at epoch [234] of 4: /);
    await page.locator(button("Go on")).click();
    await waitForText(page, "#status", /^Epoch [234] of 4: /);
    expect(await outcome(page)).toEqual(whole);
    expect(await keptPlace(page)).toBeUndefined();
  });

  const bytes = (count: number) => [
    { name: "train-images", bytes: encodeIdxImages(bars(count)) },
    { name: "train-labels", bytes: encodeIdxLabels(bars(count).labels) },
  ];
  const OWN = "layers=flatten;dense:units=3,activation=softmax&batchSize=4&epochs=9000";

  test.skipIf(skip)("brings the files back that it trains on", async () => {
    const { page, errors } = await openApp(browser, { fragment: OWN });
    await dropFiles(page, bytes(120));
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    // The second time that it is kept says that its images are, too.
    await pause(page);
    await page.reload();
    await page.locator(button("Go on")).click();
    await waitForText(page, "#status", /^Epoch \d+ of 9000: /);
    expect(await page.$eval("[name=dataset]", (select) => (select as HTMLSelectElement).value)).toBe("files");
    await page.click("#stop");
    await waitForText(page, "#status", /epochs? trained/);
    expect(errors).toEqual([]);
  });

  test.skipIf(skip)("asks for its files where there is no room for them, and takes no others", async () => {
    const { page } = await openApp(browser, {
      fragment: OWN,
      before: () => {
        const put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
          if (Array.isArray(key) && String(key[0]).endsWith(" data"))
            throw new DOMException("full", "QuotaExceededError");
          return put.call(this, value, key);
        };
      },
    });
    await dropFiles(page, bytes(120));
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await page.reload();
    await page.locator(button("Go on")).click();
    await waitForText(page, "#notices", /Open the files again that it trains on/);
    await dropFiles(page, bytes(90));
    await waitForText(
      page,
      "#notices",
      /These are other images than those that the interrupted training has/,
    );
    await dropFiles(page, bytes(120));
    await waitForText(page, "#status", /^Epoch \d+ of 9000: /);
    expect(await textOf(page, "#notices")).toBe("");
  });

  test.skipIf(skip)("that went wrong for want of a worker, or of memory, stays and goes on", async () => {
    const whole = await expected(browser);
    const { page } = await openApp(browser, { fragment: SETTINGS });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await pause(page);
    await page.reload();
    await fetched(page);
    const offer = /A training was interrupted at epoch [234] of 4: /;
    await waitForText(page, "#notices", offer);
    await page.evaluate(() => {
      const { Worker } = window;
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          window.Worker = Worker;
          throw new RangeError("short of memory");
        }
      };
    });
    await page.locator(button("Go on")).click();
    await waitForText(page, "#notices", /The training cannot go on now, and stays kept: short of memory\./);
    await waitForText(page, "#notices", offer);
    expect(await keptPlace(page)).toBeDefined();
    await page.evaluate(() => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (this: Worker, message: unknown, ...rest: never[]) {
        if ((message as { method?: string }).method === "fit") {
          Worker.prototype.postMessage = post;
          throw new RangeError("short of memory");
        }
        return post.call(this, message, ...rest);
      } as typeof post;
    });
    await page.locator(button("Go on")).click();
    await waitForText(page, "#notices", /^Short of memory\./);
    await waitForText(page, "#notices", offer);
    expect(await keptPlace(page)).toBeDefined();
    await page.locator(button("Go on")).click();
    expect(await outcome(page)).toEqual(whole);
    expect(await keptPlace(page)).toBeUndefined();
  });

  test.skipIf(skip)("that cannot be read when the page opens stays, and is offered when it can", async () => {
    const { page, errors } = await openApp(browser, { fragment: LONG });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    const context = page.browserContext();
    await page.close();
    const again = await openApp(browser, {
      context,
      before: () => {
        const get = IDBObjectStore.prototype.get;
        IDBObjectStore.prototype.get = function (this: IDBObjectStore, key: IDBValidKey) {
          if (Array.isArray(key) && !document.title.endsWith("!"))
            throw new DOMException("busy", "UnknownError");
          return get.call(this, key);
        } as typeof get;
      },
    });
    await waitForText(
      again.page,
      "#notices",
      /A training was interrupted that cannot be read now, and stays kept: busy\./,
    );
    expect(await keptPlace(again.page)).toBeDefined();
    await again.page.evaluate(() => {
      document.title += "!";
    });
    await again.page.locator(button("Go on")).click();
    await waitForText(
      again.page,
      "#notices",
      /^A training was interrupted at epoch \d+ of 9000: mlp on digits/,
    );
    expect([...errors, ...again.errors]).toEqual([]);
  });

  test.skipIf(skip)("that a newer page kept, or that no page can read, is discarded when asked", async () => {
    const { page, errors } = await openApp(browser, { fragment: LONG });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await pause(page);
    const [name] = await keptNames(page);
    await keptNames(page, `${name} data`);
    await alterKept(page, ["version"], 2);
    await page.reload();
    const unread = /^A training was interrupted that cannot be read now, and stays kept: /;
    await waitForText(page, "#notices", new RegExp(`${unread.source}a newer version has kept it`));
    // It is still a newer one.
    await page.locator(button("Go on")).click();
    await waitForText(page, "#notices", new RegExp(`${unread.source}a newer version has kept it`));
    await page.evaluate(() => {
      const remove = IDBObjectStore.prototype.delete;
      IDBObjectStore.prototype.delete = () => {
        IDBObjectStore.prototype.delete = remove;
        throw new DOMException("read-only", "UnknownError");
      };
    });
    // What the browser does not remove is told of again.
    await page.locator(button("Discard")).click();
    await waitForText(page, "#notices", new RegExp(`${unread.source}read-only\\.`));
    expect(await keptPlace(page)).toBeDefined();
    await page.locator(button("Discard")).click();
    await waitForText(page, "#notices", /^$/);
    await expect.poll(() => keptNames(page), { timeout: 20_000 }).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.skipIf(skip)("whose state, weights or model can never fit is removed once that is told", async () => {
    for (const [path, value, told] of [
      [["state", "batch"], -1, /^The training cannot go on: what is kept of it is damaged\.$/],
      [["state", "weights", "0", "name"], "x", /^Weights for '[^']+' are missing\.$/],
      [["beside", "model", "layers", "0", "type"], "nope", /^The training cannot go on: .*no layer type has/],
    ] as const) {
      const { page } = await openApp(browser, { fragment: LONG });
      await start(page);
      await kept(page, ({ epoch }) => epoch >= 1);
      await pause(page);
      await alterKept(page, path, value);
      await page.reload();
      await page.locator(button("Go on")).click();
      await waitForText(page, "#notices", told);
      await expect.poll(() => keptNames(page), { timeout: 20_000 }).toEqual([]);
    }
  });

  test.skipIf(skip)("that is damaged is removed once that is told", async () => {
    const { page } = await openApp(browser, { fragment: LONG });
    await start(page);
    await kept(page, ({ epoch }) => epoch >= 1);
    await pause(page);
    await page.reload();
    await waitForText(page, "#notices", /A training was interrupted at epoch \d+ of 9000: /);
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open("wasmgrad-trainings");
          opening.onsuccess = () => {
            const transaction = opening.result.transaction("pieces", "readwrite");
            const objects = transaction.objectStore("pieces");
            const keys = objects.getAllKeys();
            keys.onsuccess = () => {
              for (const key of keys.result) if ((key as unknown[])[1] === 1) objects.delete(key);
            };
            transaction.oncomplete = () => {
              opening.result.close();
              resolve();
            };
          };
        }),
    );
    await page.locator(button("Go on")).click();
    await waitForText(page, "#notices", /^The training cannot go on: what is kept as "[^"]+" is damaged\.$/);
    expect(await keptNames(page)).toEqual([]);
  });

  test.skipIf(skip)("leaves no images behind that nobody can train on", async () => {
    // Closed before it was kept for the first time.
    const { page } = await openApp(browser);
    await keptNames(page, "page 1-gone data");
    await keptNames(page, "page 2-open data");
    await page.evaluate(
      () =>
        new Promise<void>((held) => {
          void navigator.locks.request("wasmgrad-training page 2-open", () => {
            held();
            return new Promise(() => {});
          });
        }),
    );
    const context = page.browserContext();
    const other = await openApp(browser, { context });
    await expect.poll(() => keptNames(other.page), { timeout: 20_000 }).toEqual(["page 2-open data"]);
    await page.close();
    await other.page.reload();
    await expect.poll(() => keptNames(other.page), { timeout: 20_000 }).toEqual([]);
    // Diverged before it was kept for the first time.
    const diverges = await openApp(browser, {
      fragment:
        "layers=flatten;dense:units=3&optimizer=sgd&learningRate=10&loss=meanSquaredError&batchSize=4&epochs=2",
    });
    await dropFiles(diverges.page, bytes(120));
    await start(diverges.page);
    await waitForText(diverges.page, "#notices", /diverged|became/);
    await expect.poll(() => keptNames(diverges.page), { timeout: 20_000 }).toEqual([]);
  });

  test.skipIf(skip)("that diverged goes on with a lower rate", async () => {
    const { page } = await openApp(browser, {
      fragment:
        "images=2000&batchSize=20&epochs=12&optimizer=sgd&learningRate=0.3&loss=meanSquaredError&layers=flatten;dense:units=10",
    });
    await start(page);
    const offered = await waitForText(
      page,
      "#notices",
      /diverged in epoch \d+ of 12\. It can go on from epoch \d+, as it was before, with a learning rate of /,
    );
    const [, epoch, rate] = /from epoch (\d+), as it was before, with a learning rate of (\d\S*)\./.exec(
      offered,
    )!;
    // The page remembers it, and what became of it.
    await page.reload();
    await page.locator(button(`Go on with ${rate}`)).click();
    await waitForText(page, "#status", new RegExp(`^Epoch ${epoch}|^12 epochs trained`));
    await waitForText(page, "#status", /^12 epochs trained/);
    expect(await page.$eval("[name=learningRate]", (input) => (input as HTMLInputElement).value)).toBe(rate);
    expect(await keptPlace(page)).toBeUndefined();
  });

  test.skipIf(skip)("without storage it trains, and says so once", async () => {
    const { page, errors } = await openApp(browser, {
      fragment: SETTINGS,
      before: () => Object.defineProperty(window, "indexedDB", { value: undefined }),
    });
    await start(page);
    await waitForText(
      page,
      "#notices",
      /^This browser keeps nothing of this page, as in some private windows: the training goes on, but not after a reload\.$/,
    );
    await waitForText(page, "#status", /^4 epochs trained/);
    expect(errors).toEqual([]);
  });
});
