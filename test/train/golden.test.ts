import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { namedModel } from "../../src/nn/models.ts";
import { fixtureLabels, hash32 } from "../support/fixture-values.ts";
import { modelOf } from "../support/sessions.ts";

// The same bits on every machine, in every engine, for every number of threads: held by hashes of short runs.
// A change of a kernel that changes its rounding changes them. To write them anew:
//   UPDATE_GOLDEN=1 npx vitest run test/train/golden.test.ts
const FILE = new URL("golden.json", import.meta.url);
const golden: Record<string, string> = JSON.parse(readFileSync(FILE, "utf8"));
const update = process.env.UPDATE_GOLDEN === "1";

/** Bytes by a formula, brighter in a square whose place the label gives: something to learn. */
function images(count: number, labels: Uint8Array): Uint8Array {
  const start = hash32(5);
  return Uint8Array.from({ length: count * 784 }, (_, i) => {
    const [row, column] = [Math.floor((i % 784) / 28), i % 28];
    const label = labels[Math.floor(i / 784)]!;
    const inside = Math.floor(row / 7) === Math.floor(label / 3) && Math.floor(column / 9) === label % 3;
    return (hash32(start + i) % 100) + (inside ? 150 : 0);
  });
}

const COUNT = 630; // 20 steps, the last one of 22
const labels = fixtureLabels(COUNT, 6, 10);
const samples = { images: images(COUNT, labels), count: COUNT, shape: [28, 28, 1], labels };

describe.each(["scalar", "simd"] as const)("build %s", (backend) => {
  test.each([
    ["keras-mnist", "adam"],
    ["lenet5", "rmsprop"],
    ["mlp", "adamw"],
  ] as const)("20 steps of %s with %s end at the committed weights", async (name, optimizer) => {
    // Two threads, so that the order in which tasks end is left to chance.
    const options = { optimizer, backend, threads: 2, seed: 1 };
    const model = await modelOf(namedModel(name, [28, 28, 1], 10), options);
    const { history } = await model.fit(samples, { batchSize: 32 });
    expect(history.loss[0]).toBeLessThan(2.5);
    const key = `${name}, ${optimizer}, ${backend}`;
    const hash = await model.weightsSha256();
    if (update) golden[key] = hash;
    expect(hash, key).toBe(golden[key]);
  });
});

afterAll(() => {
  if (update) writeFileSync(FILE, `${JSON.stringify(golden, null, 2)}\n`);
});
