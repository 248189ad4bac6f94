import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  flatten,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { slice } from "../../src/train/split.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [
  conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "relu", inputShape: [6, 6, 1] }),
  maxPooling2d(),
  conv2d({ filters: 7, kernelSize: 2, activation: "tanh" }),
  averagePooling2d({ poolSize: 2, strides: 1 }),
  dropout({ rate: 0.5 }),
  flatten(),
  dense({ units: 18, activation: "relu" }),
  dense({ units: 2, activation: "softmax" }),
];
const samples = halves(67, 1);

describe.each(BACKENDS)("build %s", (backend) => {
  test("the batch size changes speed, not results", async () => {
    const model = await modelOf(layers(), { backend });
    const outputs = await model.predict(samples, { batchSize: 67 });
    const { loss, accuracy } = await model.evaluate(samples, { batchSize: 67 });
    for (const batchSize of [1, 2, 3, 16, 64, 66, 1000]) {
      // A sample's own arithmetic is the same in any company, but for the order in which a dense layer sums.
      expectClose(await model.predict(samples, { batchSize }), outputs, { atol: 0, rtol: 2e-6 });
      const result = await model.evaluate(samples, { batchSize });
      expectClose([result.loss], [loss], { atol: 0, rtol: 1e-6 });
      expect(result.accuracy).toBe(accuracy);
    }
  });

  test("outputs are of each sample, in order", async () => {
    const model = await modelOf(layers(), { backend });
    const outputs = await model.predict(samples);
    for (const i of [0, 1, 40, 66])
      expectClose(await model.predict(slice(samples, i, i + 1)), outputs.subarray(2 * i, 2 * i + 2), {
        atol: 0,
        rtol: 2e-6,
      });
  });

  test("nothing changes the model: the same again, and after each other", async () => {
    const model = await modelOf(layers(), { backend });
    const hash = await model.weightsSha256();
    const outputs = await model.predict(samples);
    const result = await model.evaluate(samples);
    expectSame(await model.predict(samples), outputs);
    expect(await model.evaluate(samples)).toEqual(result);
    expect(await model.weightsSha256()).toBe(hash);
    const both = await Promise.all([model.predict(samples), model.evaluate(samples), model.predict(samples)]);
    expectSame(both[0], outputs);
    expect(both[1]).toEqual(result);
    expectSame(both[2], outputs);
  });
});

test("bytes and the floats they stand for give the same", async () => {
  const model = await modelOf(layers());
  const floats = Float32Array.from(samples.images, (v) => Math.fround(v * Math.fround(1 / 255)));
  expectSame(await model.predict(samples), await model.predict({ ...samples, images: floats }));
});

test("builds agree up to rounding", async () => {
  const [scalar, simd, relaxed] = await Promise.all(
    BACKENDS.map(async (backend) => (await modelOf(layers(), { backend })).predict(samples)),
  );
  expectClose(simd!, scalar!, { atol: 0, rtol: 5e-6 });
  expectClose(relaxed!, scalar!, { atol: 0, rtol: 5e-6 });
});

test("outputs of any shape come whole", async () => {
  const model = await modelOf(
    [conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1] }), flatten(), dense({ units: 1 })],
    { loss: "meanSquaredError" },
  );
  expect(await model.predict(samples)).toHaveLength(67);
});

test.each([0, -1, 1.5, Number.NaN])("batchSize %f is refused", async (batchSize) => {
  const model = await modelOf(layers());
  const said = `: batchSize is ${batchSize}, expected a whole number >= 1. Write: model.`;
  await expect(model.predict(samples, { batchSize })).rejects.toThrow(
    `predict${said}predict(images, { batch`,
  );
  await expect(model.evaluate(samples, { batchSize })).rejects.toThrow(
    `evaluate${said}evaluate(test, { batch`,
  );
});
