import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Bench from "../../src/bench/index.ts";
import type { BenchmarkProgress, BenchmarkReport } from "../../src/bench/index.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

declare global {
  interface Window {
    bench: typeof Bench;
  }
}

let isolated: Server;
let plain: Server;

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as bench from "./src/bench/index.ts"; window.bench = bench;`,
      resolveDir: path("../../"),
    },
    bundle: true,
    format: "esm",
    write: false,
    tsconfigRaw: {},
    alias: { "#platform": path("../../src/engine/platform/browser.ts") },
  });
  const routes = {
    "/": (
      _: unknown,
      response: { setHeader(name: string, value: string): unknown; end(text: string): unknown },
    ) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(`<!doctype html><title>bench</title><script type="module" src="/bench.js"></script>`);
    },
    "/bench.js": (
      _: unknown,
      response: { setHeader(name: string, value: string): unknown; end(text: string): unknown },
    ) => {
      response.setHeader("Content-Type", "text/javascript; charset=utf-8");
      response.end(outputFiles[0]!.text);
    },
  };
  [isolated, plain] = await Promise.all([serve({ routes }), serve({ routes, isolated: false })]);
});
afterAll(() => Promise.all([isolated?.close(), plain?.close()]));

describe.each(BROWSERS)("the benchmark in %s", (name) => {
  const reason = missing(name);
  const why = reason && ` (${reason})`;

  async function inPage<T>(server: Server, work: (opened: OpenPage) => Promise<T>): Promise<T> {
    const opened = await open(name, `${server.origin}/`);
    try {
      return await work(opened);
    } finally {
      await closePage(opened.page);
    }
  }

  it.skipIf(reason !== "")(`measures every build and threads, and says how far it is${why}`, async () => {
    const { report, seen, errors } = await inPage(isolated, async ({ page, errors }) => {
      const result = await page.evaluate(async () => {
        const seen: { done: number; total: number; now: unknown; rows: number }[] = [];
        const report = await window.bench.runBenchmark({
          rounds: 2,
          milliseconds: 20,
          configurations: [
            { build: "scalar", threads: 1 },
            { build: "simd", threads: 1 },
            { build: "simd", threads: 2 },
            { build: "relaxed", threads: 1 },
          ],
          onProgress: ({ done, total, now, rows }: BenchmarkProgress) =>
            seen.push({ done, total, now, rows: rows.length }),
        });
        return { report, seen };
      });
      return { ...result, errors };
    });
    expect(report.skipped).toEqual([]);
    expect(
      report.rows.map(({ build, threads, what, batch }) => `${build} ${threads} ${what} ${batch}`),
    ).toEqual(
      ["scalar 1", "simd 1", "simd 2", "relaxed 1"].flatMap((configuration) =>
        ["training 32", "training 128", "inference 100"].map((task) => `${configuration} ${task}`),
      ),
    );
    for (const { imagesPerSecond, samples } of report.rows) {
      expect(imagesPerSecond).toBeGreaterThan(10);
      expect(samples).toHaveLength(2);
      for (const sample of samples) expect(Number.isFinite(sample)).toBe(true);
    }
    // 4 preparations and 2 turns of 3 tasks in each.
    expect(seen.at(-1)).toEqual({ done: 28, total: 28, now: undefined, rows: 12 });
    expect(seen[0]).toMatchObject({ done: 0, now: { build: "scalar", threads: 1 }, rows: 0 });
    expect(errors).toEqual([]);
  });

  it.skipIf(reason !== "")(
    `leaves out threads where the page is not isolated, and can be aborted${why}`,
    async () => {
      const { report, configurations, aborted } = await inPage(plain, async ({ page }) =>
        page.evaluate(async () => {
          const report: BenchmarkReport = await window.bench.runBenchmark({
            rounds: 1,
            milliseconds: 10,
            tasks: [{ what: "training", batch: 32 }],
            configurations: [
              { build: "simd", threads: 1 },
              { build: "simd", threads: 2 },
            ],
          });
          const abort = new AbortController();
          const running = window.bench.runBenchmark({
            rounds: 10_000,
            signal: abort.signal,
            configurations: [{ build: "simd", threads: 1 }],
            onProgress: ({ rows }) => {
              if (rows.length > 0) abort.abort(new Error("enough"));
            },
          });
          const aborted = await running.then(
            () => "ended",
            (error: Error) => error.message,
          );
          return { report, aborted, configurations: window.bench.defaultConfigurations() };
        }),
      );
      expect(report.rows).toHaveLength(1);
      expect(report.skipped).toHaveLength(1);
      expect(report.skipped[0]).toMatchObject({ build: "simd", threads: 2 });
      expect(report.skipped[0]!.reason).toContain("not cross-origin isolated");
      expect(aborted).toBe("enough");
      expect(configurations.map(({ build, threads }) => [build, threads])).toEqual([
        ["scalar", 1],
        ["simd", 1],
        ["relaxed", 1],
      ]);
    },
  );
});

describe("npm run bench:browser", () => {
  const reason = BROWSERS.map(missing).filter(Boolean).join("; ");

  it.skipIf(reason !== "")(
    `measures Node and both browsers side by side${reason && ` (${reason})`}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "wasmgrad-bench-"));
      try {
        const file = join(folder, "browser.json");
        const args = [
          "--quick",
          "--rounds",
          "1",
          "--builds",
          "simd",
          "--threads",
          "1",
          "--no-tfjs",
          "--json",
          file,
        ];
        const { stdout } = await promisify(execFile)(process.execPath, [
          path("../../bench/browser/run.mjs"),
          ...args,
        ]);
        const report = JSON.parse(await readFile(file, "utf8"));
        expect(report.skipped).toEqual([]);
        expect(report.runtimes.map(({ id }: { id: string }) => id)).toEqual(["node", "chromium", "firefox"]);
        expect(report.runtimes[0].version).toBe(process.versions.node);
        expect(report.rows).toHaveLength(3);
        for (const { figures, ratios } of report.rows) {
          for (const id of ["node", "chromium", "firefox"]) expect(figures[id]).toBeGreaterThan(10);
          for (const id of ["chromium", "firefox"])
            expect(ratios[id]).toBeCloseTo(figures[id] / figures.node, 9);
        }
        expect(stdout).toContain("training, batch 32, simd, 1 thread");
        expect(stdout).toMatch(/Node +Chromium +Firefox/);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
});
