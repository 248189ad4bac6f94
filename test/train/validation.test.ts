import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import type { PlainSamples, Samples } from "../../src/train/samples.ts";
import {
  countsOf,
  splitForValidation,
  VALIDATION_SOURCES,
  type ValidationSource,
} from "../../src/train/validation.ts";
import { halves, vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

afterEach(() => vi.restoreAllMocks());

/** Samples of one byte each, which is their number, with these labels. */
function labelled(labels: readonly number[]): Samples {
  const images = Uint8Array.from(labels, (_, i) => i);
  return { images, count: labels.length, shape: [1], labels: Uint8Array.from(labels) };
}

/** The same samples, sorted by their label. */
function sorted({ images, labels, count, shape }: PlainSamples & { labels: Uint8Array }) {
  const size = images.length / count;
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => labels[a]! - labels[b]! || a - b);
  return {
    shape,
    count,
    labels: Uint8Array.from(order, (i) => labels[i]!),
    images: Uint8Array.from(order.flatMap((i) => [...images.subarray(i * size, (i + 1) * size)])),
  };
}

const rowsOf = ({ rows, samples }: { rows?: Uint32Array; samples: Samples }) =>
  rows ? [...rows] : [...(samples as PlainSamples).images];

describe("splitForValidation", () => {
  test.each(VALIDATION_SOURCES)("%s: parts have the sizes that Keras's have, and share nothing", (source) => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 5 }), { minLength: 2, maxLength: 60 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.nat(),
        (labels, fraction, seed) => {
          const at = Math.floor(labels.length * (1 - fraction));
          fc.pre(at > 0 && at < labels.length);
          const { train, validation } = splitForValidation(labelled(labels), fraction, source, seed);
          const [kept, taken] = [rowsOf(train), rowsOf(validation)];
          expect([kept.length, taken.length]).toEqual([at, labels.length - at]);
          expect([train.count, validation.count]).toEqual([kept.length, taken.length]);
          expect([...kept, ...taken].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
          for (const rows of [kept, taken]) expect(rows).toEqual([...rows].sort((a, b) => a - b));
        },
      ),
    );
  });

  test("stratified: each class has its share, but for rounding, and no class is missing that need not be", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 20, maxLength: 100 }),
        fc.nat(),
        (labels, seed) => {
          const { train, validation } = splitForValidation(labelled(labels), 0.2, "stratified", seed);
          const counts = [train, validation].map((part) => countsOf(part, 10)!);
          const shareOf = (id: number) =>
            ((counts[0]![id]! + counts[1]![id]!) * validation.count) / labels.length;
          const small = Array.from({ length: 10 }, (_, id) => shareOf(id)).filter(
            (n) => n > 0 && n < 1,
          ).length;
          for (let id = 0; id < 10; id++) {
            const share = shareOf(id);
            const [kept, taken] = counts.map((c) => c[id]!) as [number, number];
            if (kept + taken > 0) expect(kept).toBeGreaterThan(0);
            // Beyond rounding, a class whose share is below one gets one at the cost of a large one.
            expect(Math.abs(taken - share)).toBeLessThan(1 + small);
            if (validation.count >= 10 && kept + taken > 1) expect(taken).toBeGreaterThan(0);
          }
        },
      ),
    );
  });

  test("stratified: exact where it can be", () => {
    const labels = [...new Array(50).fill(0), ...new Array(30).fill(1), ...new Array(20).fill(2)];
    const { validation } = splitForValidation(labelled(labels), 0.2, "stratified", 1);
    expect(countsOf(validation, 3)).toEqual([10, 6, 4]);
  });

  test("stratified: a class of one stays in training, one of two is in both parts", () => {
    const labels = [...new Array(40).fill(0), 1, 2, 2];
    const { train, validation } = splitForValidation(labelled(labels), 0.2, "stratified", 1);
    expect(countsOf(train, 3)).toEqual([32, 1, 1]);
    expect(countsOf(validation, 3)).toEqual([8, 0, 1]);
  });

  test.each(["stratified", "shuffled"] as const)("%s: the seed draws, and nothing else", (source) => {
    const samples = labelled(Array.from({ length: 60 }, (_, i) => i % 3));
    const rows = (seed: number) => rowsOf(splitForValidation(samples, 0.3, source, seed).validation);
    expect(rows(1)).toEqual(rows(1));
    expect(rows(1)).not.toEqual(rows(2));
    expect(rows(1)).not.toEqual(Array.from({ length: 18 }, (_, i) => 42 + i));
  });

  test("the draws are recorded: another version must not take other images", () => {
    const samples = labelled(Array.from({ length: 20 }, (_, i) => i >> 2));
    const rows = (source: ValidationSource) => rowsOf(splitForValidation(samples, 0.3, source, 7).validation);
    expect(rows("stratified")).toEqual([0, 6, 8, 10, 13, 19]);
    expect(rows("shuffled")).toEqual([0, 1, 2, 6, 12, 13]);
  });

  test("refuses what it cannot do", () => {
    const targets = vectors(10, 3, 2, 1);
    expect(() => splitForValidation(targets, 0.2, "stratified", 1)).toThrow(/no labels.*"shuffled"/);
    expect(splitForValidation(targets, 0.2, "shuffled", 1).validation.count).toBe(2);
    expect(() => splitForValidation(targets, 0.01, "shuffled", 1)).not.toThrow();
    expect(() => splitForValidation(targets, 0.99, "last", 1)).toThrow(
      "validationSplit 0.99 of 10 samples leaves one part empty",
    );
    expect(() => splitForValidation(vectors(1, 3, 2, 1), 0.5, "last", 1)).toThrow("0.5 of 1 sample leaves");
  });
});

describe("fit", () => {
  const layers = () => [flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })];
  const settings = { optimizer: adam({ learningRate: 0.01 }) };

  test("on data sorted by class: the last fifth misleads, and is warned of; a stratified one does not", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const samples = sorted(halves(200, 1));
    const run = async (validationFrom: ValidationSource) => {
      const model = await modelOf(layers(), settings);
      return model.fit(samples, { epochs: 6, batchSize: 16, validationSplit: 0.5, validationFrom });
    };
    const stratified = await run("stratified");
    expect(stratified.history.val_accuracy!.at(-1)).toBeGreaterThan(0.9);
    expect(stratified.warnings).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
    const last = await run("last");
    expect(last.history.val_accuracy!.at(-1)).toBeLessThan(0.3);
    expect(last.warnings).toEqual([
      expect.stringMatching(/no image of 1 of 2 classes.*validationFrom to "stratified"/),
    ]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(`wasmgrad: ${last.warnings[0]}`);
  });

  test("a callback for warnings takes them instead of the console", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const onWarning = vi.fn();
    const model = await modelOf(layers(), settings);
    const order: string[] = [];
    const { warnings } = await model.fit(sorted(halves(40, 1)), {
      validationSplit: 0.4,
      callbacks: [
        { onWarning },
        { onTrainBegin: () => void order.push(`after ${onWarning.mock.calls.length}`) },
      ],
    });
    expect(onWarning.mock.calls).toEqual([warnings]);
    expect(order).toEqual(["after 1"]);
    expect(warn).not.toHaveBeenCalled();
  });

  test("validation data of its own that lacks classes is warned of as well", async () => {
    const model = await modelOf(layers(), settings);
    const one = halves(30, 2);
    const callbacks = { onWarning: () => {} };
    const { warnings } = await model.fit(halves(30, 1), {
      validationData: { ...one, labels: one.labels.map(() => 1) },
      callbacks,
    });
    expect(warnings).toEqual([
      "Validation has no image of 1 of 2 classes (class 0): its figures say nothing of them. Give both parts images of all classes.",
    ]);
  });

  test.each<[ValidationSource, string]>([
    [
      "last",
      'Set validationFrom to "stratified" beside validationSplit, or shuffle the samples once before.',
    ],
    ["shuffled", 'Set validationFrom to "stratified" beside validationSplit.'],
    ["stratified", "Give more images of these classes."],
  ])(
    "%s: classes that validation lacks are warned of with what helps there",
    async (validationFrom, advice) => {
      const model = await modelOf(layers(), settings);
      const samples = halves(30, 1);
      // One image of class 0, the first: whoever takes it from training teaches nothing of it.
      const labels = samples.labels.map((_, i) => (i === 0 ? 0 : 1));
      const { warnings } = await model.fit(
        { ...samples, labels },
        { validationSplit: 0.2, validationFrom, callbacks: { onWarning: () => {} } },
      );
      expect(warnings).toEqual([
        `Validation has no image of 1 of 2 classes (class 0): its figures say nothing of them. ${advice}`,
      ]);
    },
  );

  test.each([true, false])(
    "the parts are trained on and tested as copies of them are (shuffle: %s)",
    async (shuffle) => {
      const samples = sorted(halves(50, 3));
      const parts = splitForValidation(samples, 0.3, "stratified", 1);
      const copy = ({ rows, count }: { rows?: Uint32Array; count: number }) => ({
        shape: samples.shape,
        count,
        labels: Uint8Array.from(rows!, (i) => samples.labels[i]!),
        images: Uint8Array.from(
          [...rows!].flatMap((i) => [...samples.images.subarray(36 * i, 36 * (i + 1))]),
        ),
      });
      const options = { epochs: 3, batchSize: 8, shuffle };
      const model = await modelOf(layers(), settings);
      const split = await model.fit(samples, {
        ...options,
        validationSplit: 0.3,
        validationFrom: "stratified",
      });
      const other = await modelOf(layers(), settings);
      const copied = await other.fit(copy(parts.train), {
        ...options,
        validationData: copy(parts.validation),
      });
      expect(split.history).toEqual(copied.history);
      expect(await model.weightsSha256()).toBe(await other.weightsSha256());
    },
  );
});
