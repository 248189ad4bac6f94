import { describe, expect, test } from "vitest";
import { createModel, loadModel, type Model, saveModel, sgd } from "../../src/node.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";

// Predictions pack and fold weights once, until weights may be others: however they change, answers are those of a model that is new.

const SHAPE = [16, 16, 3];
const COUNT = 12;
const images = fixtureValues(COUNT * 768, 3, 1);
const samples = { images, shape: SHAPE, count: COUNT, labels: fixtureLabels(COUNT, 5, 4) };
const asked = { images: images.slice(0, 2 * 768), shape: SHAPE, count: 2 };

async function resnet(): Promise<Model> {
  const model = createModel("resnet8", SHAPE, 4);
  await model.compile({ optimizer: sgd({ learningRate: 0.05 }), seed: 2, threads: 2 });
  return model;
}

/** Of a model that has these weights and has answered nothing yet. */
async function afresh(model: Model): Promise<Float32Array> {
  const { model: other } = await loadModel(saveModel(model));
  await other.compile({ threads: 1 });
  const answers = await other.predict(asked);
  other.dispose();
  return answers;
}

const CHANGES: Readonly<Record<string, (model: Model) => Promise<unknown>>> = {
  "fit()": (model) => model.fit(samples, { epochs: 1, batchSize: 4 }),
  "a step by hand": (model) => model.training(samples, { batchSize: 4 }).step(),
  "setWeights()": async (model) =>
    model.setWeights(
      model.getWeights().map((tensor) => ({ ...tensor, data: tensor.data.map((v) => v * 0.9) })),
    ),
  "setWeights() of a part": async (model) => {
    const [first] = model.getWeights();
    model.setWeights([{ ...first!, data: first!.data.map((v) => -v) }], { partial: true });
  },
  "restored best weights": (model) =>
    model.fit(samples, { epochs: 3, batchSize: 4, validationData: samples, restoreBestWeights: "val_loss" }),
  "a training that diverges": (model) =>
    model
      .fit({ ...samples, images: images.map((v) => v * 1e30) }, { epochs: 1, batchSize: 4 })
      .catch(() => {}),
  "setTrainable()": (model) => model.setTrainable("conv2d", false),
};

describe("answers are those of the weights that there are, after", () => {
  test.each(Object.entries(CHANGES))("%s", async (_, change) => {
    const model = await resnet();
    const before = await model.predict(asked);
    expect(await model.predict(asked)).toEqual(before);
    await change(model);
    const answers = await model.predict(asked);
    expect(answers).toEqual(await afresh(model));
    expect(await model.predict(asked)).toEqual(answers);
    await model.evaluate(samples);
    expect(await model.predict(asked)).toEqual(answers);
    model.dispose();
  });

  test("answers of other numbers of images, and looks at layers, in between", async () => {
    const model = await resnet();
    const expected = await model.predict(asked);
    for (let i = 0; i < 2; i++) {
      await model.predict(samples);
      await model.activations(images.slice(0, 768));
      expect(await model.predict(asked)).toEqual(expected);
    }
    model.dispose();
  });
});

test("weights that are not finite are noticed after answers, too", async () => {
  const model = await resnet();
  await model.predict(asked);
  const tensors = model.getWeights();
  tensors[0]!.data[3] = Number.NaN;
  model.setWeights(tensors);
  await expect(model.predict(asked)).rejects.toThrow("holds NaN at index 3");
  await expect(model.predict(asked)).rejects.toThrow("holds NaN at index 3");
  model.dispose();
});

test("weights that are not finite are noticed where they are set while it answers", async () => {
  const model = await resnet();
  const tensors = model.getWeights();
  // relu hides it from the answers.
  tensors.find(({ name }) => name.endsWith("/beta"))!.data[0] = Number.NEGATIVE_INFINITY;
  const answers = model.predict(asked);
  model.setWeights(tensors);
  await answers;
  await expect(model.predict(asked)).rejects.toThrow("holds -Infinity at index 0");
  model.dispose();
});

test("in a model that packs, fold and pack run once", async () => {
  const model = await resnet();
  await model.predict(asked);
  const { plan } = model.session.plan({ batch: 2, mode: "predict", inputs: ["floats"], targets: [] });
  const packs = plan.calls.findLastIndex(({ kernel }) =>
    /^(packFilter|foldNorm|winogradFilter)/.test(kernel),
  );
  const others = plan.calls.findIndex(({ kernel }) => /^(conv2dForward|winogradForward|gemm)/.test(kernel));
  expect(packs).toBeGreaterThan(5);
  expect(packs).toBeLessThan(others);
  model.dispose();
});
