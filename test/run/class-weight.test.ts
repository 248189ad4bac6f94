import { expect, test } from "vitest";
import { classWeights } from "../../src/cli/options.ts";
import * as api from "../../src/node.ts";

const small = {
  dataset: "digits",
  digitsCount: 60,
  digitsTestCount: 10,
  model: [{ type: "flatten" }, { type: "dense", units: 10, activation: "softmax" }],
  epochs: 1,
  threads: 1,
} satisfies api.RunOptions;

test("a run weighs classes, and its record says how", async () => {
  const hashes = [];
  for (const classWeight of [undefined, "balanced", { 0: 5, 3: 0 }] as const) {
    const { result, learner } = await api.run({ ...small, ...(classWeight && { classWeight }) });
    hashes.push(result.weightsSha256);
    expect(result.configuration.classWeight).toEqual(classWeight);
    learner.dispose();
  }
  expect(new Set(hashes).size).toBe(3);
});

test("a run of a loss with options, and of an optimizer with averages, is repeated from its record", async () => {
  const first = await api.run({
    ...small,
    loss: { name: "categoricalFocalCrossentropy", gamma: 1 },
    optimizer: { name: "nadam", useEma: true, gradientAccumulationSteps: 2 },
  });
  const record = JSON.parse(JSON.stringify(first.result)) as api.RunOptions;
  first.learner.dispose();
  const again = await api.run(record);
  expect(again.result.weightsSha256).toBe(first.result.weightsSha256);
  again.learner.dispose();
});

test("a run whose optimizer averages weights ends with the average, and refuses to throw it away", async () => {
  const settings = { ...small, epochs: 2 };
  const hashes = [];
  for (const optimizer of [{ name: "adam" }, { name: "adam", useEma: true }] as const)
    for (const restoreBest of [undefined, "none"] as const) {
      const { result, learner } = await api.run({ ...settings, optimizer, restoreBest });
      hashes.push(result.weightsSha256);
      if (restoreBest === undefined)
        expect(result.configuration.restoreBest).toBe("useEma" in optimizer ? "none" : "val_accuracy");
      learner.dispose();
    }
  expect(hashes[2]).toBe(hashes[3]);
  expect(new Set([hashes[0], hashes[1]])).not.toContain(hashes[2]);
  const check = (optimizer: object) =>
    api.checkRunConfig({ restoreBest: "val_loss", optimizer: { name: "adam", useEma: true, ...optimizer } });
  expect(() => check({})).toThrow(
    "restoreBest is val_loss, which gives the model an epoch's own weights, but useEma of the optimizer is for their average: leave one of them out",
  );
  expect(check({ emaOverwriteFrequency: 5 }).restoreBest).toBe("val_loss");
});

test("weights of classes on the command line", () => {
  expect(classWeights("balanced")).toBe("balanced");
  expect(classWeights("0=1,3=2.5")).toEqual({ 0: 1, 3: 2.5 });
  for (const text of ["", "balance", "0", "a=1", "0=", "0=1=2", "0=x", "0=1,,1=2"])
    expect(() => classWeights(text), text).toThrow(
      "Expected balanced, or weights by class id such as 0=1,3=2.5.",
    );
});

test("wrong weights are refused as settings", () => {
  expect(() => api.checkRunConfig({ classWeight: "even" as never })).toThrow(
    'classWeight is "even", expected weights by class such as { 0: 1, 1: 5 }, or "balanced"',
  );
});
