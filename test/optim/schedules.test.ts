import { describe, expect, test } from "vitest";
import {
  adam,
  cosineDecay,
  defineSchedule,
  exponentialDecay,
  type OneCycleOptions,
  oneCycle as oneCycleSchedule,
  piecewiseConstantDecay,
  SCHEDULES,
  type Schedule,
  scheduleFromConfig,
} from "../../src/optim/index.ts";
import { rateOf } from "../../src/optim/schedules/index.ts";

const oneCycle = (options: OneCycleOptions) => rateOf(oneCycleSchedule(options));

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

const ratesOf = (schedule: Schedule, steps: readonly number[]) => steps.map(rateOf(schedule));

describe("Keras's schedules", () => {
  const steps = [0, 1, 7, 100, 250, 999, 1000, 1001, 2500, 100_000];

  test.each([0.96, 0.5, 1, 1.25, 1e-3])("exponentialDecay, decayRate %d", (decayRate) => {
    const options = { initialLearningRate: 0.1, decaySteps: 1000, decayRate };
    for (const staircase of [false, true])
      for (const [i, rate] of ratesOf(exponentialDecay({ ...options, staircase }), steps).entries()) {
        const times = steps[i]! / 1000;
        const expected = 0.1 * decayRate ** (staircase ? Math.floor(times) : times);
        expect(Math.abs(rate / (expected || Number.MIN_VALUE) - 1), `step ${steps[i]}`).toBeLessThan(1e-13);
      }
  });

  test("cosineDecay falls from the rate to alpha of it, after a warm-up where there is one", () => {
    const cosine = (x: number, alpha: number) => (1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * x)) + alpha;
    for (const alpha of [0, 0.1]) {
      const rates = ratesOf(cosineDecay({ initialLearningRate: 0.2, decaySteps: 1000, alpha }), steps);
      for (const [i, step] of steps.entries())
        expect(rates[i], `step ${step}`).toBeCloseTo(0.2 * cosine(Math.min(step, 1000) / 1000, alpha), 15);
    }
    const warm = {
      initialLearningRate: 0.1,
      decaySteps: 100,
      warmupTarget: 0.5,
      warmupSteps: 50,
      alpha: 0.2,
    };
    expect(ratesOf(cosineDecay(warm), [0, 25, 50, 100, 150, 151])).toEqual([
      0.1,
      expect.closeTo(0.3, 15),
      0.5,
      expect.closeTo(0.5 * cosine(0.5, 0.2), 15),
      0.1,
      0.1,
    ]);
    expect(ratesOf(cosineDecay({ initialLearningRate: 1, decaySteps: 2 }), [0, 1, 2])).toEqual([1, 0.5, 0]);
  });

  test("piecewiseConstantDecay: a value up to its boundary, the boundary included", () => {
    const schedule = piecewiseConstantDecay({ boundaries: [2, 5], values: [1, 0.5, 0.25] });
    expect(ratesOf(schedule, [0, 2, 3, 5, 6, 1000])).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
    expect(() => piecewiseConstantDecay({ boundaries: [2, 5], values: [1, 0.5] })).toThrow(
      "piecewiseConstantDecay: got 2 boundaries and 2 values, expected one value more than boundaries",
    );
    expect(() => piecewiseConstantDecay({ boundaries: [5, 2], values: [1, 2, 3] })).toThrow(
      "boundaries is [5, 2], expected a list of rising steps",
    );
  });

  // Regenerate only where a formula is meant to change: these are the bits of every engine.
  test("give the same bits on every engine", () => {
    const bits = (schedule: Schedule) =>
      ratesOf(schedule, [3, 331, 777]).map((rate) =>
        Buffer.from(Float64Array.of(rate).buffer).toString("hex"),
      );
    expect([
      bits(exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.96 })),
      bits(cosineDecay({ initialLearningRate: 0.1, decaySteps: 1000 })),
    ]).toMatchInlineSnapshot(`
      [
        [
          "e0ca1426cc98b93f",
          "34bc508fa441b93f",
          "2383cd92fdccb83f",
        ],
        [
          "e71701587499b93f",
          "ac6cb838f547b33f",
          "b408edcb3c1e883f",
        ],
      ]
    `);
  });
});

test("schedules are data: what JSON gives back is the same schedule, and an optimizer's record has it", () => {
  for (const schedule of [
    oneCycleSchedule({ peak: 0.01, steps: 100 }),
    exponentialDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.9 }),
    cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 }),
    piecewiseConstantDecay({ boundaries: [1], values: [1, 2] }),
  ]) {
    const data: unknown = JSON.parse(JSON.stringify(schedule));
    expect(data).toEqual(schedule);
    expect(() => adam({ learningRate: data as Schedule })).toThrow(
      /^adam: learningRate is an object, expected a number >= 0, a schedule such as oneCycle\(\) gives, or a function of the step/,
    );
    const copy = scheduleFromConfig(data);
    expect(copy).toEqual(schedule);
    expect(adam({ learningRate: copy }).config.learningRate).toEqual(schedule);
    expect(ratesOf(copy, [0, 1, 5])).toEqual(ratesOf(schedule, [0, 1, 5]));
    expect(structuredClone(schedule)).toEqual(schedule);
  }
  expect(() => scheduleFromConfig({ name: "linear", options: {} })).toThrow(
    `name is "linear", expected one of ${SCHEDULES.join(", ")}. Write: `,
  );
});

test("a schedule of one's own has a name of its own: no built-in one's, which records would be read as", () => {
  for (const name of [...SCHEDULES, ""])
    expect(() => defineSchedule({ name, rate: () => 1 })).toThrow(
      `defineSchedule: name is "${name}", expected a name that no built-in schedule has. Write: defineSchedule({ name: "mine", rate })`,
    );
});
