import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import type { LossName } from "../../src/losses/names.ts";
import { activation, dense } from "../../src/model/layers/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { halves } from "../support/samples.ts";
import { all, modelOf, outputsOf, sessionOf } from "../support/sessions.ts";

const COUNT = 70;
const images = fixtureValues(COUNT * 4, 1, 2);

/** Class ids as rows of 0 and 1. */
const oneHot = (labels: Uint8Array, classes: number) =>
  Float32Array.from({ length: labels.length * classes }, (_, i) =>
    labels[Math.floor(i / classes)] === i % classes ? 1 : 0,
  );

const mean3 = ([a, b, c]: number[]) => (a! + b! + c!) / 3;

describe.each(BACKENDS)("loss and accuracy follow from the outputs, build %s", (backend) => {
  const labels = fixtureLabels(COUNT, 2, 3);
  const labelled = { images, count: COUNT, shape: [4], labels };
  const evaluated = async (loss: LossName, last: "softmax" | "sigmoid" | "linear", units = 3) => {
    const layers = [dense({ units, activation: last, inputShape: [4] })];
    const model = await modelOf(layers, { loss, backend });
    const y = await model.predict(labelled);
    return { model, y };
  };
  const accuracyOf = (y: Float32Array, ids: Uint8Array) => {
    let right = 0;
    for (const [r, id] of ids.entries()) {
      const row = [...y.subarray(3 * r, 3 * r + 3)];
      if (row.indexOf(Math.max(...row)) === id) right++;
    }
    return right / ids.length;
  };
  const mean = (terms: number[]) => terms.reduce((a, b) => a + b, 0) / COUNT;

  test.each(["categoricalCrossentropy", "sparseCategoricalCrossentropy"] as const)("%s", async (loss) => {
    const { model, y } = await evaluated(loss, "softmax");
    const result = await model.evaluate(labelled);
    const expected = mean([...labels].map((id, r) => -Math.log(y[3 * r + id]!)));
    expectClose([result.loss], [expected], { atol: 0, rtol: 2e-6 });
    expect(result.accuracy).toBe(accuracyOf(y, labels));
    // The same, the one-hot targets given as such.
    const { labels: _, ...rest } = labelled;
    expect(await model.evaluate({ ...rest, targets: oneHot(labels, 3) })).toEqual(result);
  });

  test("categoricalCrossentropy of soft targets", async () => {
    const { model, y } = await evaluated("categoricalCrossentropy", "softmax");
    const targets = oneHot(labels, 3).map((t) => 0.8 * t + 0.1 * (1 - t));
    const { loss } = await model.evaluate({ images, count: COUNT, shape: [4], targets });
    const rows = [...labels].map((_, r) =>
      [0, 1, 2].reduce((sum, j) => sum - targets[3 * r + j]! * Math.log(y[3 * r + j]!), 0),
    );
    expectClose([loss], [mean(rows)], { atol: 0, rtol: 2e-6 });
  });

  test.each(["softmax", "sigmoid"] as const)(
    "binaryCrossentropy on %s, as the notebook has it",
    async (last) => {
      const { model, y } = await evaluated("binaryCrossentropy", last);
      const t = oneHot(labels, 3);
      const rows = [...labels].map((_, r) =>
        [0, 1, 2].reduce((sum, j) => {
          const [p, wanted] = [y[3 * r + j]!, t[3 * r + j]!];
          return sum - (wanted * Math.log(p) + (1 - wanted) * Math.log(1 - p)) / 3;
        }, 0),
      );
      const { loss, accuracy } = await model.evaluate(labelled);
      expectClose([loss], [mean(rows)], { atol: 0, rtol: 5e-6 });
      expect(accuracy).toBe(accuracyOf(y, labels));
    },
  );

  test("meanSquaredError of float targets", async () => {
    const { model, y } = await evaluated("meanSquaredError", "linear");
    const targets = fixtureValues(COUNT * 3, 5, 3);
    const { loss } = await model.evaluate({ images, count: COUNT, shape: [4], targets });
    const rows = [...labels].map((_, r) =>
      [0, 1, 2].reduce((sum, j) => sum + (y[3 * r + j]! - targets[3 * r + j]!) ** 2 / 3, 0),
    );
    expectClose([loss], [mean(rows)], { atol: 0, rtol: 2e-6 });
  });

  test("a single sigmoid output: the label itself is the target", async () => {
    const { model, y } = await evaluated("binaryCrossentropy", "sigmoid", 1);
    const ids = fixtureLabels(COUNT, 3, 2);
    const samples = { images, count: COUNT, shape: [4], labels: ids };
    const expected = mean([...ids].map((id, r) => -Math.log(id === 1 ? y[r]! : 1 - y[r]!)));
    const right = [...ids].filter((id, r) => (y[r]! > 0.5 ? 1 : 0) === id).length;
    const { loss, accuracy } = await model.evaluate(samples);
    expectClose([loss], [expected], { atol: 0, rtol: 2e-6 });
    expect(accuracy).toBe(right / COUNT);
    const { labels: _, ...rest } = samples;
    expect(await model.evaluate({ ...rest, targets: Float32Array.from(ids) })).toEqual({ loss, accuracy });
  });
});

test("a single sigmoid output learns which class is 1", async () => {
  const samples = { ...halves(100, 1), shape: [36] };
  const model = await modelOf([dense({ units: 1, activation: "sigmoid", inputShape: [36] })], {
    loss: "binaryCrossentropy",
    optimizer: adam({ learningRate: 0.05 }),
  });
  await model.fit(samples, { epochs: 10 });
  const { accuracy } = await model.evaluate({ ...halves(50, 9), shape: [36] });
  expect(accuracy).toBeGreaterThan(0.97);
  const probabilities = await model.predict(samples);
  for (const [i, label] of samples.labels.entries()) expect(probabilities[i]! > 0.5).toBe(label === 1);
});

test.each(BACKENDS)(
  "a sigmoid unit that is sure and wrong learns from its whole error, build %s",
  async (backend) => {
    for (const logit of [20, -20, 100, -100]) {
      const model = await modelOf(
        [dense({ units: 1, useBias: false, activation: "sigmoid", inputShape: [1] })],
        {
          loss: "binaryCrossentropy",
          optimizer: sgd({ learningRate: 1 }),
          backend,
        },
      );
      const { name, shape } = model.getWeights()[0]!;
      model.setWeights([{ name, shape, data: Float32Array.of(logit) }]);
      const wrong = {
        images: Float32Array.of(1),
        count: 1,
        shape: [1],
        labels: Uint8Array.of(logit > 0 ? 0 : 1),
      };
      expectClose([(await model.evaluate(wrong)).loss], [Math.abs(logit)], { atol: 0, rtol: 1e-7 });
      const { history } = await model.fit(wrong, { epochs: 110 });
      // The gradient is 1 until the unit is right: a step of 1 each.
      expectClose(
        history.loss.slice(0, 10),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => Math.abs(logit) - i),
        {
          atol: 1e-4,
          rtol: 0,
        },
      );
      expect(history.loss.at(-1)).toBeLessThan(0.2);
      expect(history.accuracy!.at(-1)).toBe(1);
      const sure = { ...wrong, labels: Uint8Array.of(logit > 0 ? 1 : 0) };
      model.setWeights([{ name, shape, data: Float32Array.of(logit) }]);
      const small = Math.log1p(Math.exp(-Math.abs(logit)));
      expectClose([(await model.evaluate(sure)).loss], [small], { atol: 1e-37, rtol: 1e-6 });
    }
  },
);

test.each(BACKENDS)(
  "targets that sum to anything: the gradient of a softmax unit is y sum(t) - t, build %s",
  async (backend) => {
    const layers = [dense({ units: 3, activation: "softmax", inputShape: [4] })];
    const session = await sessionOf(layers, { backend });
    const targets = Float32Array.of(0.5, 2, 0, 0, 0, 0, -1, 0.25, 0.25);
    const samples = { images: images.slice(0, 12), count: 3, shape: [4], targets };
    const y = outputsOf(session, samples);
    session.trainStep(samples, all(samples));
    const [, bias] = session.gradients();
    const expected = [0, 1, 2].map((j) =>
      mean3(
        [0, 1, 2].map((r) => {
          const t = targets.subarray(3 * r, 3 * r + 3);
          return y[3 * r + j]! * (t[0]! + t[1]! + t[2]!) - t[j]!;
        }),
      ),
    );
    expectClose(bias!.data, expected, { atol: 1e-7, rtol: 1e-6 });
  },
);

test("binaryCrossentropy on softmax learns", async () => {
  const samples = { ...halves(100, 1), shape: [36] };
  const model = await modelOf(
    [dense({ units: 2, inputShape: [36] }), activation({ activation: "softmax" })],
    {
      loss: "binaryCrossentropy",
      optimizer: adam({ learningRate: 0.05 }),
    },
  );
  const { history } = await model.fit(samples, { epochs: 10 });
  expect(history.accuracy!.at(-1)).toBeGreaterThan(0.97);
  expect(history.loss.at(-1)).toBeLessThan(0.3 * history.loss[0]!);
});

test("meanSquaredError fits a line", async () => {
  const x = fixtureValues(60, 1, 1);
  const samples = { images: x, count: 60, shape: [1], targets: x.map((v) => 3 * v - 0.5) };
  const model = await modelOf([dense({ units: 1, inputShape: [1] })], {
    loss: "meanSquaredError",
    optimizer: adam({ learningRate: 0.05 }),
  });
  await model.fit(samples, { epochs: 150, batchSize: 20 });
  const [slope, intercept] = model.getWeights().map(({ data }) => data[0]!);
  expectClose([slope!, intercept!], [3, -0.5], { atol: 0.02, rtol: 0 });
  expect((await model.evaluate(samples)).loss).toBeLessThan(1e-3);
});

test("losses stay finite where outputs are as sure as f32 can be", async () => {
  const samples = { images: Float32Array.of(1, 1), count: 2, shape: [1], labels: Uint8Array.of(0, 1) };
  for (const [loss, last] of [
    ["categoricalCrossentropy", "softmax"],
    ["binaryCrossentropy", "softmax"],
    ["categoricalCrossentropy", "sigmoid"],
    ["binaryCrossentropy", "sigmoid"],
  ] as const) {
    const model = await modelOf([dense({ units: 2, useBias: false, activation: last, inputShape: [1] })], {
      loss,
    });
    const { name, shape } = model.getWeights()[0]!;
    model.setWeights([{ name, shape, data: Float32Array.of(200, -200) }]);
    const result = await model.evaluate(samples);
    expect(result.loss, `${loss} on ${last}`).toBeGreaterThan(5);
    expect(result.loss).toBeLessThan(250);
    expect(result.accuracy).toBe(0.5);
    await model.fit(samples);
    expect(model.getWeights()[0]!.data.every(Number.isFinite)).toBe(true);
  }
});
