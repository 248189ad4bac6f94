import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { missing } from "../browser/support/browsers.ts";
import { run } from "./run-script.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-bench-inference-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const row = (place: string, threads: number, speeds: object, reasons = {}) => ({
  net: "keras-mnist",
  shape: [28, 28, 1],
  batch: 100,
  place,
  threads,
  speeds,
  reasons,
});
const report = {
  machine: {
    cpu: "A CPU",
    cores: 2,
    os: "Linux x64",
    node: "v20.0.0",
    date: "2026-11-22",
    load: 0,
    wasmgrad: "1.2.3",
  },
  inference: true,
  disturbed: 0.02,
  versions: { "ONNX Runtime": "1.30.0", "TensorFlow.js": "4.22.0", chromium: "150" },
  rows: [
    row("node", 1, {
      simd: 20_000,
      relaxed: 24_000,
      "one file": 99.94,
      "onnxruntime-node": 16_000,
      "onnxruntime-web": 3000,
      "tfjs-wasm": 4000,
    }),
    row("node", 2, { simd: 38_000 }, { "one file": "has one thread", "tfjs-wasm": "has one thread in Node" }),
    row("chromium", 2, { simd: 30_000, "onnxruntime-web": 5000, "tfjs-wasm": 6000 }),
    row("chromium", 1, { "onnxruntime-web": 4000 }),
  ],
};

test("fills its table in the README: ratios to the best of the others, and what has fewer threads", async () => {
  const [json, readme] = [join(folder, "inference.json"), join(folder, "README.md")];
  await writeFile(json, JSON.stringify(report));
  await writeFile(readme, "# A\n<!-- bench:inference -->\nstale\n<!-- /bench -->\nB\n");
  const args = ["--inference", json, "--readme", readme];
  expect(await run("readme-tables.mjs", ...args)).toMatchObject({ status: 0, stderr: "" });
  const text = await readFile(readme, "utf8");
  expect(text).not.toContain("stale");
  for (const line of [
    "| keras-mnist, 28x28x1 | 100 | Node | 1 | 20,000 | 24,000 | 99.9 | 16,000 | 3,000 | 4,000 | 6.00 | 1.50 |",
    "| keras-mnist, 28x28x1 | 100 | Node | 2 | 38,000 | - | - | - | - | - | - | - |",
    "| keras-mnist, 28x28x1 | 100 | Chromium | 2 | 30,000 | - | - | - | 5,000 | 6,000 | 5.00 | - |",
    "| keras-mnist, 28x28x1 | 100 | Chromium | 1 | - | - | - | - | 4,000 | - | - | - |",
    "- No one file on 2 threads in Node: has one thread.",
    "- No tfjs-wasm on 2 threads in Node: has one thread in Node.",
    "- TensorFlow.js takes half of the cores that a browser tells of",
  ])
    expect(text).toContain(line);
  expect(text).toContain("wasmgrad 1.2.3, A CPU, 2 cores");
  expect(text).toContain("Chromium 150");
  expect(text).toContain("Beside ONNX Runtime 1.30.0 and TensorFlow.js 4.22.0.");
  expect(text).not.toContain("DISTURBED");
});

test("refuses places that it cannot measure in", async () => {
  expect(await run("inference/run.mjs", "--places", "node,firefox")).toEqual({
    status: 2,
    stdout: "",
    stderr: "--places has 'firefox', expected of node, chromium, with commas between\n",
  });
});

test.skipIf(process.versions.node.startsWith("24."))(
  "measures builds on 256-bit lanes where they are asked for, in Node 24 alone",
  async () => {
    const args = ["--nets", "keras-mnist", "--batches", "1", "--threads", "1", "--places", "node"];
    const { status, stderr } = await run("inference/run.mjs", ...args, "--engines", "wide");
    expect(status).toBe(1);
    expect(stderr).toContain("backend 'wide': 256-bit lanes are for Node 24");
  },
);

const reason = missing("chromium");
test.skipIf(reason)(
  `measures in Node and in a worker of Chromium, on one thread and on two${reason && `: ${reason}`}`,
  async () => {
    const json = join(folder, "measured.json");
    const { status, stdout, stderr } = await run(
      "inference/run.mjs",
      ...["--nets", "keras-mnist", "--batches", "2", "--engines", "simd,one file"],
      ...["--rounds", "1", "--seconds", "0.01", "--json", json],
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining("chromium, 2 threads, simd"),
    });
    const { rows } = JSON.parse(await readFile(json, "utf8"));
    expect(rows.map(({ place, threads }: Record<string, unknown>) => [place, threads])).toEqual([
      ["node", 1],
      ["node", 2],
      ["chromium", 1],
      ["chromium", 2],
    ]);
    for (const { threads, speeds, reasons } of rows) {
      expect(speeds.simd).toBeGreaterThan(0);
      if (threads === 1) expect(speeds["one file"]).toBeGreaterThan(0);
      else expect(reasons).toEqual({ "one file": "has one thread" });
    }
    expect(stdout).toContain("No one file on 2 threads in Chromium: has one thread.");
  },
);
