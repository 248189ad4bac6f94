import { expect, onTestFinished, test } from "vitest";
import { activation, add, conv2d, dense, flatten, input } from "../../src/nn/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { NonFiniteError } from "../../src/train/errors.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { fixtureValues, hash32 } from "../support/fixture-values.ts";

/** A picture of 4 x 4 bytes and three floats. */
function twoInputs(): Model {
  const picture = input({ shape: [4, 4, 1], name: "picture" });
  const numbers = input({ shape: [3], name: "numbers" });
  const conv = conv2d({ filters: 3, kernelSize: 3, activation: "tanh" }).apply(picture);
  const sum = add().apply([
    dense({ units: 6 }).apply(flatten().apply(conv)),
    dense({ units: 6 }).apply(numbers),
  ]);
  const hidden = activation({ activation: "tanh" }).apply(sum);
  return model({
    inputs: [picture, numbers],
    outputs: dense({ units: 2, activation: "softmax" }).apply(hidden),
  });
}

/** Both inputs tell of the class: whether the picture is bright is the class where the first number is positive, else its opposite. */
function pairs(count: number, seed: number) {
  const picture = new Uint8Array(count * 16);
  const numbers = fixtureValues(count * 3, seed, 1);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bright = hash32(seed + i) % 2;
    picture.fill(bright ? 200 : 20, i * 16, i * 16 + 16);
    labels[i] = numbers[3 * i]! > 0 ? bright : 1 - bright;
  }
  return { images: [picture, numbers] as const, shape: [[4, 4, 1], [3]], count, labels };
}

async function compiled(threads = 1): Promise<Model> {
  const net = twoInputs();
  await net.compile({ threads, seed: 2, optimizer: adam({ learningRate: 0.01 }) });
  onTestFinished(() => net.dispose());
  return net;
}

test("a model of two inputs learns what neither tells alone", async () => {
  const net = await compiled();
  const samples = pairs(400, 1);
  await net.fit(samples, { epochs: 30, batchSize: 16 });
  const { accuracy } = await net.evaluate(pairs(100, 900));
  expect(accuracy).toBeGreaterThan(0.85);
  const outputs = await net.predict(samples);
  expect(outputs.length).toBe(800);
  expect(await net.predict(samples.images)).toEqual(outputs);
  const [picture, numbers] = samples.images;
  const looks = await net.activations([picture.subarray(16, 32), numbers.subarray(3, 6)]);
  expect(looks.at(-1)!.data).toEqual(outputs.slice(2, 4));
});

test("bytes and the floats that they stand for, for either input", async () => {
  const net = await compiled();
  const samples = pairs(20, 3);
  const floats = Float32Array.from(samples.images[0], (v) => Math.fround(v * Math.fround(1 / 255)));
  const [, numbers] = samples.images;
  expect(await net.predict({ ...samples, images: [floats, numbers] })).toEqual(await net.predict(samples));
  const bytes = Uint8Array.from(numbers, (v) => 100 + 50 * v);
  const scaled = Float32Array.from(bytes, (v) => Math.fround(v * Math.fround(1 / 255)));
  expect(await net.predict({ ...samples, images: [floats, bytes] })).toEqual(
    await net.predict({ ...samples, images: [samples.images[0], scaled] }),
  );
});

test.each(["last", "shuffled", "stratified"] as const)(
  "validation from %s takes parts of both inputs",
  async (from) => {
    const whole = pairs(30, 4);
    const part = (first: number, last: number): Samples => ({
      ...whole,
      images: [
        whole.images[0].subarray(16 * first, 16 * last),
        whole.images[1].subarray(3 * first, 3 * last),
      ],
      labels: whole.labels.subarray(first, last),
      count: last - first,
    });
    const options = { epochs: 2, batchSize: 8 };
    const split = await compiled();
    const { history, validationCounts } = await split.fit(whole, {
      ...options,
      validationSplit: 0.2,
      validationFrom: from,
    });
    expect(validationCounts!.reduce((a, b) => a + b)).toBe(6);
    if (from !== "last") return;
    const given = await compiled();
    const own = await given.fit(part(0, 24), { ...options, validationData: part(24, 30) });
    expect(own.history).toEqual(history);
    expect(await given.weightsSha256()).toBe(await split.weightsSha256());
  },
);

test("what is not finite is told by its list", async () => {
  const net = await compiled();
  const samples = pairs(5, 6);
  samples.images[1][7] = Number.NaN;
  await expect(net.predict(samples)).rejects.toThrow(NonFiniteError);
  await expect(net.predict(samples)).rejects.toThrow(
    "input 1 of sample 2 in images[1] is NaN, expected finite numbers",
  );
});

test("an input that no output needs is given, and changes nothing", async () => {
  const [used, unused] = [input({ shape: [3] }), input({ shape: [2], name: "unused" })];
  const net = model({
    inputs: [used, unused],
    outputs: dense({ units: 2, activation: "softmax" }).apply(used),
  });
  await net.compile({ threads: 1 });
  onTestFinished(() => net.dispose());
  const samples = (value: number, bytes = false) => ({
    images: [fixtureValues(12, 1, 1), (bytes ? Uint8Array : Float32Array).of(...Array(8).fill(value))],
    shape: [[3], [2]],
    count: 4,
    labels: Uint8Array.of(0, 1, 1, 0),
  });
  const outputs = await net.predict(samples(1));
  expect(await net.predict(samples(7, true))).toEqual(outputs);
  expect((await net.evaluate(samples(1))).loss).toBe((await net.evaluate(samples(9))).loss);
});
