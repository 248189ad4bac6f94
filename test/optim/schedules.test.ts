import { describe, expect, test } from "vitest";
import { oneCycle } from "../../src/optim/schedules.ts";

describe("oneCycle", () => {
  test("rises to the peak, and falls to 0 just after the last step", () => {
    const rate = oneCycle({ peak: 1, steps: 10, warmUp: 0.4, start: 0.2 });
    const rates = Array.from({ length: 12 }, (_, step) => rate(step));
    const expected = [0.2, 0.4, 0.6, 0.8, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0, 0];
    for (const [step, value] of expected.entries())
      expect(rates[step], `step ${step}`).toBeCloseTo(value, 12);
  });

  test("without a warm-up it begins at the peak; with nothing else it ends there", () => {
    expect(oneCycle({ peak: 0.5, steps: 4, warmUp: 0 })(0)).toBe(0.5);
    const rising = oneCycle({ peak: 0.5, steps: 4, warmUp: 1, start: 0 });
    expect([0, 1, 2, 3, 4].map(rising)).toEqual([0, 0.125, 0.25, 0.375, 0]);
  });

  test("defaults: a tenth of the peak at first, the peak after 30 %", () => {
    const rate = oneCycle({ peak: 0.01, steps: 1000 });
    expect(rate(0)).toBeCloseTo(0.001, 12);
    expect(rate(300)).toBeCloseTo(0.01, 12);
    expect(Math.max(...Array.from({ length: 1000 }, (_, step) => rate(step)))).toBe(rate(300));
  });

  test.each([
    [{ peak: 0, steps: 5 }, "oneCycle: peak is 0, expected a number > 0"],
    [{ peak: Number.NaN, steps: 5 }, "oneCycle: peak is NaN, expected a number > 0"],
    [{ peak: 1, steps: 0 }, "oneCycle: steps is 0, expected a whole number >= 1"],
    [{ peak: 1, steps: 2.5 }, "oneCycle: steps is 2.5, expected a whole number >= 1"],
    [{ peak: 1, steps: 5, warmUp: 1.5 }, "oneCycle: warmUp is 1.5, expected a number from 0 to 1"],
    [
      { peak: 1, steps: 5, start: -1 },
      "oneCycle: start is -1, expected a number from 0 to 1. Write: oneCycle(",
    ],
  ])("refuses %j", (options, message) => {
    expect(() => oneCycle(options)).toThrow(RangeError);
    expect(() => oneCycle(options)).toThrow(message);
  });
});
