import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import type { Dataset, ImageSet } from "../../src/data/types.ts";

const PIXELS = 28 * 28;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const imageOf = (set: ImageSet, i: number) => set.images.subarray(i * PIXELS, (i + 1) * PIXELS);

let digits: Dataset;

beforeAll(async () => {
  digits = await generateDigits();
});

/** Geometry of one image's ink: first and last inked row and column, centre of mass, sum and maximum. */
function measure(image: Uint8Array) {
  let [mass, mx, my, peak] = [0, 0, 0, 0];
  let [left, right, top, bottom] = [28, -1, 28, -1];
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const v = image[y * 28 + x]!;
      if (v === 0) continue;
      mass += v;
      mx += v * x;
      my += v * y;
      peak = Math.max(peak, v);
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  const atEdge = left === 0 || right === 27 || top === 0 || bottom === 27;
  return {
    mass,
    peak,
    cx: mx / mass,
    cy: my / mass,
    width: right - left + 1,
    height: bottom - top + 1,
    atEdge,
  };
}

describe("generateDigits", () => {
  it("makes 12,000 training and 2,000 test images of 28 x 28 by default", () => {
    expect(digits.name).toBe("digits");
    expect(digits.classNames).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    for (const [set, count] of [
      [digits.train, 12_000],
      [digits.test, 2_000],
    ] as const) {
      expect(set.count).toBe(count);
      expect(set.shape).toEqual([28, 28, 1]);
      expect(set.images.length).toBe(count * PIXELS);
      expect(set.labels.length).toBe(count);
    }
  });

  // Whoever trained on them must be able to make the same images again: a change here is a breaking change.
  it("makes the same bytes as ever for seed 1", () => {
    expect({
      trainImages: sha256(digits.train.images),
      trainLabels: sha256(digits.train.labels),
      testImages: sha256(digits.test.images),
      testLabels: sha256(digits.test.labels),
    }).toEqual({
      trainImages: "6e2060c6fa9d9a02f3d01ef305514dd266b87748f945f35973f09f821d67969e",
      trainLabels: "9991fa5040ad7ceb97a45fec3415c47ac33bea691d5baeef7047a031363fd0f7",
      testImages: "46e135786e422805f6d90d049fa6ccc16c965a8f02aa26e1196a00346b887f55",
      testLabels: "08e88bda2da9af4ec0096c7e2453dabbbdf996e37224dc7021fa0458ee5b685c",
    });
  });

  it("makes a smaller set the beginning of a larger one, whatever the size of the other set", async () => {
    // 256 images are one call of the module: sizes below, at and above one and two calls.
    for (const [train, test] of [
      [1, 513],
      [255, 1],
      [256, 257],
      [700, 0],
    ] as const) {
      const few = await generateDigits({ train, test, seed: 1 });
      expect([few.train.count, few.test.count]).toEqual([train, test]);
      for (const [part, whole] of [
        [few.train, digits.train],
        [few.test, digits.test],
      ] as const) {
        expect(sha256(part.images)).toBe(sha256(whole.images.subarray(0, part.count * PIXELS)));
        expect(part.labels).toEqual(whole.labels.subarray(0, part.count));
      }
    }
  });

  it("draws no image twice, neither within a set nor in both, nor with another seed", async () => {
    const other = await generateDigits({ train: 500, test: 500, seed: 2 });
    const sets = [digits.train, digits.test, other.train, other.test];
    const seen = new Set<string>();
    for (const set of sets) {
      for (let i = 0; i < set.count; i++) seen.add(Buffer.from(imageOf(set, i)).toString("latin1"));
    }
    expect(seen.size).toBe(15_000);
    expect(other.train.labels).not.toEqual(digits.train.labels.subarray(0, 500));
  });

  it("takes the whole range of seeds", async () => {
    const first = async (seed: number) =>
      sha256((await generateDigits({ train: 10, test: 0, seed })).train.images);
    const hashes = await Promise.all([0, 1, 2 ** 31, 2 ** 32 - 1].map(first));
    expect(new Set(hashes).size).toBe(4);
  });

  it("has each digit once in each ten images, in orders that vary", () => {
    for (const { labels } of [digits.train, digits.test]) {
      const orders = new Set<string>();
      for (let i = 0; i < labels.length; i += 10) {
        const block = [...labels.subarray(i, i + 10)];
        expect([...block].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        orders.add(block.join());
      }
      // Of 10! orders, hardly any comes up twice.
      expect(orders.size).toBeGreaterThan(labels.length / 10 - 5);
    }
    // Every digit comes up at every place of a block.
    for (let place = 0; place < 10; place++) {
      const there = new Set(digits.train.labels.filter((_, i) => i % 10 === place));
      expect(there.size).toBe(10);
    }
  });

  it("fits the ink into a box of 20 x 20, centre of mass in the middle, as MNIST does", () => {
    let largest = 0;
    let stopped = 0;
    for (let i = 0; i < digits.train.count; i++) {
      const { width, height, cx, cy, atEdge } = measure(imageOf(digits.train, i));
      const size = Math.max(width, height);
      largest = Math.max(largest, size);
      expect(size).toBeLessThanOrEqual(20);
      expect(size).toBeGreaterThanOrEqual(17);
      // To the nearest pixel, 0.05 for rounding to bytes; a lopsided glyph stops at the image's edge before that.
      const limit = atEdge ? 1 : 0.55;
      if (atEdge) stopped++;
      expect(Math.abs(cx - 14)).toBeLessThan(limit);
      expect(Math.abs(cy - 14)).toBeLessThan(limit);
    }
    expect(largest).toBe(20);
    expect(stopped).toBeLessThan(digits.train.count / 20);
  });

  it("inks every image visibly, and fills none", () => {
    const least = new Array<number>(10).fill(Number.POSITIVE_INFINITY);
    const most = new Array<number>(10).fill(0);
    for (let i = 0; i < digits.train.count; i++) {
      const { mass, peak } = measure(imageOf(digits.train, i));
      const digit = digits.train.labels[i]!;
      least[digit] = Math.min(least[digit]!, mass / 255);
      most[digit] = Math.max(most[digit]!, mass / 255);
      expect(peak).toBeGreaterThan(150);
    }
    // In pixels of full ink; a line of 20 pixels, 1 thick, has 20.
    expect(Math.min(...least)).toBeGreaterThan(12);
    expect(Math.max(...most)).toBeLessThan(300);
    expect(Math.max(...most)).toBeGreaterThan(150);
  });

  it("draws what the label says: the nearest mean image names most test digits", () => {
    const means = Array.from({ length: 10 }, () => new Float64Array(PIXELS));
    for (let i = 0; i < digits.train.count; i++) {
      const mean = means[digits.train.labels[i]!]!;
      const image = imageOf(digits.train, i);
      for (let p = 0; p < PIXELS; p++) mean[p]! += image[p]! / (digits.train.count / 10);
    }
    const right = new Array<number>(10).fill(0);
    for (let i = 0; i < digits.test.count; i++) {
      const image = imageOf(digits.test, i);
      const distances = means.map((mean) => mean.reduce((sum, m, p) => sum + (m - image[p]!) ** 2, 0));
      const digit = digits.test.labels[i]!;
      if (distances.indexOf(Math.min(...distances)) === digit) right[digit]!++;
    }
    // Of 200 each; chance gives 20. Measured: see the numbers the failure prints.
    for (const count of right) expect(count, `right of 200 for 0..9: ${right}`).toBeGreaterThan(80);
  });

  it("gives empty sets when asked for none", async () => {
    const { train, test } = await generateDigits({ train: 0, test: 0 });
    expect([train.count, train.images.length, train.labels.length]).toEqual([0, 0, 0]);
    expect([test.count, test.images.length, test.labels.length]).toEqual([0, 0, 0]);
  });

  it.each([
    [
      { train: -1 },
      "generateDigits: train is -1, expected a whole number from 0 to 1,000,000. Write: generateDigits({ train: 12000 })",
    ],
    [{ train: 1.5 }, "train is 1.5"],
    [{ test: Number.NaN }, "test is NaN"],
    [{ test: 1_000_001 }, "test is 1000001"],
    [{ seed: -1 }, "seed is -1, expected a whole number from 0 to 4,294,967,295"],
    [{ seed: 2 ** 32 }, "seed is 4294967296"],
    [
      { seed: "1" as unknown as number },
      'seed is "1", expected a whole number from 0 to 4,294,967,295. Write: generateDigits({ seed: 1 })',
    ],
  ])("refuses %o", async (options, message) => {
    await expect(generateDigits(options)).rejects.toThrow(
      expect.objectContaining({
        name: "DataError",
        code: "bad-argument",
        message: expect.stringContaining(message),
      }),
    );
  });
});
