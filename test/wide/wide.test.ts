import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadWasmBytes } from "#platform";
import * as api from "../../src/index.ts";
import { GOLDEN_BATCH, GOLDEN_RUNS, goldenKey, goldenSamples } from "../support/golden-runs.ts";
import { node24, noWide } from "../support/node24.ts";
import { NETS, trained } from "./nets.ts";

// Builds with pairs of vectors, of which Node 24 makes 256-bit instructions: the bits of the builds without.
const run = promisify(execFile);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const golden: Record<string, string> = JSON.parse(readFileSync(path("../train/golden.json"), "utf8"));
const bits: string = JSON.parse(readFileSync(path("../browser/bits.json"), "utf8")).sha256;
/** All code is that of the optimising compiler, from the first call on: what it makes of pairs is what is tested. */
const OPTIMIZED = "--no-liftoff";
const inNode24 = async (...args: string[]) =>
  (await run(node24!, args, { maxBuffer: 2 ** 28, timeout: 240_000 })).stdout;

describe("in this Node, whatever it makes of pairs", () => {
  test.each(Object.keys(NETS))("the bits of the simd build: %s", { timeout: 60_000 }, async (name) => {
    const wasm = await loadWasmBytes("wide");
    const simd = await trained(api, name, { backend: "simd", threads: 1 });
    expect(simd.loss).toBeGreaterThan(0);
    expect(await trained(api, name, { backend: "simd", wasm, threads: 1 })).toEqual(simd);
  });

  test.skipIf(process.versions.node.startsWith("24."))(
    "a runtime without 256-bit lanes says why it refuses them",
    async () => {
      const model = api.sequential([api.dense({ units: 1, inputShape: [1] })]);
      const error = await model
        .compile({ backend: "wide", loss: "meanSquaredError" })
        .catch((error) => error);
      expect(error.message).toBe(
        `backend 'wide': 256-bit lanes are for Node 24 with V8 13.6, and this is Node ${process.versions.node} with V8 ${process.versions.v8}; use backend 'auto'`,
      );
    },
  );
});

describe("in Node 24, on 256-bit lanes", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wasmgrad-wide-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.skipIf(noWide)(`the bits of the builds without pairs${noWide}`, { timeout: 240_000 }, async () => {
    const results = JSON.parse(
      await inNode24(OPTIMIZED, path("nets.ts"), "simd", "wide", "relaxed", "relaxed-wide"),
    );
    expect(results.simd).toHaveLength(Object.keys(NETS).length);
    expect(results.wide).toEqual(results.simd);
    expect(results["relaxed-wide"]).toEqual(results.relaxed);
  });

  test.skipIf(noWide)(
    `the golden weights, with 1, 2 and 3 threads${noWide}`,
    { timeout: 240_000 },
    async () => {
      const { images, labels, count } = goldenSamples();
      const file = join(folder, "samples.bin");
      await writeFile(file, Buffer.concat([images, labels]));
      const runs = GOLDEN_RUNS.flatMap(([name, optimizer]) =>
        [1, 2, 3].map((threads) => ({ name, optimizer, backend: "wide", threads })),
      );
      const job = JSON.stringify({ count, batchSize: GOLDEN_BATCH, runs });
      const results = JSON.parse(await inNode24(OPTIMIZED, path("../runtimes/golden-runs.mjs"), file, job));
      expect(results).toEqual(
        runs.map((one) => ({
          ...one,
          started: one.threads,
          sha256: golden[goldenKey(one.name, one.optimizer, "simd")],
        })),
      );
    },
  );

  // With the baseline compiler's code first, as users have it.
  test.skipIf(noWide)(`the weights that browsers give${noWide}`, { timeout: 240_000 }, async () => {
    const hows = [1, 2].map((threads) => ({ threads, backend: "wide" }));
    const { results } = JSON.parse(
      await inNode24(path("../browser/pages/node-bits.mjs"), JSON.stringify(hows)),
    );
    expect(results).toMatchObject(hows.map((how) => ({ ...how, sha256: bits })));
  });

  test.skipIf(noWide)(
    `auto takes them where they pass a test, and says so; else simd, and says why${noWide}`,
    { timeout: 120_000 },
    async () => {
      // Builds that stand in for the wide one: of other bits, and of none.
      const script = `import { wideChoice, chooseWide } from "./dist/engine/platform/wide.js";
        import { loadWasmBytes } from "./dist/engine/platform/node.js";
        const load = async (name) => name !== "wide" ? loadWasmBytes(name)
          : process.argv[1] === "none" ? new Uint8Array(8) : loadWasmBytes(process.argv[1]);
        console.log(JSON.stringify([await chooseWide(load), await wideChoice()]));`;
      const choice = async (build: string) =>
        JSON.parse(
          (await run(node24!, ["--input-type=module", "-e", script, build], { cwd: path("../..") })).stdout,
        );
      expect(await choice("wide")).toEqual([
        true,
        "256-bit lanes: this processor and V8 have them, and they give the bits of simd",
      ]);
      expect(await choice("relaxed-wide")).toEqual([
        false,
        "256-bit lanes gave other bits than simd in a test",
      ]);
      const [taken, why] = await choice("none");
      expect(taken).toBe(false);
      expect(why).toMatch(/^256-bit lanes could not be tested: /);
      const limited = await run(
        "sh",
        ["-c", `ulimit -v 60000000; exec "$0" "$@"`, node24!, "--input-type=module", "-e", script, "wide"],
        { cwd: path("../..") },
      );
      expect(JSON.parse(limited.stdout)).toEqual([
        false,
        "256-bit lanes are not tested where the system limits a process's addresses (ulimit -v)",
      ]);
      const profiled = await inNode24(
        path("../../dist/cli/index.js"),
        "profile",
        "--json",
        "--repetitions",
        "1",
      );
      expect(JSON.parse(profiled)).toMatchObject({
        backend: "wide",
        backendChoice: "256-bit lanes: this processor and V8 have them, and they give the bits of simd",
      });
    },
  );

  test.skipIf(noWide)(`WASMGRAD_WIDE=0 turns them off${noWide}`, { timeout: 60_000 }, async () => {
    const script = `import { dense, sequential } from "wasmgrad";
      const model = sequential([dense({ units: 1, inputShape: [1] })]);
      const loss = "meanSquaredError";
      console.log(await model.compile({ backend: "wide", loss }).catch(({ message }) => message));
      await model.compile({ loss });
      console.log(model.session.engine.backend);`;
    const { stdout } = await run(node24!, ["--input-type=module", "-e", script], {
      cwd: path("../.."),
      env: { ...process.env, WASMGRAD_WIDE: "0" },
    });
    expect(stdout).toBe(
      "backend 'wide': WASMGRAD_WIDE=0 turns 256-bit lanes off; use backend 'auto'\nsimd\n",
    );
  });
});
