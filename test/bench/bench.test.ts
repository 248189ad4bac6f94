import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "./run-script.ts";

/** Benchmarks measure what is shipped: `npm test` builds it first. */
const built = existsSync(fileURLToPath(new URL("../../dist/engine/peak.js", import.meta.url)));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-bench-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!built)("npm run bench (needs npm run build)", () => {
  test("explains itself", async () => {
    const { status, stdout } = await run("run.mjs", "--help");
    expect(status).toBe(0);
    for (const option of ["--filter", "--builds", "--threads", "--quick", "--json", "--list"])
      expect(stdout).toContain(option);
  });

  test.each([
    [["--bogus"], "bogus"],
    [["--builds", "simd,avx"], "'avx'"],
    [["--threads", "0"], "'0'"],
    [["--filter", "no such case"], "'no such case'"],
  ])("refuses %j", async (args, message) => {
    const { status, stdout, stderr } = await run("run.mjs", ...args);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test.each([
    ["nets/run.mjs", "--rounds", "1.5", "a whole number from 1"],
    ["nets/run.mjs", "--threads", "1,0", "whole numbers from 1, such as 1,2"],
    ["inference/run.mjs", "--seconds", "0", "a number above 0"],
    ["inference/run.mjs", "--threads", "2,x", "whole numbers from 1, such as 1,2"],
    ["resnet20/run.mjs", "--steps", "x", "a whole number from 1"],
    ["transfer/run.mjs", "--images", "many", "a whole number from 1"],
  ])("%s refuses %s %s", async (script, option, value, expected) => {
    const { status, stdout, stderr } = await run(script, option, value);
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: "",
      stderr: `${option} is '${value}', expected ${expected}\n`,
    });
  });

  test("has a case for what the seed CNN is made of", async () => {
    const { stdout } = await run("run.mjs", "--list");
    const groups = new Set(stdout.split("\n").map((line) => line.split(":")[0]));
    for (const group of ["gemm", "convolution", "dense", "pooling", "activations", "losses", "optimizers"])
      expect(groups).toContain(group);
    for (const text of [
      "256x256x256 TT",
      "512x512x512",
      "fused backward",
      "training, batch 128",
      "inference",
    ])
      expect(stdout).toContain(text);
  });

  test("measures each build, and compares them", async () => {
    const file = join(folder, "quick.json");
    const filters = ["dense 2 forward", "meanSquaredError"].flatMap((text) => ["--filter", text]);
    const { status, stdout } = await run("run.mjs", "--quick", ...filters, "--json", file);
    expect(status).toBe(0);
    const report = JSON.parse(await readFile(file, "utf8"));
    expect(report.skipped).toEqual({});
    expect(report.machine).toMatchObject({ node: process.version, cores: expect.any(Number) });
    expect(Object.keys(report.peaks)).toEqual(["scalar", "simd", "relaxed"]);
    expect(report.rows).toHaveLength(3);
    const [gemm, , loss] = report.rows;
    expect(gemm).toMatchObject({ group: "gemm", flops: 2 * 32 * 10 * 64, kernels: ["gemm"] });
    expect(loss).toMatchObject({ group: "losses", flops: 0 });
    for (const { builds, ratios } of report.rows) {
      expect(Object.keys(builds)).toEqual(["scalar", "simd", "relaxed"]);
      expect(ratios["simd/scalar"]).toBeCloseTo(builds.scalar.milliseconds / builds.simd.milliseconds, 9);
      expect(ratios["relaxed/simd"]).toBeCloseTo(builds.simd.milliseconds / builds.relaxed.milliseconds, 9);
    }
    const { gflops, milliseconds, peakShare } = gemm.builds.simd;
    expect(gflops).toBeCloseTo(40_960 / milliseconds / 1e6, 6);
    expect(peakShare).toBeCloseTo(gflops / report.peaks.simd, 9);
    expect(stdout).toContain("32x10x64 NN, dense 2 forward");
  });
});

const machine = {
  cpu: "A CPU",
  cores: 2,
  os: "Linux x64",
  node: "v20.0.0",
  date: "2026-11-22",
  load: 0,
  wasmgrad: "1.2.3",
};
const result = (milliseconds: number) => ({ milliseconds, gflops: 40, peakShare: 0.8, cores: 1 });
const bench = {
  machine,
  builds: ["scalar", "simd"],
  peaks: { scalar: 12.5, simd: 50 },
  skipped: {},
  rows: [
    {
      group: "gemm",
      name: "256x256x256 NN",
      threads: 1,
      builds: { scalar: { ...result(4), gflops: 10 }, simd: result(1) },
      ratios: { "simd/scalar": 4 },
    },
  ],
};

test("bench:nets installs no other versions into the project's Python than tests do", async () => {
  const pinned = async (place: string) =>
    new Map(
      (await readFile(new URL(`../../${place}/requirements.txt`, import.meta.url), "utf8"))
        .split("\n")
        .filter((line) => line.includes("=="))
        .map((line) => line.split("==") as [string, string]),
    );
  const [nets, tests] = [await pinned("bench/nets"), await pinned("test/counterparts")];
  const both = [...nets.keys()].filter((name) => tests.has(name));
  expect(both).toEqual(["torch", "tensorflow_cpu", "keras"]);
  for (const name of both) expect([name, nets.get(name)]).toEqual([name, tests.get(name)]);
});

describe("readme-tables", () => {
  const readme = async (text: string) => {
    const file = join(folder, "README.md");
    await writeFile(file, text);
    return file;
  };
  const json = async (value: unknown) => {
    const file = join(folder, "bench.json");
    await writeFile(file, JSON.stringify(value));
    return file;
  };

  test("replaces what is between the markers, and nothing else", async () => {
    const before = "# Title\n\n<!-- bench:gemm -->\nold\nlines\n<!-- /bench -->\n\nBetween.\n";
    const kept = "<!-- bench:peers -->\nof another run\n<!-- /bench -->\n";
    const file = await readme(before + kept);
    const args = ["--readme", file, "--bench", await json(bench)];
    expect(await run("readme-tables.mjs", ...args)).toMatchObject({ status: 0, stderr: "" });
    const text = await readFile(file, "utf8");
    expect(text).not.toContain("old");
    expect(text.startsWith("# Title\n\n<!-- bench:gemm -->\n")).toBe(true);
    expect(text.endsWith(`<!-- /bench -->\n\nBetween.\n${kept}`)).toBe(true);
    expect(text).toContain("| 256x256x256 NN | 10.0 (80 %) | 40.0 (80 %) | 4.00x |");
    for (const fact of ["wasmgrad 1.2.3", "A CPU", "Node v20.0.0", "2026-11-22", "simd 50.0 GFLOP/s"])
      expect(text).toContain(fact);
    // Again: the same bytes.
    await run("readme-tables.mjs", ...args);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  test.each([
    ["<!-- bench:speed -->\n<!-- /bench -->\n", "bench:speed"],
    ["<!-- bench:gemm -->\n<!-- bench:steps -->\n<!-- /bench -->\n", "not closed"],
    ["<!-- bench:gemm -->\nno end\n", "not closed"],
    ["<!-- bench:steps -->\n<!-- /bench -->\n", "nothing of 'steps'"],
    ["no markers\n", "<!-- bench:NAME -->"],
  ])("leaves a README alone that it cannot do: %j", async (text, message) => {
    const file = await readme(text);
    const { status, stderr } = await run("readme-tables.mjs", "--readme", file, "--bench", await json(bench));
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  test("of nets: each side at its better batch, or all that was measured, and what was not is '-'", async () => {
    const row = (net: string, batch: number, speeds: object, failed = {}) => ({
      ...{ net, shape: [28, 28, 1], batch, threads: 1, speeds, failed },
      versions: { torch: "PyTorch 2.13" },
    });
    const report = {
      machine: bench.machine,
      nets: true,
      disturbed: 0.31,
      rows: [
        row("lenet5", 32, { simd: 12_000, "torch, NCHW": 8000, "torch, channels_last": 9600 }),
        row("lenet5", 128, { simd: 11_000, "torch, NCHW": 10_000 }),
        row("unet", 32, { simd: 81.26 }, { torch: "not installed" }),
      ],
    };
    const file = await readme(
      "<!-- bench:nets -->\n<!-- /bench --><!-- bench:nets-all -->\n<!-- /bench -->\n",
    );
    await run("readme-tables.mjs", "--readme", file, "--nets", await json(report));
    const text = await readFile(file, "utf8");
    const [, compact, all] = text.split("<!-- bench:");
    const titles = "| threads | simd | best native | which | simd, x |";
    const notes =
      "\n\n- Opponents: torch: PyTorch 2.13.\n- Left out: torch, not installed (unet).\n- DISTURBED: other processes kept 0.3 cores busy before or after. Measure again on a quiet machine.\n";
    expect(compact).toContain(
      `\n\n| net ${titles}
| --- | ---: | ---: | ---: | --- | ---: |
| lenet5, 28x28x1 | 1 | 12,000 | 10,000 | torch, NCHW | 1.20 |
| unet, 28x28x1 | 1 | 81.3 | - | none | - |${notes}`,
    );
    expect(all).toContain(
      `\n\n| net | batch ${titles}
| --- | ---: | ---: | ---: | ---: | --- | ---: |
| lenet5, 28x28x1 | 32 | 1 | 12,000 | 9,600 | torch, channels_last | 1.25 |
| lenet5, 28x28x1 | 128 | 1 | 11,000 | 10,000 | torch, NCHW | 1.10 |
| unet, 28x28x1 | 32 | 1 | 81.3 | - | none | - |${notes}`,
    );
  });

  test("refuses results of another kind", async () => {
    const file = await readme("<!-- bench:peers -->\n<!-- /bench -->\n");
    const { status, stderr } = await run("readme-tables.mjs", "--readme", file, "--peers", await json(bench));
    expect(status).toBe(1);
    expect(stderr).toContain("npm run bench:peers");
  });
});
