import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classReport, confusionMatrix, predictedClasses, topMistakes } from "../../src/report/index.ts";

describe("predictedClasses", () => {
  it("takes the greatest output of each row, the first of equals", () => {
    const { classes, probabilities } = predictedClasses(
      Float32Array.of(0.25, 0.5, 0.25, /**/ 0.375, 0.25, 0.375, /**/ 0, 0, 1),
      3,
    );
    expect([...classes]).toEqual([1, 0, 2]);
    expect([...probabilities]).toEqual([0.5, 0.375, 1]);
  });

  it("gives no class where an output is NaN, wherever it stands", () => {
    const { classes, probabilities } = predictedClasses(
      Float32Array.of(Number.NaN, 1, 1, Number.NaN, 0, 1),
      3,
    );
    expect([...classes]).toEqual([-1, -1, 1]);
    expect([...probabilities]).toEqual([Number.NaN, Number.NaN, 1]);
  });

  it("reads a single output as the probability of class 1, above 0.5", () => {
    const { classes, probabilities } = predictedClasses(Float32Array.of(0.75, 0.5, 0.25, Number.NaN), 4);
    expect([...classes]).toEqual([1, 0, 0, -1]);
    expect([...probabilities]).toEqual([0.75, 0.5, 0.75, Number.NaN]);
  });

  it.each([
    [7, 2],
    [0, 1],
    [2, 3],
    [4, 0],
  ])("refuses %i outputs for %i samples", (length, count) => {
    expect(() => predictedClasses(new Float32Array(length), count)).toThrow(RangeError);
  });
});

describe("confusionMatrix", () => {
  it("has a row for each truth and a column for each prediction", () => {
    expect(confusionMatrix([0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 0, 2], 3)).toEqual([
      [1, 2, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
  });

  it("leaves samples without a prediction out of all columns", () => {
    expect(confusionMatrix(Uint8Array.of(1, 1), Int32Array.of(-1, 1), 2)).toEqual([
      [0, 0],
      [0, 1],
    ]);
  });

  it("counts every pair", () => {
    const id = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(id, id)), (pairs) => {
        const matrix = confusionMatrix(
          pairs.map(([t]) => t),
          pairs.map(([, p]) => p),
          4,
        );
        for (let t = 0; t < 4; t++)
          for (let p = 0; p < 4; p++)
            expect(matrix[t]![p]).toBe(pairs.filter((pair) => pair[0] === t && pair[1] === p).length);
      }),
    );
  });

  it.each([
    ["label 1 is 2", [0, 2], [0, 0]],
    ["prediction 1 is 2", [0, 0], [0, 2]],
    ["prediction 0 is -2", [0, 0], [-2, 0]],
    ["2 labels and 1 predictions", [0, 0], [0]],
  ])("refuses: %s", (message, labels, predictions) => {
    expect(() => confusionMatrix(labels, predictions, 2)).toThrow(message);
  });
});

describe("classReport", () => {
  it("computes precision, recall and F1 of each class, and their means", () => {
    // Class 0: 6 of 8 predictions right, 6 of 10 found. Class 1: 8 of 12, 8 of 10.
    const { classes, macro } = classReport([
      [6, 4],
      [2, 8],
    ]);
    expect(classes).toEqual([
      { precision: 6 / 8, recall: 6 / 10, f1: 12 / 18, support: 10 },
      { precision: 8 / 12, recall: 8 / 10, f1: 16 / 22, support: 10 },
    ]);
    expect(macro.precision).toBeCloseTo((0.75 + 2 / 3) / 2, 15);
    expect(macro.recall).toBeCloseTo(0.7, 15);
    expect(macro.f1).toBeCloseTo((2 / 3 + 8 / 11) / 2, 15);
    expect(macro.support).toBe(20);
  });

  it("gives null for 0/0, counts it as 0 in the mean, and leaves out classes that are nowhere", () => {
    // 1 is never predicted, 2 has no samples, 3 is nowhere.
    const { classes, macro } = classReport([
      [4, 0, 1, 0],
      [5, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(classes).toEqual([
      { precision: 4 / 9, recall: 4 / 5, f1: 8 / 14, support: 5 },
      { precision: null, recall: 0, f1: 0, support: 5 },
      { precision: 0, recall: null, f1: 0, support: 0 },
      { precision: null, recall: null, f1: null, support: 0 },
    ]);
    expect(macro).toEqual({ precision: 4 / 9 / 3, recall: 4 / 5 / 3, f1: 8 / 14 / 3, support: 10 });
  });

  it("has no means where nothing was tested", () => {
    expect(classReport([[0]]).macro).toEqual({ precision: null, recall: null, f1: null, support: 0 });
  });
});

describe("topMistakes", () => {
  const matrix = [
    [90, 3, 7],
    [5, 15, 0],
    [3, 0, 47],
  ];

  it("sorts by count, then by truth, and gives the share of the row", () => {
    expect(topMistakes(matrix, 10)).toEqual([
      { truth: 0, prediction: 2, count: 7, share: 0.07 },
      { truth: 1, prediction: 0, count: 5, share: 0.25 },
      { truth: 0, prediction: 1, count: 3, share: 0.03 },
      { truth: 2, prediction: 0, count: 3, share: 0.06 },
    ]);
  });

  it("keeps to its limit, and is empty where nothing is wrong", () => {
    expect(topMistakes(matrix, 2).map(({ count }) => count)).toEqual([7, 5]);
    expect(topMistakes([[3]], 2)).toEqual([]);
  });
});
