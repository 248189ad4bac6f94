import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";
import { rateOf } from "../../src/optim/schedules/index.ts";

// Schedules beside Keras 3: test/fixtures/make_keras_schedules.py.

const { steps, cases } = JSON.parse(
  readFileSync(new URL("../fixtures/keras/schedules.json", import.meta.url), "utf8"),
) as { steps: number[]; cases: { name: string; options: object; rates: number[] }[] };

test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.options)}`, c] as const))(
  "%s",
  (_, { name, options, rates }) => {
    const schedule = api.scheduleFromConfig({ name, options });
    for (const [i, step] of steps.entries())
      expect(Math.abs(rateOf(schedule)(step) - rates[i]!), `step ${step}`).toBeLessThan(5e-8);
  },
);

test("stepDecay is a stair, constantRate none", () => {
  const stairs = rateOf(api.stepDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0.5 }));
  expect([0, 9, 10, 19, 20, 35].map(stairs)).toEqual([1, 1, 0.5, 0.5, 0.25, 0.125]);
  expect([0, 1e6].map(rateOf(api.constantRate({ learningRate: 0.25 })))).toEqual([0.25, 0.25]);
});

test("warmUp rises to a rate, or to a schedule that begins then; both are data", () => {
  const flat = api.warmUp({ warmupSteps: 4, schedule: 1 });
  expect([0, 1, 2, 3, 4, 100].map(rateOf(flat))).toEqual([0, 0.25, 0.5, 0.75, 1, 1]);
  const stairs = api.stepDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 });
  const whole = api.warmUp({ warmupSteps: 2, initialLearningRate: 0.5, schedule: stairs });
  const rates = [0.5, 0.75, 1, 1, 0.5, 0.5, 0.25];
  expect(rates.map((_, i) => rateOf(whole)(i))).toEqual(rates);
  const data: unknown = JSON.parse(JSON.stringify(whole));
  expect(data).toEqual({
    name: "warmUp",
    options: {
      warmupSteps: 2,
      initialLearningRate: 0.5,
      schedule: { name: "stepDecay", options: { initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 } },
    },
  });
  expect(rates.map((_, i) => rateOf(api.scheduleFromConfig(data))(i))).toEqual(rates);
  expect(api.adam({ learningRate: whole }).config.learningRate).toEqual(data);
  const { optimizer } = api.checkRunConfig({
    optimizer: { name: "adam", learningRate: data as api.ScheduleData },
  });
  expect(JSON.parse(JSON.stringify(optimizer.learningRate))).toEqual(data);
  expect(() => api.warmUp({ warmupSteps: 2, schedule: "adam" as never })).toThrow(
    'warmUp: schedule is "adam", expected a number >= 0, or a schedule such as cosineDecay() gives. Write: warmUp({ warmupSteps: 2, schedule: 0.001 })',
  );
  expect(() =>
    api.scheduleFromConfig({
      name: "warmUp",
      options: { warmupSteps: 2, schedule: { name: "stepDecay", options: {} } },
    }),
  ).toThrow("stepDecay: initialLearningRate is missing");
});
