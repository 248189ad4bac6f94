import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { lossDefinition } from "../../src/losses/index.ts";
import { LOSSES, type LossData } from "../../src/losses/names.ts";
import * as api from "../../src/node.ts";
import { checkRunConfig } from "../../src/run/config.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, modelOf, sessionOf } from "../support/sessions.ts";

// Every loss with its options, through a whole model whose outputs, or logits, are its inputs: what Keras 3 gives for them.

interface Case {
  readonly loss: LossData["name"];
  readonly options: Omit<LossData, "name">;
  readonly logits: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly y: number[];
  readonly t: number[];
  readonly losses: number[];
  readonly gradient: number[];
}
const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/keras/losses.json", import.meta.url), "utf8"),
) as { cases: Case[] };

const ACTIVATIONS = { classes: "softmax", probabilities: "sigmoid", numbers: "linear" } as const;

/** A session of a model whose last layer's inputs are the samples' numbers. */
async function identity(
  c: Case,
  loss: LossData,
  activation: api.DenseOptions["activation"],
  backend: api.Backend,
) {
  const { cols } = c;
  const layers = [api.dense({ units: cols, inputShape: [cols], activation })];
  const session = await sessionOf(layers, { loss, backend, metrics: [] });
  const kernel = Float32Array.from({ length: cols * cols }, (_, i) => Number(i % (cols + 1) === 0));
  session.setWeights([
    { name: "dense/kernel", shape: [cols, cols], data: kernel },
    { name: "dense/bias", shape: [cols], data: new Float32Array(cols) },
  ]);
  return session;
}

describe.each(BACKENDS.filter((name) => name !== "relaxed"))("Keras's losses, build %s", (backend) => {
  // Probabilities cannot be any numbers: those of softmax and sigmoid are in the cases from logits.
  const whole = cases.filter(({ loss, logits }) => logits || lossDefinition(loss)!.takes === "numbers");
  test.each(whole.map((c) => [`${c.loss} ${JSON.stringify(c.options)} ${c.cols}`, c] as const))(
    "%s",
    async (_, c) => {
      const { loss: name, options, logits, rows, cols } = c;
      const samples = {
        images: Float32Array.from(c.y),
        targets: Float32Array.from(c.t),
        shape: [cols],
        count: rows,
      };
      const { fromLogits: __, ...others } = options;
      const ways: [LossData, api.DenseOptions["activation"]][] = [[{ name, ...options }, "linear"]];
      // The same from the op's outputs: its kernel starts from the logits, too.
      if (logits) ways.push([{ name, ...others }, ACTIVATIONS[lossDefinition(name)!.takes!]]);
      for (const [loss, activation] of ways) {
        const session = await identity(c, loss, activation, backend);
        const mean = c.losses.reduce((a, b) => a + b, 0) / rows;
        const size = Math.max(1, ...c.losses.map(Math.abs));
        const closeness = { atol: 2e-6 * Math.min(size, 4), rtol: 4e-6 };
        expectClose([session.evaluateStep(samples, all(samples)).loss], [mean], closeness);
        expectClose([session.trainStep(samples, all(samples)).loss], [mean], closeness);
        const [, bias] = session.gradients();
        const columns = Array.from({ length: cols }, (_, j) =>
          c.gradient.reduce((sum, g, i) => sum + (i % cols === j ? g / rows : 0), 0),
        );
        const steep = Math.max(1, ...c.gradient.map(Math.abs));
        expectClose(bias!.data, columns, { atol: 1e-6 * Math.min(steep, 4), rtol: 6e-6 });
      }
    },
  );
});

const images = fixtureValues(40 * 4, 1, 2);
const labelled = { images, count: 40, shape: [4], labels: fixtureLabels(40, 2, 3) };

test("a loss with options is plain data: what its function gives, JSON keeps, and a model file holds", async () => {
  const loss = api.huber({ delta: 0.5 });
  expect(loss).toEqual({ name: "huber", delta: 0.5 });
  const model = await modelOf([api.dense({ units: 3, inputShape: [4] })], { loss });
  const other = await modelOf([api.dense({ units: 3, inputShape: [4] })], {
    loss: { name: "huber", delta: 0.5 },
  });
  const plain = await modelOf([api.dense({ units: 3, inputShape: [4] })], { loss: "huber" });
  const result = await model.evaluate(labelled);
  expect(await other.evaluate(labelled)).toEqual(result);
  expect((await plain.evaluate(labelled)).loss).not.toBe(result.loss);
  const loaded = await api.loadModel(api.saveModel(model, { loss }));
  expect(loaded.metadata.loss).toEqual({ name: "huber", delta: 0.5 });
  await loaded.model.compile({ threads: 1 });
  expect(await loaded.model.evaluate(labelled)).toEqual(result);
  loaded.model.dispose();
  expect(checkRunConfig({ loss }).loss).toEqual(loss);
});

test("options are refused that a loss has not, or that are out of range", async () => {
  const layers = [api.dense({ units: 3, inputShape: [4], activation: "softmax" })];
  const refused = (loss: object) => expect(modelOf(layers, { loss: loss as LossData })).rejects;
  await refused({ name: "huber", delta: -1 }).toThrow(
    "huber: delta is -1, expected a number > 0. Write: huber({ delta: 1 })",
  );
  await refused({ name: "meanSquaredError", labelSmoothing: 0.1 }).toThrow(
    'meanSquaredError: no option is called "labelSmoothing"',
  );
  await refused({ name: "binaryCrossentropy", labelSmothing: 0.1 }).toThrow("did you mean labelSmoothing?");
  await refused({ name: "categoricalCrossentropy", fromLogits: true }).toThrow(
    "loss categoricalCrossentropy takes logits, but the model ends with softmax: leave out fromLogits, or the activation",
  );
  expect(() => checkRunConfig({ loss: { name: "huber", delta: 0 } })).toThrow(
    'loss: huber: delta is 0, expected a number > 0. Write: {"name": "huber", "delta": 1}',
  );
  expect(() => api.saveModel(api.sequential(layers), { loss: { name: "huber", delta: -2 } })).toThrow();
});

test("logits are asked for where a model ends without an activation", async () => {
  await expect(
    modelOf([api.dense({ units: 3, inputShape: [4] })], { loss: "categoricalCrossentropy" }),
  ).rejects.toThrow(
    'loss categoricalCrossentropy takes probabilities: end the model with activation "softmax", give the loss fromLogits: true, or use meanSquaredError',
  );
});

test("figures of logits are those of their probabilities, predictions are the logits", async () => {
  const options = { seed: 3, metrics: ["accuracy", "meanAbsoluteError"] as const };
  const layers = (activation: "sigmoid" | "linear") => [api.dense({ units: 1, inputShape: [4], activation })];
  const samples = { ...labelled, labels: fixtureLabels(40, 3, 2) };
  const plain = await modelOf(layers("sigmoid"), { ...options, loss: "binaryCrossentropy" });
  const logits = await modelOf(layers("linear"), {
    ...options,
    loss: api.binaryCrossentropy({ fromLogits: true }),
  });
  expect(await logits.evaluate(samples)).toEqual(await plain.evaluate(samples));
  const [p, x] = [await plain.predict(samples), await logits.predict(samples)];
  expectClose(
    x.map((v) => 1 / (1 + Math.exp(-v))),
    p,
    { atol: 1e-6, rtol: 1e-6 },
  );
  await plain.fit(samples, { epochs: 2 });
  await logits.fit(samples, { epochs: 2 });
  expect(await logits.weightsSha256()).toBe(await plain.weightsSha256());
});

test("label smoothing changes what is learned, not what is measured", async () => {
  const layers = [api.dense({ units: 3, inputShape: [4], activation: "softmax" })];
  const smooth = await modelOf(layers, { loss: api.categoricalCrossentropy({ labelSmoothing: 0.2 }) });
  const hard = await modelOf(layers, { metrics: ["accuracy"] });
  const [a, b] = [await smooth.evaluate(labelled), await hard.evaluate(labelled)];
  expect(a.accuracy).toBe(b.accuracy);
  expect(a.loss).not.toBe(b.loss);
});

test.each(LOSSES)("%s trains to the same bits on 1 and 3 threads", async (loss) => {
  const { takes } = lossDefinition(loss)!;
  const hashes = new Set<string>();
  for (const threads of [1, 3]) {
    const layers = [
      api.dense({ units: 16, inputShape: [4], activation: "tanh" }),
      api.dense({ units: 5, activation: takes === "numbers" ? "sigmoid" : ACTIVATIONS[takes!] }),
    ];
    const model = await modelOf(layers, { loss, threads });
    const samples = { ...labelled, labels: fixtureLabels(40, 2, 5) };
    const { history } = await model.fit(samples, { epochs: 30, batchSize: 20 });
    expect(history.loss.at(-1)!).toBeLessThan(history.loss[0]!);
    hashes.add(await model.weightsSha256());
  }
  expect(hashes.size).toBe(1);
});

test("a focal loss's sure and wrong unit learns from its whole error", async () => {
  for (const logit of [20, -20, 100, -100]) {
    const model = await modelOf(
      [api.dense({ units: 1, useBias: false, activation: "sigmoid", inputShape: [1] })],
      { loss: "binaryFocalCrossentropy", optimizer: api.sgd({ learningRate: 1 }) },
    );
    const { name, shape } = model.getWeights()[0]!;
    model.setWeights([{ name, shape, data: Float32Array.of(logit) }]);
    const wrong = {
      images: Float32Array.of(1),
      count: 1,
      shape: [1],
      labels: Uint8Array.of(logit > 0 ? 0 : 1),
    };
    const { history } = await model.fit(wrong, { epochs: 10 });
    for (const [i, loss] of history.loss.entries())
      expectClose([loss], [Math.abs(logit) - i], { atol: 1e-3, rtol: 0 });
  }
});
