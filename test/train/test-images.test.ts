import { expect, test } from "vitest";
import type { ImageSet } from "../../src/data/types.ts";
import { type LossData, type LossName, lossName } from "../../src/losses/names.ts";
import type { Asked } from "../../src/train/asked.ts";
import type { Samples } from "../../src/train/samples.ts";
import { testImages } from "../../src/train/test-images.ts";
import { hash32 } from "../support/fixture-values.ts";

// A model that is a formula: what is told of its test images is counted here once more.

const COUNT = 1500;
const PIXELS = 6;
const set = {
  images: Uint8Array.from({ length: COUNT * PIXELS }, (_, i) => hash32(i) & 255),
  labels: Uint8Array.from({ length: COUNT * PIXELS }, (_, i) => hash32(i + 7) % 3),
  targets: Float32Array.from({ length: COUNT * PIXELS }, (_, i) => (hash32(i + 9) % 100) / 99),
  count: COUNT,
  shape: [2, 3, 1] as const,
};

/** Of each pixel as many numbers. */
const formula = (cols: number, logits: boolean): Asked => ({
  evaluate: async () => ({ loss: 0 }),
  async predict({ images }: Samples) {
    const bytes = images as Uint8Array;
    return Float32Array.from({ length: bytes.length * cols }, (_, i) => {
      const byte = bytes[Math.floor(i / cols)]!;
      const x = ((byte * (1 + (i % cols))) % 101) / 50 - 1;
      return logits ? x : 0.01 + 0.98 * ((x + 1) / 2);
    });
  },
});

const classesAsked = (name: LossName | LossData, cols: number, logits = false) =>
  testImages(formula(cols, logits), set as ImageSet, { kind: "masks", shape: [2, 3] }, 3, name);

test("counts every pixel of the set once, whatever the number of parts", async () => {
  const outputs = await formula(3, false).predict(set as unknown as Samples);
  const matrix = [0, 1, 2].map(() => [0, 0, 0]);
  const costs = new Float64Array(COUNT);
  for (let pixel = 0; pixel < COUNT * PIXELS; pixel++) {
    const row = [...outputs.subarray(3 * pixel, 3 * pixel + 3)];
    matrix[set.labels[pixel]!]![row.indexOf(Math.max(...row))]!++;
    costs[Math.floor(pixel / PIXELS)]! -= Math.log(row[set.labels[pixel]!]!) / PIXELS;
  }
  const { pixels, best, worst, by, shape } = await classesAsked("categoricalCrossentropy", 3);
  expect(pixels).toEqual(matrix);
  expect([by, shape]).toEqual(["crossentropy", [2, 3, 3]]);
  const order = [...costs.keys()].sort((a, b) => costs[a]! - costs[b]! || a - b);
  expect(best.map(({ index }) => index)).toEqual(order.slice(0, 8));
  expect(worst.map(({ index }) => index)).toEqual(order.slice(-8).reverse());
  for (const { index, error, output } of [...best, ...worst]) {
    expect(error).toBeCloseTo(costs[index]!, 12);
    expect(output).toEqual(outputs.slice(3 * PIXELS * index, 3 * PIXELS * (index + 1)));
  }
});

test("of logits it takes the probabilities", async () => {
  const { best } = await classesAsked({ name: "categoricalCrossentropy", fromLogits: true }, 3, true);
  const { output } = best[0]!;
  for (let at = 0; at < output.length; at += 3)
    expect(output[at]! + output[at + 1]! + output[at + 2]!).toBeCloseTo(1, 6);
});

test("of numbers' logits shares of each pixel, of a binary loss each by itself", async () => {
  const given = { ...set, targets: new Float32Array(COUNT * PIXELS * 3).fill(1 / 3) } as unknown as ImageSet;
  const asked = (name: LossName) =>
    testImages(formula(3, true), given, { kind: "numbers", shape: [2, 3, 3] }, 0, { name, fromLogits: true });
  const { index, output } = (await asked("categoricalCrossentropy")).best[0]!;
  const logits = await formula(3, true).predict(given);
  const own = [...logits.subarray(3 * PIXELS * index, 3 * PIXELS * index + 3)].map(Math.exp);
  const sum = own[0]! + own[1]! + own[2]!;
  for (const [i, part] of own.entries()) expect(output[i]).toBeCloseTo(part / sum, 6);
  const single = (await asked("binaryCrossentropy")).best[0]!;
  const first = logits[3 * PIXELS * single.index]!;
  expect(single.output[0]).toBeCloseTo(1 / (1 + Math.exp(-first)), 6);
});

test.each<[LossName, string, (y: number, t: number) => number]>([
  ["meanSquaredError", "mean squared error", (y, t) => (y - t) ** 2],
  ["meanAbsoluteError", "mean absolute error", (y, t) => Math.abs(y - t)],
  ["binaryCrossentropy", "binary crossentropy", (y, t) => -t * Math.log(y) - (1 - t) * Math.log(1 - y)],
  // Of others the squares.
  ["huber", "mean squared error", (y, t) => (y - t) ** 2],
])("ranks numbers of %s by the %s", async (loss, by, cost) => {
  const outputs = await formula(1, false).predict(set as unknown as Samples);
  const costs = Float64Array.from({ length: COUNT }, (_, i) => {
    let sum = 0;
    for (let at = i * PIXELS; at < (i + 1) * PIXELS; at++) sum += cost(outputs[at]!, set.targets[at]!);
    return sum / PIXELS;
  });
  const { labels: _, ...numbers } = set;
  const tested = await testImages(
    formula(1, false),
    numbers as unknown as ImageSet,
    { kind: "numbers", shape: [2, 3, 1] },
    0,
    loss,
  );
  expect(tested.by).toBe(by);
  expect(tested.pixels).toBeUndefined();
  const order = [...costs.keys()].sort((a, b) => costs[a]! - costs[b]! || a - b);
  expect(tested.best.map(({ index }) => index)).toEqual(order.slice(0, 8));
  expect(tested.worst.map(({ index }) => index)).toEqual(order.slice(-8).reverse());
  expect(tested.worst[0]!.error).toBeCloseTo(costs[order.at(-1)!]!, 10);
  expect(lossName(loss)).toBe(loss);
});

test("of few images none is shown twice", async () => {
  for (const count of [1, 2, 3, 9]) {
    const few = {
      ...set,
      count,
      images: set.images.subarray(0, count * PIXELS),
      labels: set.labels.subarray(0, count * PIXELS),
    };
    const { best, worst } = await testImages(
      formula(3, false),
      few as ImageSet,
      { kind: "masks", shape: [2, 3] },
      3,
      "categoricalCrossentropy",
    );
    const shown = [...best, ...worst].map(({ index }) => index);
    expect(shown.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
  }
});
