import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CALLBACKS } from "../../src/run/callbacks.ts";
import { checkRunConfig, type RunOptions } from "../../src/run/config.ts";
import { NODE, run } from "../../src/run/node.ts";
import { runOn } from "../../src/run/run.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { bars } from "../cli/helpers.ts";

const layers = [
  { type: "conv2d", filters: 4, kernelSize: 3, strides: 2, activation: "relu" },
  { type: "flatten" },
  { type: "dense", units: 3, activation: "softmax" },
];
const dataset = { name: "bars", classNames: ["top", "middle", "bottom"], train: bars(120), test: bars(30) };
const quick: RunOptions = { model: { name: "small", layers }, epochs: 6, batchSize: 16, threads: 1 };
const folder = mkdtempSync(join(tmpdir(), "wasmgrad-run-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function resultOf(options: RunOptions, hooks: object = {}) {
  const { result, learner, failure, verdict } = await run({ ...quick, ...options }, { dataset, ...hooks });
  learner.dispose();
  return { ...result, failure, verdict };
}

describe("callbacks of settings", () => {
  test("are those of code, and are recorded with all that they are set to", async () => {
    const stopping = { monitor: "val_loss", patience: 1, minDelta: 0.2 } as const;
    const data = await resultOf({ callbacks: [{ name: "earlyStopping", ...stopping }] });
    const code = await resultOf({}, { callbacks: earlyStopping(stopping) });
    expect(data.epochsCompleted).toBeLessThan(6);
    expect(data).toMatchObject({ stoppedBy: "callback", epochsCompleted: code.epochsCompleted });
    expect(data.weightsSha256).toBe(code.weightsSha256);
    expect(data.configuration.callbacks).toEqual([
      {
        name: "earlyStopping",
        monitor: "val_loss",
        mode: "auto",
        minDelta: 0.2,
        patience: 1,
        restoreBestWeights: false,
        startFromEpoch: 0,
      },
    ]);
    const again = await resultOf(JSON.parse(JSON.stringify(data)));
    expect(again.weightsSha256).toBe(data.weightsSha256);
    expect(again.configuration).toEqual(data.configuration);
  });

  test("reduceLROnPlateau reduces, csvLogger writes", async () => {
    const filename = join(folder, "log.csv");
    const rates: number[] = [];
    const reducing = {
      name: "reduceLROnPlateau",
      monitor: "loss",
      patience: 1,
      minDelta: 5,
      factor: 0.5,
    } as const;
    const result = await resultOf(
      { callbacks: [reducing, { name: "csvLogger", filename }] },
      {
        callbacks: {
          onEpochEnd: ({ learningRate }: { learningRate: number }) => void rates.push(learningRate),
        },
      },
    );
    expect(rates).toEqual([0.001, 0.001, 0.0005, 0.00025, 0.000125, 0.0000625]);
    const lines = readFileSync(filename, "utf8").trim().split("\r\n");
    expect(lines.slice(1).map((line) => Number(line.split(",")[2]))).toEqual(
      result.history.map(({ loss }) => loss),
    );
  });

  test("terminateOnNaN makes a run that diverged one that did not fail", async () => {
    const wild = { optimizer: { name: "sgd", learningRate: 1e30 } } as const;
    const loud = await resultOf(wild);
    const quiet = await resultOf({ ...wild, callbacks: ["terminateOnNaN"] });
    expect(loud.failure?.name).toBe("TrainingDivergedError");
    expect(quiet.failure).toBeUndefined();
    for (const { stoppedBy, verdict } of [loud, quiet])
      expect({ stoppedBy, kind: verdict!.kind }).toEqual({ stoppedBy: "diverged", kind: "diverged" });
    expect(quiet.weightsSha256).toBe(loud.weightsSha256);
  });

  test.each([
    [
      ["earlyStoping"],
      'callbacks: no callback is called "earlyStoping": did you mean earlyStopping? Write: {"callbacks": [{"name": "earlyStopping"}]}',
    ],
    [
      [{ name: "csvLogger" }],
      'callbacks: csvLogger: filename is missing, expected the path of a file. Write: {"callbacks": [{"name": "csvLogger", "filename": "log.csv"}]}',
    ],
    [
      [{ name: "earlyStopping", patients: 3 }],
      'callbacks: earlyStopping: no option is called "patients": did you mean patience? Write: {"callbacks": [{"name": "earlyStopping", "patience": 3}]}',
    ],
    [
      [5],
      /^callbacks: got 5, expected one of earlyStopping, .*\. Write: \{"callbacks": \[\{"name": "earlyStopping", "patience": 3\}\]\}$/,
    ],
    ["earlyStopping", /^callbacks is "earlyStopping", expected a list of callbacks/],
    [
      [{ name: "earlyStopping", monitor: "f1" }],
      'callbacks: earlyStopping: monitor is "f1", expected one of loss, accuracy, val_loss, val_accuracy',
    ],
  ])("refuse %j", (callbacks, message) => {
    expect(() => checkRunConfig({ callbacks } as never)).toThrow(message);
  });

  test("refuse what the other settings leave nothing for", () => {
    expect(() => checkRunConfig({ validationSplit: 0, callbacks: ["earlyStopping"] })).toThrow(
      "callbacks: earlyStopping: monitor is val_loss, but validationSplit 0 leaves nothing to validate on: let it be loss",
    );
    expect(() =>
      checkRunConfig({ recipe: "fast", callbacks: [{ name: "reduceLROnPlateau", monitor: "loss" }] }),
    ).toThrow(
      "callbacks: reduceLROnPlateau sets the rate, but the optimizer's follows a schedule: leave one of them out",
    );
  });

  test("that write files are refused where there are none", async () => {
    const { files: _, ...page } = NODE;
    const wanted = { ...quick, callbacks: [{ name: "csvLogger", filename: "log.csv" }] } as const;
    await expect(runOn(page, wanted, { dataset })).rejects.toThrow(
      "the callback csvLogger writes files, which there are in Node alone: leave it out of callbacks",
    );
  });

  test("docs/runs.md has them all", () => {
    const text = readFileSync(new URL("../../docs/runs.md", import.meta.url), "utf8");
    for (const name of CALLBACKS) expect(text).toContain(`\`${name}\``);
  });
});
