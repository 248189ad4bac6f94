import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRuntime } from "../../scripts/runtimes.mjs";
import {
  GOLDEN_BACKENDS,
  GOLDEN_BATCH,
  GOLDEN_RUNS,
  goldenKey,
  goldenSamples,
} from "../support/golden-runs.ts";

// The built package, imported by its name, in Bun and Deno: the weights that Node gives, for any number of threads.
const run = promisify(execFile);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const CLI = path("../../dist/cli/index.js");
const built = existsSync(CLI);
const golden: Record<string, string> = JSON.parse(readFileSync(path("../train/golden.json"), "utf8"));
const bits: string = JSON.parse(readFileSync(path("../browser/bits.json"), "utf8")).sha256;
const THREADS = [1, 2, 3];
/** Deno grants scripts nothing by itself. */
const ARGUMENTS = { bun: [], deno: ["run", "--allow-all"] };

const TRAIN = "train --digits-count 640 --epochs 2 --batch-size 64 --seed 3 --threads 2 --json";

let folder = "";
let inNode: Promise<{ stdout: string }> | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-runtimes-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(["bun", "deno"] as const)("%s", (name) => {
  const binary = findRuntime(name);
  const missing = binary ? "no dist/, run npm run build" : `no ${name}, run node scripts/runtimes.mjs`;
  const reason = binary && built ? "" : `: ${missing}`;
  const start = (...args: string[]) =>
    run(binary!, [...ARGUMENTS[name], ...args], { timeout: 50_000, maxBuffer: 2 ** 24 });

  test.skipIf(reason)(
    `ends the golden runs at the committed weights with 1, 2 and 3 threads${reason}`,
    async () => {
      const { images, labels, count } = goldenSamples();
      const file = join(folder, `${name}.bin`);
      await writeFile(file, Buffer.concat([images, labels]));
      const runs = GOLDEN_RUNS.flatMap(([model, optimizer]) =>
        GOLDEN_BACKENDS.flatMap((backend) =>
          THREADS.map((threads) => ({ name: model, optimizer, backend, threads })),
        ),
      );
      const job = JSON.stringify({ count, batchSize: GOLDEN_BATCH, runs });
      const { stdout } = await start(path("golden-runs.mjs"), file, job);
      expect(JSON.parse(stdout)).toEqual(
        runs.map((one) => ({
          ...one,
          started: one.threads,
          sha256: golden[goldenKey(one.name, one.optimizer, one.backend)],
        })),
      );
    },
  );

  test.skipIf(reason)(`gives the weights that browsers give, with 1, 2 and 3 threads${reason}`, async () => {
    const hows = JSON.stringify(THREADS.map((threads) => ({ threads })));
    const { stdout } = await start(path("../browser/pages/node-bits.mjs"), hows);
    expect(JSON.parse(stdout).results).toMatchObject(
      THREADS.map((threads) => ({ backend: "simd", threads, sha256: bits })),
    );
  });

  test.skipIf(reason)(`runs the command line: the same files as in Node${reason}`, async () => {
    const out = join(folder, name);
    const train = [CLI, ...TRAIN.split(" "), "--out"];
    inNode ??= run(process.execPath, [...train, join(folder, "node")]);
    const { stdout } = await inNode;
    await start(...train, out);
    const model = (run: string) => readFile(join(folder, run, "model.safetensors"));
    expect((await model(name)).equals(await model("node"))).toBe(true);
    const evaluated = JSON.parse((await start(CLI, "evaluate", out, "--json")).stdout);
    expect(evaluated.accuracy).toBe(JSON.parse(stdout).test.accuracy);
    // Status and message of a mistake.
    const wrong = await start(CLI, "train", "--epoch", "1").catch((error) => error);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("unknown option '--epoch'");
  });
});
