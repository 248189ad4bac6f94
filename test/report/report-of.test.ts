import { describe, expect, test } from "vitest";
import { type ReportedTraining, reportHtml, reportOf } from "../../src/report/index.ts";
import { HISTORY } from "./sample.ts";

/** Three test images of two pixels; the model takes the second for the other class. */
const training: ReportedTraining = {
  dataset: {
    name: "pets",
    classNames: ["cat", "dog"],
    train: { shape: [1, 2, 1] },
    test: { images: Uint8Array.of(1, 2, 3, 4, 5, 6), labels: [0, 1, 1], count: 3, shape: [1, 2, 1] },
  },
  images: { train: 80, validation: 20 },
  model: {
    name: "tiny",
    rows: [{ name: "first", type: "conv2d", outputShape: [1, 1, 1], parameters: 3 }],
    countParams: () => 3,
    graph: {
      ops: [
        { kind: "reshape", layer: "flat", parameters: [] },
        { kind: "conv2d", layer: "first", parameters: [{ name: "first/kernel" }, { name: "first/bias" }] },
      ],
    },
  },
  weights: [
    { name: "first/bias", shape: [1], data: Float32Array.of(9) },
    { name: "first/kernel", shape: [1, 2, 1, 1], data: Float32Array.of(1, -1) },
  ],
  configuration: { epochs: 5 },
  machine: {},
  history: HISTORY,
  plannedEpochs: 5,
  stopped: "early",
  test: {
    loss: 0.5,
    accuracy: 2 / 3,
    confusion: [
      [1, 0],
      [1, 1],
    ],
    outputs: Float32Array.of(0.75, 0.25, 0.625, 0.375, 0.125, 0.875),
  },
  weightsSha256: "ab".repeat(32),
  timing: { trainSeconds: 2, imagesPerSecond: 80 },
};

describe("the report of a training", () => {
  test("has its figures, a choice of answers and the first convolution's kernel", () => {
    const report = reportOf(training);
    expect(report).toMatchObject({
      title: "tiny on pets",
      dataset: { imageShape: [1, 2, 1], trainCount: 80, validationCount: 20, testCount: 3 },
      model: { name: "tiny", parameters: 3 },
      test: { loss: 0.5, accuracy: 2 / 3 },
      filters: { layer: "first", values: Float32Array.of(1, -1), shape: [1, 2, 1, 1] },
      stopped: "early",
    });
    expect(report.gallery!.wrong).toEqual([
      {
        index: 1,
        truth: 1,
        prediction: 0,
        probability: 0.625,
        pixels: Uint8Array.of(3, 4),
        shape: [1, 2, 1],
      },
    ]);
    expect(report.gallery!.correct.map(({ index }) => index)).toEqual([0, 2]);
    expect(Date.now() - Date.parse(report.timing.date)).toBeLessThan(60_000);
    expect(reportHtml(report)).toContain("2 of 5 epochs were finished");
  });

  test("has the names, the answers and the date that are given", () => {
    const date = "2026-01-02T03:04:05.000Z";
    const picks = { correct: [], wrong: [], wrongCount: 1 };
    const report = reportOf({
      ...training,
      modelName: "mine",
      test: { ...training.test!, picks },
      timing: { ...training.timing, date },
    });
    expect(report).toMatchObject({ title: "mine on pets", model: { name: "mine" }, timing: { date } });
    expect(report.gallery).toEqual(picks);
    expect(reportOf({ ...training, title: "Pets" }).title).toBe("Pets");
  });

  test("has neither figures of a test that was not done nor a kernel that there is not", () => {
    const { ops } = training.model.graph;
    const report = reportOf({
      ...training,
      test: undefined,
      model: { ...training.model, graph: { ops: ops.slice(0, 1) } },
    });
    expect(report).not.toHaveProperty("test");
    expect(report).not.toHaveProperty("gallery");
    expect(report.filters).toBeUndefined();
  });
});
