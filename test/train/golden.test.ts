import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { namedModel } from "../../src/model/models.ts";
import {
  GOLDEN_BACKENDS,
  GOLDEN_BATCH,
  GOLDEN_RUNS,
  goldenKey,
  goldenSamples,
} from "../support/golden-runs.ts";
import { modelOf } from "../support/sessions.ts";

// The same bits on every machine, in every engine, for every number of threads: held by hashes of short runs.
// A change of a kernel that changes its rounding changes them. To write them anew:
//   UPDATE_GOLDEN=1 npx vitest run test/train/golden.test.ts
const FILE = new URL("golden.json", import.meta.url);
const golden: Record<string, string> = JSON.parse(readFileSync(FILE, "utf8"));
const update = process.env.UPDATE_GOLDEN === "1";

const samples = goldenSamples();

describe.each(GOLDEN_BACKENDS)("build %s", (backend) => {
  test.each(GOLDEN_RUNS)("20 steps of %s with %s end at the committed weights", async (name, optimizer) => {
    // Two threads, so that the order in which tasks end is left to chance.
    const options = { optimizer, backend, threads: 2, seed: 1 };
    const model = await modelOf(namedModel(name, [28, 28, 1], 10), options);
    const { history } = await model.fit(samples, { batchSize: GOLDEN_BATCH });
    expect(history.loss[0]).toBeLessThan(2.5);
    const key = goldenKey(name, optimizer, backend);
    const hash = await model.weightsSha256();
    if (update) golden[key] = hash;
    expect(hash, key).toBe(golden[key]);
  });
});

afterAll(() => {
  if (update) writeFileSync(FILE, `${JSON.stringify(golden, null, 2)}\n`);
});
