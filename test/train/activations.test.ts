import { expect, test } from "vitest";
import {
  activation,
  conv2d,
  dense,
  dropout,
  flatten,
  type Layer,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const LAYERS: readonly Layer[] = [
  activation({ activation: "linear", inputShape: [6, 6, 1] }),
  conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "relu" }),
  maxPooling2d(),
  dropout({ rate: 0.5 }),
  conv2d({ filters: 3, kernelSize: 2 }),
  activation({ activation: "tanh" }),
  flatten(),
  dense({ units: 4, activation: "relu" }),
  dense({ units: 2, activation: "softmax" }),
];

test("each layer's output is what a model of the layers up to it predicts", async () => {
  const samples = halves(20, 1);
  const model = await modelOf(LAYERS);
  await model.fit(samples, { epochs: 3, batchSize: 4 });
  const image = samples.images.subarray(36, 72) as Uint8Array;
  const activations = await model.activations(image);
  expect(activations.map(({ name, type, shape }) => ({ name, type, outputShape: shape }))).toEqual(
    model.rows.map(({ name, type, outputShape }) => ({ name, type, outputShape })),
  );
  expectClose(
    activations[0]!.data,
    Array.from(image, (pixel) => pixel / 255),
    { atol: 1e-7, rtol: 0 },
  );
  const weights = model.getWeights();
  for (let count = 2; count <= LAYERS.length; count++) {
    // A flat end, so that the cut-off model is one that can be trained.
    const cut = LAYERS.slice(0, count);
    const part = await modelOf(count < 7 ? [...cut, flatten()] : cut, { loss: "meanSquaredError" });
    const own = new Set(part.getWeights().map(({ name }) => name));
    part.setWeights(weights.filter(({ name }) => own.has(name)));
    expectSame(activations[count - 1]!.data, await part.predict(image));
  }
});

test("floats are taken as they are, and give what their bytes give", async () => {
  const model = await modelOf(LAYERS, { preprocessing: { scale: 0.5, offset: 0 } });
  const bytes = halves(1, 2).images as Uint8Array;
  const [fromBytes, fromFloats] = [
    await model.activations(bytes),
    await model.activations(Float32Array.from(bytes, (pixel) => pixel / 2)),
  ];
  for (const [i, { data }] of fromBytes.entries()) expectSame(data, fromFloats[i]!.data);
});

test("between two epochs they change nothing: the same weights as without", async () => {
  const samples = halves(20, 3);
  const hashes = [];
  for (const look of [false, true]) {
    const model = await modelOf(LAYERS);
    const onEpochEnd = async () => {
      if (look) await model.activations(samples.images.subarray(0, 36) as Uint8Array);
    };
    await model.fit(samples, { epochs: 3, batchSize: 4, callbacks: { onEpochEnd } });
    hashes.push(await model.weightsSha256());
  }
  expect(hashes[1]).toBe(hashes[0]);
});

test("an image of another size is refused", async () => {
  const model = await modelOf(LAYERS);
  await expect(model.activations(new Uint8Array(35))).rejects.toThrow(
    "activations: got 35 input numbers, expected 1 sample of 36",
  );
});
