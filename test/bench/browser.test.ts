import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "./run-script.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-bench-browser-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const machine = {
  cpu: "A CPU",
  cores: 2,
  os: "Linux x64",
  node: "v20.0.0",
  date: "2026-11-22",
  load: 0,
  wasmgrad: "1.2.3",
};
const row = (what: string, batch: number, node: number, chromium: number) => ({
  build: "simd",
  threads: 1,
  what,
  batch,
  figures: { node, chromium },
  samples: {},
  ratios: { chromium: chromium / node },
});
const report = {
  machine,
  quick: false,
  others: 0.02,
  runtimes: [
    { id: "node", name: "Node", version: "20.0.0" },
    { id: "chromium", name: "Chromium", version: "150" },
    { id: "firefox", name: "firefox", reason: "no firefox: install it" },
  ],
  rows: [row("training", 32, 8000, 8400), row("inference", 100, 20_000, 18_000)],
  skipped: [{ id: "chromium", build: "relaxed", threads: 2, reason: "it lacks relaxed SIMD" }],
  tfjs: {
    version: "4.22.0",
    rows: [
      { backend: "cpu", training: 4, inference: 50 },
      { backend: "webgl", training: 100, inference: 1000, renderer: "ANGLE (SwiftShader)" },
    ],
    skipped: [],
  },
};

describe("npm run bench:browser", () => {
  test("explains itself", async () => {
    const { status, stdout } = await run("browser/run.mjs", "--help");
    expect(status).toBe(0);
    for (const option of [
      "--builds",
      "--threads",
      "--browsers",
      "--no-tfjs",
      "--quick",
      "--json",
      "--rounds",
    ])
      expect(stdout).toContain(option);
  });

  test.each([
    [["--bogus"], "bogus"],
    [["--builds", "simd,avx"], "'avx'"],
    [["--threads", "0"], "'0'"],
    [["--browsers", "safari"], "'safari'"],
    [["--rounds", "1.5"], "'1.5'"],
  ])("refuses %j", async (args, message) => {
    const { status, stdout, stderr } = await run("browser/run.mjs", ...args);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("fills its table in the README: ratios to Node, to TensorFlow.js, and what is missing", async () => {
    const [json, readme] = [join(folder, "browser.json"), join(folder, "README.md")];
    await writeFile(json, JSON.stringify(report));
    await writeFile(readme, "# A\n<!-- bench:browser -->\nold\n<!-- /bench -->\nB\n");
    const args = ["--browser", json, "--readme", readme];
    expect(await run("readme-tables.mjs", ...args)).toMatchObject({ status: 0, stderr: "" });
    const text = await readFile(readme, "utf8");
    expect(text).not.toContain("old");
    for (const line of [
      "| training, batch 32, simd, 1 thread | 8000 | 8400 (1.05x) | - |",
      "| inference, batch 100, simd, 1 thread | 20000 | 18000 (0.90x) | - |",
      "| TensorFlow.js 4.22.0, cpu | 4.00 | 2100 | 50.0 | 360 |",
      "| TensorFlow.js 4.22.0, webgl (drawn in software) | 100 | 84.0 | 1000 | 18.0 |",
      "- No relaxed on 2 in Chromium: it lacks relaxed SIMD",
      "- No firefox: no firefox: install it",
    ])
      expect(text).toContain(line);
    expect(text).toContain("wasmgrad 1.2.3, A CPU, 2 cores");
    expect(text).toContain("Chromium 150");
    expect(text).not.toContain("DISTURBED");
    expect(text.endsWith("<!-- /bench -->\nB\n")).toBe(true);
  });

  test("says that the machine was busy", async () => {
    const [json, readme] = [join(folder, "busy.json"), join(folder, "BUSY.md")];
    await writeFile(json, JSON.stringify({ ...report, others: 1.52 }));
    await writeFile(readme, "<!-- bench:browser -->\n<!-- /bench -->\n");
    await run("readme-tables.mjs", "--browser", json, "--readme", readme);
    expect(await readFile(readme, "utf8")).toContain("DISTURBED: other processes kept 1.5 cores busy");
  });

  test("is told from other results", async () => {
    const [json, readme] = [join(folder, "peers.json"), join(folder, "OTHER.md")];
    await writeFile(json, JSON.stringify({ machine, rows: [], threads: [1] }));
    await writeFile(readme, "<!-- bench:browser -->\n<!-- /bench -->\n");
    const { status, stderr } = await run("readme-tables.mjs", "--browser", json, "--readme", readme);
    expect(status).toBe(1);
    expect(stderr).toContain("npm run bench:browser");
  });
});
