import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DATASETS } from "../../src/data/index.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { miniDataset } from "./support/mini.ts";
import { type Route, type Server, serve } from "./support/server.ts";

const WORKER = new URL("../../dist/browser/worker.js", import.meta.url);
const mini = miniDataset();
const other = miniDataset(2);
const names = [...mini.files.keys()];

/** Requests that reached a mirror, as /mirror/file. */
const asked: string[] = [];

/** A mirror at a path: each file by this answer. */
function mirror(path: string, answer: (file: string) => Route): Record<string, Route> {
  const entries = names.map((file): [string, Route] => [
    `/${path}/${file}`,
    (request, response) => {
      asked.push(request.url!);
      return answer(file)(request, response);
    },
  ]);
  return Object.fromEntries(entries);
}
const sends =
  (files: ReadonlyMap<string, Buffer>) =>
  (file: string): Route =>
  (_, response) =>
    void response.end(files.get(file));
/** The worker script with something before it. */
const sabotaged =
  (prelude: string): Route =>
  async (_, response) => {
    response.setHeader("Content-Type", "text/javascript");
    response.end(`${prelude}\n${await readFile(WORKER, "utf8")}`);
  };

const routes: Record<string, Route> = {
  ...mirror("good", sends(mini.files)),
  ...mirror("lying", sends(other.files)),
  ...mirror("cut", (file) => (_, response) => {
    response.end(mini.files.get(file)!.subarray(0, 40));
  }),
  ...mirror("broken", () => (_, response) => void response.writeHead(503).end()),
  ...mirror("silent", () => () => {}),
  ...mirror("page", () => (_, response) => void response.end("<!doctype html><p>Sign in")),
  "/refused.js": sabotaged(
    `CacheStorage.prototype.open = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));`,
  ),
  "/full.js": sabotaged(
    `Cache.prototype.put = () => Promise.reject(new DOMException("Quota exceeded.", "QuotaExceededError"));`,
  ),
};

/** What a load without fault looks like from outside. */
const whole = {
  name: "mini",
  classes: 4,
  counts: [40, 20],
  images: mini.images,
  labels: mini.labels,
  notices: [] as unknown[],
  progress: expect.any(Array),
};

describe.each(BROWSERS)("%s", (name) => {
  const reason = missing(name);
  const title = (text: string) => (reason ? `${text}: ${reason}` : text);
  let server: Server;
  let opened: OpenPage;
  beforeAll(async () => {
    if (reason) return;
    server = await serve({ routes });
    opened = await open(name, `${server.origin}/empty.html`);
  });
  afterAll(async () => {
    if (reason) return;
    await closePage(opened.page);
    await server.close();
  });
  beforeEach(async () => {
    asked.length = 0;
    if (!reason) await opened.page.evaluate(`caches.delete("wasmgrad-data")`);
  });

  const call = <T = unknown>(method: string, ...args: unknown[]): Promise<T> =>
    opened.page.evaluate(
      `import("/test/browser/pages/data.js").then((page) => page.${method}(...${JSON.stringify(args)}))`,
    ) as Promise<T>;
  const load = <T = unknown>(options: object) => call<T>("load", mini.info, options);

  test.skipIf(reason)(title("digits are generated in a worker, the same as on the page"), async () => {
    const { expected, results } = await call<{ expected: string; results: object[] }>("digits");
    for (const result of results)
      expect(result).toMatchObject({ name: "digits", counts: [40, 20], images: expected });
  });

  test.skipIf(reason)(title("fetched, verified, kept, and read again with no mirror in reach"), async () => {
    const first = await load<{ progress: { file: string; received: number; total: number }[] }>({
      mirrors: ["/good"],
    });
    expect(first).toEqual(whole);
    expect(asked).toEqual(names.map((file) => `/good/${file}`));
    for (const file of names) {
      const reports = first.progress.filter((report) => report.file === file);
      expect(reports.at(-1)).toEqual({
        file,
        received: mini.files.get(file)!.length,
        total: expect.any(Number),
      });
    }
    expect(await call("kept")).toEqual([...names].sort());
    expect(await load({ mirrors: ["http://127.0.0.1:1/"] })).toEqual({ ...whole, progress: [] });
    expect(opened.errors).toEqual([]);
  });

  test.skipIf(reason)(title("storage: false keeps nothing"), async () => {
    expect(await load({ mirrors: ["/good"], storage: false })).toEqual(whole);
    expect(await call("kept")).toEqual([]);
  });

  test.skipIf(reason)(title("a kept file that was damaged is fetched again, and said"), async () => {
    await load({ mirrors: ["/good"] });
    await call("damage", "trainImages.gz");
    asked.length = 0;
    expect(await load({ mirrors: ["/good"] })).toEqual({
      ...whole,
      notices: [
        expect.stringMatching(/Mini images: trainImages\.gz in the browser's storage.*Fetching it again/),
      ],
    });
    expect(asked).toEqual(["/good/trainImages.gz"]);
  });

  test.skipIf(reason)(
    title("mirrors that are down, lie, or send something else are passed over"),
    async () => {
      const mirrors = ["http://127.0.0.1:1/", "/none", "/broken", "/page", "/cut", "/lying", "/good"];
      expect(await load({ mirrors })).toEqual(whole);
      expect(asked).toContain("/lying/trainImages.gz");
    },
  );

  test.skipIf(reason)(title("no good mirror: every one's reason, nothing kept"), async () => {
    const result = await load<{ error: string }>({ mirrors: ["/broken", "/page", "/lying"] });
    expect(result).toMatchObject({ code: "download", isDataError: true });
    expect(result.error).toContain("Mini images: no mirror delivered trainImages.gz");
    expect(result.error).toContain("/broken/trainImages.gz: HTTP 503");
    expect(result.error).toMatch(/\/page\/trainImages\.gz: .*web page/);
    expect(result.error).toMatch(/\/lying\/trainImages\.gz: the SHA-256 .* expected/);
    expect(await call("kept")).toEqual([]);
  });

  test.skipIf(reason)(title("a mirror that falls silent is given up"), async () => {
    const result = await load<{ error: string }>({ mirrors: ["/silent"], stallTimeoutMs: 150 });
    expect(result.error).toContain("stalled: nothing came for 150 ms");
  });

  test.skipIf(reason).each([
    ["refused", "/refused.js", "The operation is insecure."],
    ["full", "/full.js", "Quota exceeded."],
  ])(title("storage that is %s: the data all the same, and one notice"), async (_, workerUrl, why) => {
    expect(await load({ mirrors: ["/good"], workerUrl })).toEqual({
      ...whole,
      notices: [expect.stringContaining(`the browser's storage cannot keep the files: ${why}`)],
    });
    expect(await call("kept")).toEqual([]);
  });

  test.skipIf(reason)(title("an abort rejects with the signal's reason, at once"), async () => {
    expect(await call("aborting", mini.info, "/silent")).toEqual([
      { message: "not today", soon: true },
      { message: "enough", soon: true },
    ]);
  });

  test.skipIf(reason)(title("names that are unknown, or have no mirror for web pages"), async () => {
    expect(await call("load", "mnits")).toMatchObject({
      code: "unknown-dataset",
      error: expect.stringContaining(
        'dataset "mnits": not a known name; did you mean mnist? Expected one of mnist',
      ),
    });
    const closed = { ...mini.info, mirrors: [{ url: "http://127.0.0.1:1/", cors: false }] };
    expect(await call("load", closed)).toMatchObject({
      code: "download",
      error: expect.stringContaining("none of its mirrors lets web pages fetch (CORS)"),
    });
  });

  const folder = process.env.WASMGRAD_DATA ? join(process.env.WASMGRAD_DATA, "mnist") : "";
  const files = Object.values(DATASETS.mnist!.files).map((file) => file.name);
  const here = files.every((file) => folder && existsSync(join(folder, file)));
  test.skipIf(reason || !here)(
    title(
      `MNIST itself, from a mirror with its files${here ? "" : " (they are not in $WASMGRAD_DATA/mnist)"}`,
    ),
    async () => {
      const mirrored = await serve({
        headers: { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin" },
        routes: Object.fromEntries(
          files.map((file) => [
            `/m/${file}`,
            (_, response) => void createReadStream(join(folder, file)).pipe(response),
          ]),
        ),
      });
      const result = await call("load", "mnist", { mirrors: [`${mirrored.origin}/m/`] });
      await mirrored.close();
      expect(result).toMatchObject({
        counts: [60_000, 10_000],
        labels: [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
        notices: [],
      });
    },
  );
});

// Chromium's own quota, not a stand-in for it.
const noChromium = missing("chromium");
test.skipIf(noChromium)(`chromium with a quota of nothing${noChromium && `: ${noChromium}`}`, async () => {
  const server = await serve({ routes });
  const { page } = await open("chromium", `${server.origin}/empty.html`);
  const client = await page.createCDPSession();
  await client.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 10 });
  const result = await page.evaluate(
    `import("/test/browser/pages/data.js").then(({ load }) => load(${JSON.stringify(mini.info)}, { mirrors: ["/good"] }))`,
  );
  expect(result).toEqual({ ...whole, notices: [expect.stringMatching(/storage cannot keep .*[Qq]uota/)] });
  await closePage(page);
  await server.close();
});
