import { expect, test } from "vitest";
import { balancedClassWeights } from "../../src/data/class-weights.ts";
import { DataError } from "../../src/data/errors.ts";

test("weights are scikit-learn's: samples / (classes * samples of the class)", () => {
  // compute_class_weight("balanced", classes=np.unique(y), y=[0, 0, 0, 1, 2, 2])
  expect(balancedClassWeights(Uint8Array.of(0, 0, 0, 1, 2, 2))).toEqual({ 0: 6 / 9, 1: 2, 2: 1 });
  expect(balancedClassWeights([1, 1], 2)).toEqual({ 1: 1 });
  expect(balancedClassWeights(new Uint8Array())).toEqual({});
});

test("they average 1 over the samples", () => {
  const labels = Uint8Array.from({ length: 300 }, (_, i) => (i % 7) ** 2 % 5);
  const weights = balancedClassWeights(labels);
  const sum = labels.reduce((total, label) => total + weights[label]!, 0);
  expect(sum / labels.length).toBeCloseTo(1, 12);
});

test("what is no class is refused by its place", () => {
  expect(() => balancedClassWeights([0, 3], 3)).toThrow(DataError);
  expect(() => balancedClassWeights([0, 3], 3)).toThrow(/label 1 is 3; expected a class id, 0 to 2/);
  expect(() => balancedClassWeights([0.5])).toThrow(/label 0 is 0.5/);
});
