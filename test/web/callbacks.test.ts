import { expect, test } from "vitest";
import { SCHEDULES, scheduleFromConfig } from "../../src/optim/index.ts";
import { rateOf } from "../../src/optim/schedules/index.ts";
import {
  CALLBACK_TYPES,
  SCHEDULE_TYPES,
  scheduleData,
  scheduleStart,
} from "../../src/web/state/callbacks.ts";
import { DEFAULTS, runConfig, type Settings, settingsProblem } from "../../src/web/state/settings.ts";

test.each(SCHEDULES)("%s begins with the rate that there is, over the steps that there are", (name) => {
  const start = scheduleStart(name, 0.002, 1500, 5);
  expect(settingsProblem({ ...DEFAULTS, schedule: start })).toBeUndefined();
  const rate = rateOf(scheduleFromConfig(scheduleData(start)));
  const rates = Array.from({ length: 1500 }, (_, step) => rate(step));
  expect(Math.max(...rates)).toBeCloseTo(name === "oneCycle" ? 0.008 : 0.002, 9);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0);
  if (name !== "constantRate") expect(new Set(rates).size).toBeGreaterThan(1);
  // However short the run is.
  for (const steps of [1, 2, 7])
    expect(settingsProblem({ ...DEFAULTS, schedule: scheduleStart(name, 0.1, steps, 5) })).toBeUndefined();
});

test("options have names that say what they are, seldom used ones folded away", () => {
  const all = { ...CALLBACK_TYPES, ...SCHEDULE_TYPES };
  for (const [name, { label, options }] of Object.entries(all)) {
    expect(label, name).toMatch(/^[A-Z]/);
    for (const option of options) expect(option.label, `${name} ${option.key}`).toMatch(/^[A-Z][a-z]/);
  }
  const shown = (name: string) => all[name]!.options.filter(({ rare }) => !rare).map(({ key }) => key);
  expect(shown("earlyStopping")).toEqual(["monitor", "patience", "restoreBestWeights"]);
  expect(shown("reduceLROnPlateau")).toEqual(["monitor", "factor", "patience"]);
  expect(shown("terminateOnNaN")).toEqual([]);
});

const cosine = { name: "cosineDecay", initialLearningRate: 0.1, decaySteps: 10 };
test.each<[string, Partial<Settings>, string | undefined]>([
  ["nothing", {}, undefined],
  ["a callback", { callbacks: [{ name: "earlyStopping", patience: 2 }] }, undefined],
  [
    "an option",
    { callbacks: [{ name: "earlyStopping", patience: Number.NaN }] },
    "Stop early, Patience, in epochs: expected a whole number >= 0.",
  ],
  [
    "a figure that there is none of",
    { validationSplit: 0, callbacks: [{ name: "earlyStopping" }] },
    "Stop early watches val_loss, but no images are held back for validation: let it watch loss, or hold some back.",
  ],
  [
    "one that there is",
    { validationSplit: 0, callbacks: [{ name: "earlyStopping", monitor: "loss" }] },
    undefined,
  ],
  [
    "two that set the rate",
    { schedule: cosine, callbacks: [{ name: "reduceLROnPlateau" }] },
    "Lower the learning rate sets the rate, and so does Cosine decay: leave one of them out.",
  ],
  [
    "a schedule's option",
    { schedule: { ...cosine, decaySteps: 0.5 } },
    "Cosine decay, Steps of the decay: expected a whole number >= 1.",
  ],
  [
    "that of one that follows another",
    { schedule: { name: "warmUp", warmupSteps: 5, schedule: { ...cosine, decaySteps: 0 } } },
    "Cosine decay, Steps of the decay: expected a whole number >= 1.",
  ],
  [
    "options that are each right",
    { schedule: { name: "piecewiseConstantDecay", boundaries: [1, 2], values: [1, 2] } },
    "Piecewise constant decay: got 2 boundaries and 2 values, expected one value more than boundaries.",
  ],
])("what is wrong is told in a sentence: %s", (_, changed, problem) => {
  expect(settingsProblem({ ...DEFAULTS, ...changed })).toBe(problem);
});

test("callbacks and a schedule are in the run, with all their options", () => {
  const { callbacks, optimizer } = runConfig({
    ...DEFAULTS,
    schedule: { name: "warmUp", warmupSteps: 5, schedule: cosine },
    callbacks: [{ name: "earlyStopping", patience: 2 }, { name: "terminateOnNaN" }],
  });
  expect(callbacks).toMatchObject([
    { name: "earlyStopping", monitor: "val_loss", patience: 2 },
    { name: "terminateOnNaN", raiseError: false },
  ]);
  expect(optimizer.learningRate).toMatchObject({
    name: "warmUp",
    options: { warmupSteps: 5, schedule: { name: "cosineDecay", options: { decaySteps: 10, alpha: 0 } } },
  });
});
