import { describe, expect, test } from "vitest";
import { expectClose, expectSame } from "./close.ts";

const tolerance = { atol: 1e-6, rtol: 1e-5 };

describe("expectClose", () => {
  test("passes within atol + rtol |expected|, on both sides", () => {
    expectClose([1 + 1e-5, 100 - 1e-3, 0], [1, 100, 1e-6], tolerance);
  });

  test.each([
    ["a value too large", [1, 2.1], [1, 2]],
    ["a value too small", [1, 1.9], [1, 2]],
    ["a wrong sign", [-1], [1]],
    ["NaN where a number is expected", [Number.NaN], [1]],
    ["a number where NaN is expected", [1], [Number.NaN]],
    ["infinity where a number is expected", [Number.POSITIVE_INFINITY], [3e38]],
    ["a number where infinity is expected", [3e38], [Number.POSITIVE_INFINITY]],
    ["the other infinity", [Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY]],
    ["a missing value", [1], [1, 2]],
    ["a value too many", [1, 2], [1]],
    ["values in another order", [2, 1], [1, 2]],
    ["a relative error of a small value", [2e-3], [1e-3]],
  ])("fails on %s", (_, actual, expected) => {
    expect(() => expectClose(actual, expected, tolerance)).toThrow();
  });

  test("passes NaN and infinity where they are expected", () => {
    expectClose([Number.NaN, Number.NEGATIVE_INFINITY], [Number.NaN, Number.NEGATIVE_INFINITY], tolerance);
  });

  test("fails on a shape that does not hold the values", () => {
    expect(() => expectClose([1, 2], [1, 2], { ...tolerance, shape: [3] })).toThrow("shape [3]");
  });

  test("names the worst index, both values and the shape", () => {
    const expected = [0, 1, 2, 3, 4, 5];
    const actual = [0, 1, 2.5, 3, 7, 5.1];
    expect(() => expectClose(actual, expected, { ...tolerance, shape: [2, 3] })).toThrow(
      /3 of 6 .* \[1, 1\] \(flat 4\) of shape \[2, 3\]: got 7, expected 4/,
    );
  });
});

describe("expectSame", () => {
  test("passes the same numbers, NaN included", () => {
    expectSame([1, Number.NaN, -0], [1, Number.NaN, -0]);
  });

  test.each([
    ["another number", [1, 2], [1, 2 + 2 ** -51]],
    ["another zero", [-0], [0]],
    ["NaN", [Number.NaN], [0]],
    ["a missing value", [1], [1, 2]],
  ])("fails on %s", (_, actual, expected) => {
    expect(() => expectSame(actual, expected)).toThrow();
  });
});
