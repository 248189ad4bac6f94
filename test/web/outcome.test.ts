import { beforeEach, expect, test } from "vitest";
import type { EpochRecord } from "../../src/report/epoch-record.ts";
import { bestOfAll, keptEpoch } from "../../src/web/state/outcome.ts";
import { epochs, phase, type Totals, totals } from "../../src/web/state/subject.ts";

const records = (...accuracies: number[]): EpochRecord[] =>
  accuracies.map((accuracy, epoch) => ({ epoch, loss: 1, val_loss: 1, val_accuracy: accuracy }));
const ended = (bestEpoch: number, firstEpoch: number): Totals => ({
  trainSeconds: 1,
  trainedSamples: 1,
  stopped: false,
  bestEpoch,
  firstEpoch,
  date: "",
});

beforeEach(() => {
  phase.value = "idle";
});

test("no epoch is told to be kept while the model trains on with weights of its own", () => {
  epochs.value = records(0.5, 0.6);
  totals.value = ended(1, 0);
  expect(keptEpoch.value).toBeUndefined();
  for (const now of ["training", "paused", "stopping"] as const) {
    phase.value = now;
    epochs.value = records(0.5, 0.6, 0.55);
    expect(keptEpoch.value, now).toBeUndefined();
  }
  phase.value = "idle";
  totals.value = ended(2, 2);
  expect(keptEpoch.value).toBeUndefined();
  epochs.value = records(0.5, 0.6, 0.55, 0.5);
  expect(keptEpoch.value).toBe(2);
});

test("the best since the model trained on is not the best of all where one before it was better", () => {
  epochs.value = records(0.5, 0.6, 0.55, 0.5);
  totals.value = ended(2, 2);
  expect(bestOfAll.value).toBe(false);
  epochs.value = records(0.5, 0.6, 0.65, 0.5);
  expect(bestOfAll.value).toBe(true);
  // What was kept in the browser by an older page does not say where it trained on.
  totals.value = { ...ended(1, 0), firstEpoch: undefined } as unknown as Totals;
  epochs.value = records(0.5, 0.6, 0.55);
  expect([keptEpoch.value, bestOfAll.value]).toEqual([1, true]);
});
