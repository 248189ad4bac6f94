import { describe, expect, onTestFinished, test } from "vitest";
import { add, conv2d, dense, flatten, globalAveragePooling2d, input } from "../../src/model/layers/index.ts";
import { model as functional } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { transferModel } from "../../src/train/transfer.ts";
import type { Base } from "../../src/web/state/teach/parting.ts";
import {
  SCALINGS,
  type ScalingName,
  scaled,
  scalingOf,
  scalingsFor,
} from "../../src/web/state/teach/scaling.ts";
import { VARIANTS, variantsOf } from "../../src/web/state/teach/vary.ts";

async function compiled(model: Model): Promise<Model> {
  await model.compile({ threads: 1 });
  onTestFinished(() => model.dispose());
  return model;
}

const baseOf = (model: Model): Base => ({
  model,
  tensors: model.getWeights(),
  metadata: { preprocessing: { scale: 1 / 255, offset: 0 } },
});

/** Padded, so that what is in front changes edges, too, where it is wrong. */
const MODELS: Readonly<Record<string, () => Model>> = {
  "a chain": () =>
    sequential(
      [
        conv2d({
          filters: 3,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          inputShape: [6, 6, 3],
          name: "pixels",
        }),
        flatten(),
        dense({ units: 4, activation: "softmax" }),
      ],
      { name: "resnet50" },
    ),
  "a graph": () => {
    const x = input({ shape: [6, 6, 3] });
    const one = conv2d({ filters: 3, kernelSize: 3, padding: "same" }).apply(x);
    const y = globalAveragePooling2d().apply(add().apply([one, x]));
    return functional({ inputs: x, outputs: dense({ units: 4, activation: "softmax" }).apply(y) });
  },
};

const bytes = Uint8Array.from({ length: 2 * 108 }, (_, i) => (i * 97) % 256);
const [MEAN, DEVIATION] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
/** What the base is to be given, by the formulas of Keras's preprocess_input(). */
const GIVEN: Readonly<Record<ScalingName, (byte: number, colour: number, at: number) => number>> = {
  unit: (byte) => byte / 255,
  symmetric: (byte) => byte / 127.5 - 1,
  bytes: (byte) => byte,
  imagenet: (byte, colour) => (byte / 255 - MEAN[colour]!) / DEVIATION[colour]!,
  caffe: (_, colour, at) => bytes[at + 2 - 2 * colour]! - [103.939, 116.779, 123.68][colour]!,
};

describe.each(Object.keys(MODELS))("%s", (name) => {
  test.each(Object.keys(SCALINGS) as ScalingName[])("takes pixels as %s", async (choice) => {
    const own = await compiled(MODELS[name]!());
    const floats = Float32Array.from(bytes, (byte, i) => GIVEN[choice](byte, i % 3, i));
    const expected = await own.predict(floats);
    const base = scaled(baseOf(own), choice);
    // As a whole, and as a backbone.
    const { scale, offset } = base.metadata.preprocessing;
    await base.model.compile({ threads: 1, preprocessing: { scale, offset } });
    onTestFinished(() => base.model.dispose());
    const got = await base.model.predict(bytes);
    for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
    const net = await compiled(transferModel(base, { head: [2] }));
    expect(net.graph.parameters.filter(({ trainable }) => trainable)).toHaveLength(2);
  });
});

test("what nets of keras.applications take is proposed by their names; what a file says holds", async () => {
  const named = (name: string, preprocessing = { scale: 1 / 255, offset: 0 }): Base => ({
    model: sequential([flatten({ inputShape: [4, 4, 3] }), dense({ units: 2 })], { name }),
    tensors: [],
    metadata: { preprocessing },
  });
  const found = (name: string, own = false) => scalingOf(named(name), own);
  expect(
    [
      "mobilenetv2_1.00_224",
      "MobileNetV3Large",
      "efficientnetb0",
      "resnet50",
      "resnet50v2",
      "vgg16",
      "densenet121",
    ].map((name) => found(name)),
  ).toEqual(["symmetric", "bytes", "bytes", "caffe", "symmetric", "caffe", "imagenet"]);
  expect(found("my_net")).toBe("unit");
  expect(found("mobilenetv2_1.00_224", true)).toBe("unit");
  expect(scalingOf(named("mobilenetv2_1.00_224", { scale: 2 / 255, offset: -1 }), true)).toBe("symmetric");
  const odd = named("net", { scale: 0.5, offset: 3 });
  expect(scalingOf(odd, true)).toBe("file");
  expect(scalingsFor(odd, "file")[0]).toEqual(["file", "as its file says: byte × 0.5 + 3"]);
  expect(scaled(odd, "file")).toBe(odd);
});

test("variants of a picture are the same for the same number, others for another, and as large", () => {
  const pixels = Uint8Array.from({ length: 12 * 10 * 3 }, (_, i) => (i * 31) % 256);
  const picture = { width: 12, height: 10, pixels };
  const [once, again, other] = [variantsOf(picture, 3), variantsOf(picture, 3), variantsOf(picture, 4)];
  expect(once).toHaveLength(VARIANTS);
  expect(once).toEqual(again);
  expect(once).not.toEqual(other);
  expect(new Set([...once, ...other].map(({ pixels }) => pixels.join())).size).toBe(2 * VARIANTS);
  for (const { width, height, pixels: own } of once) {
    expect([width, height, own.length]).toEqual([12, 10, 360]);
    // What is all of one shade stays that, but for how bright it is.
    expect(own.join()).not.toBe(pixels.join());
  }
  const white = { width: 5, height: 5, pixels: new Uint8Array(75).fill(250) };
  for (const { pixels: own } of variantsOf(white, 1)) expect(new Set(own).size).toBe(1);
});
