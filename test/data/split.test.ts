import { describe, expect, it } from "vitest";
import { splitValidation, take } from "../../src/data/index.ts";
import { takeOfEach } from "../../src/data/split.ts";
import { inMemory } from "../../src/data/streamed.ts";
import type { ImageSet } from "../../src/data/types.ts";
import { makeSet } from "./helpers.ts";

const badArgument = expect.objectContaining({ name: "DataError", code: "bad-argument" });

describe("splitValidation", () => {
  it("gives the last part to validation, without copying", () => {
    const set = makeSet(10, [2, 3, 2], 4);
    const { train, validation } = splitValidation(set, 0.2);
    expect([train.count, validation.count]).toEqual([8, 2]);
    expect(train.images).toEqual(set.images.subarray(0, 96));
    expect(validation.images).toEqual(set.images.subarray(96));
    expect(validation.labels).toEqual(set.labels.subarray(8));
    expect(validation.shape).toEqual([2, 3, 2]);
    for (const part of [train, validation]) {
      expect(part.images.buffer).toBe(set.images.buffer);
      expect(part.labels.buffer).toBe(set.labels.buffer);
    }
  });

  // Keras: split_at = math.floor(n * (1.0 - fraction)), in doubles: 0.9 of 10 leaves floor(0.9999...) = 0.
  it.each([
    [60_000, 0.2, 48_000],
    [7, 0.5, 3],
    [100, 0.29, 71],
    [3, 1 / 3, 2],
    [10, 0.3, 7],
  ])("%i images at %f train on %i, as in Keras", (count, fraction, expected) => {
    expect(splitValidation(makeSet(count, [1, 1, 1], 2), fraction).train.count).toBe(expected);
  });

  it.each([
    [10, 0.9],
    [1, 0.5],
    [10, 1e-20],
  ])("refuses an empty part: %i images at %f", (count, fraction) => {
    expect(() => splitValidation(makeSet(count, [1, 1, 1], 2), fraction)).toThrow(badArgument);
  });

  it.each([0, 1, -0.1, 1.5, Number.NaN])("refuses the fraction %f", (fraction) => {
    expect(() => splitValidation(makeSet(10, [1, 1, 1], 2), fraction)).toThrow(badArgument);
  });
});

describe("take", () => {
  it("gives the first n without copying", () => {
    const set = makeSet(5, [2, 2, 1], 3);
    const few = take(set, 3);
    expect(few.count).toBe(3);
    expect(few.images).toEqual(set.images.subarray(0, 12));
    expect(few.labels).toEqual(set.labels.subarray(0, 3));
    expect(few.images.buffer).toBe(set.images.buffer);
    expect(take(set, 5)).toEqual(set);
  });

  it.each([0, -1, 1.5, 6, Number.NaN])("refuses %f of 5", (n) => {
    expect(() => take(makeSet(5, [1, 1, 1], 2), n)).toThrow(badArgument);
  });
});

describe("of images that have something else than a class", () => {
  const images = Uint8Array.from({ length: 6 * 4 }, (_, i) => i);
  const shape = [2, 2, 1] as const;
  const masks = { images, labels: images.map((x) => x % 5), count: 6, shape };
  const numbers = {
    images,
    targets: Float32Array.from({ length: 6 * 3 }, (_, i) => i / 10),
    count: 6,
    shape,
  };
  const sets = { masks, numbers: numbers as unknown as ImageSet };

  it.each([
    ["take", take],
    ["takeOfEach", takeOfEach],
  ])("%s gives the first with theirs", (_, some) => {
    expect(some(sets.masks, 2)).toEqual({
      images: images.subarray(0, 8),
      labels: masks.labels.subarray(0, 8),
      count: 2,
      shape,
    });
    expect(some(sets.numbers, 2)).toEqual({
      images: images.subarray(0, 8),
      targets: numbers.targets.subarray(0, 6),
      count: 2,
      shape,
    });
  });

  it("splitValidation() and inMemory() give each part its own", async () => {
    expect(splitValidation(sets.masks, 0.5).validation.labels).toEqual(masks.labels.subarray(12));
    expect(splitValidation(sets.numbers, 0.5).validation.targets).toEqual(numbers.targets.subarray(9));
    const rows = Uint32Array.of(5, 1);
    expect((await inMemory(sets.masks, rows)).labels).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 0, 1, 2));
    expect(Array.from((await inMemory(sets.numbers, rows)).targets!)).toEqual(
      [15, 16, 17, 3, 4, 5].map((i) => Math.fround(i / 10)),
    );
  });
});

describe("takeOfEach", () => {
  const sorted = (...counts: number[]) => {
    const labels = Uint8Array.from(counts.flatMap((n, id) => Array<number>(n).fill(id)));
    const images = Uint8Array.from({ length: 4 * labels.length }, (_, i) => i >> 2);
    return { images, labels, count: labels.length, shape: [2, 2, 1] as const };
  };
  const counts = ({ labels }: { labels: Uint8Array }) =>
    [0, 1, 2].map((id) => labels.filter((label) => label === id).length);

  it("takes the same share of each class of sorted images, with their labels, in their order", () => {
    const set = sorted(30, 60, 10);
    const some = takeOfEach(set, 50);
    expect(some).toMatchObject({ count: 50, shape: [2, 2, 1] });
    expect(counts(some)).toEqual([15, 30, 5]);
    const rows = Array.from(some.labels, (_, i) => some.images[4 * i]!);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(Array.from(some.labels)).toEqual(rows.map((row) => set.labels[row]));
    expect(some.images).toHaveLength(200);
  });

  it.each([
    [3, [1, 1, 1]],
    [4, [1, 2, 1]],
    [2, [1, 1, 0]],
  ])("takes one of each where there is room: %i", (n, expected) => {
    expect(counts(takeOfEach(sorted(30, 60, 1), n))).toEqual(expected);
  });

  it("is the set itself where all are asked for, and refuses more", () => {
    const set = sorted(2, 2, 2);
    expect(takeOfEach(set, 6)).toEqual(set);
    expect(() => takeOfEach(set, 7)).toThrow("take: got 7; expected an integer from 1 to 6");
  });
});
