import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/types.ts";
import { conv2d, dense, flatten } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { createReport } from "../../src/train/report.ts";
import { find, parse, text } from "../report/tree.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })];
const CLASS_NAMES = ["left", "right"];

/** The report of a training, what it says under its title, and its notes. */
async function reported(options: FitOptions, { train = halves(40, 1), learningRate = 0.01 } = {}) {
  const dataset = {
    name: "halves",
    classNames: CLASS_NAMES,
    train,
    test: halves(10, 2),
  } as unknown as Dataset;
  const model = await modelOf(layers(), { optimizer: sgd({ learningRate }) });
  const history = await model.fit(train, { callbacks: { onWarning: () => {} }, ...options });
  const html = parse(await createReport(model, { dataset, history }), "html");
  return {
    history,
    counts: text(find(html, "p", "sub")[0]!).replace(/.*images, /, ""),
    notes: find(html, "p", "note").map((note) => text(note).replaceAll("\u00a0", " ")),
  };
}

/** Stops a training in its second step. */
function stopping(): Pick<FitOptions, "signal" | "callbacks"> {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    callbacks: { onBatchEnd: ({ batch }) => void (batch === 1 && controller.abort()) },
  };
}

describe("createReport counts the images that fit() had", () => {
  test.each<[string, FitOptions, string]>([
    ["all of them", {}, "40 for training, none for validation"],
    ["a split", { validationSplit: 0.2 }, "32 for training, 8 for validation"],
    ["a stopped split", { validationSplit: 0.2, ...stopping() }, "32 for training, 8 for validation"],
    ["images of their own", { validationData: halves(7, 3) }, "40 for training, 7 for validation"],
    [
      "a stopped run with images of their own",
      { validationData: halves(7, 3), ...stopping() },
      "40 for training, 7 for validation",
    ],
  ])("%s", async (_, options, expected) => {
    const { counts } = await reported({ epochs: 3, batchSize: 8, ...options });
    expect(counts).toContain(expected);
  });
});

test("the report of a model whose outputs are images shows its masks, and charts their overlap", async () => {
  const { labels: _, ...images } = halves(40, 1);
  const ink = (images.images as Uint8Array).map((pixel) => Number(pixel > 127));
  const train = { ...images, labels: ink };
  const dataset = {
    name: "ink",
    classNames: ["paper", "ink"],
    answers: { kind: "masks", shape: [6, 6] },
    train,
    test: train,
  } as unknown as Dataset;
  const model = await modelOf(
    [conv2d({ filters: 2, kernelSize: 1, activation: "softmax", inputShape: [6, 6, 1] })],
    { metrics: ["accuracy", "meanIoU"] },
  );
  const history = await model.fit(train, { epochs: 2 });
  const { meanIoU } = await model.evaluate(train);
  const html = await createReport(model, { dataset, history });
  expect(html).toContain(`<dd class="value">${meanIoU!.toFixed(3)}</dd>`);
  expect(html.match(/What it gave for image/g)).toHaveLength(16);
  expect(html).toContain("Mean IoU by epoch");
});

test("fit counts its steps, and the images of each class that it had", async () => {
  const { history } = await reported({ epochs: 3, batchSize: 9, validationSplit: 0.2 });
  expect(history.steps).toBe(3 * 4);
  const sum = (counts: readonly number[]) => counts.reduce((total, n) => total + n, 0);
  expect([history.trainCounts, history.validationCounts].map((counts) => sum(counts!))).toEqual([32, 8]);
  const all = halves(40, 1).labels.reduce((total, label) => total + label, 0);
  expect(history.trainCounts![1]! + history.validationCounts![1]!).toBe(all);
  expect((await reported({ batchSize: 8, ...stopping() })).history.steps).toBe(2);
});

describe("createReport says what went wrong", () => {
  /** Nothing tells the classes of these apart. */
  const alike = (count: number) => ({
    images: new Uint8Array(36 * count),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 2),
    shape: [6, 6, 1],
    count,
  });

  test("with the steps that were done", async () => {
    const { notes } = await reported({ epochs: 2, batchSize: 8 }, { train: alike(40) });
    expect(notes).toEqual([expect.stringMatching(/learned nothing.* Train longer: 10 steps are few\.$/)]);
  });

  test("with the learning rate and what is usual with the optimizer", async () => {
    const { notes } = await reported({ epochs: 2, batchSize: 8 }, { train: alike(40), learningRate: 1e-5 });
    expect(notes).toEqual([
      expect.stringMatching(/ Try a learning rate of 0\.01, which suits most models; it was 0\.00001\.$/),
    ]);
  });

  test("of classes that validation lacks, once, by their names", async () => {
    const one = halves(30, 2);
    const validationData = { ...one, labels: one.labels.map(() => 1) };
    const { notes, history } = await reported({ epochs: 2, batchSize: 8, validationData });
    expect(history.warnings).toHaveLength(1);
    expect(notes).toEqual([
      expect.stringMatching(/^Validation has no image of 1 of 2 classes \(left\): its figures say nothing/),
    ]);
  });

  test("and what fit() warned of beside it", async () => {
    const one = alike(20);
    const validationData = { ...one, labels: one.labels.map(() => 1) };
    // Against the labels, at a rate that runs away.
    const train = { ...halves(40, 1), labels: halves(40, 5).labels };
    const { notes, history } = await reported(
      { epochs: 3, batchSize: 8, validationData },
      { train, learningRate: 1000 },
    );
    expect(notes).toEqual([expect.stringMatching(/^The training ran away/), history.warnings[0]]);
  });
});

test.each<[unknown, string]>([
  [5, "5"],
  ["model", '"model"'],
  [null, "null"],
  [undefined, "undefined"],
  [[1], "[1]"],
  [{ model: 5 }, "an object"],
])("createReport of %j is refused in words", async (given, got) => {
  const train = halves(10, 1);
  const dataset = { name: "halves", classNames: CLASS_NAMES, train, test: train } as unknown as Dataset;
  const model = await modelOf(layers());
  const history = await model.fit(train);
  await expect(createReport(given as never, { dataset, history })).rejects.toThrow(
    new TypeError(
      `createReport: got ${got}, expected a model that was trained, or a Trainer. Write: createReport(model, { dataset, history })`,
    ),
  );
});
