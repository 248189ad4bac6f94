import { describe, expect, onTestFinished, test } from "vitest";
import { type LoadedModel, readModel, saveModel } from "../../src/formats/model-file.ts";
import type { LossName } from "../../src/losses/names.ts";
import {
  add,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  input,
  maxPooling2d,
  relu,
  softmax,
} from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { model as functional } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { type TransferOptions, transferModel } from "../../src/train/transfer.ts";
import { halves } from "../support/samples.ts";

const chain = () =>
  sequential(
    [
      conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 1] }),
      batchNormalization(),
      relu(),
      conv2d({ filters: 6, kernelSize: 3 }),
      globalAveragePooling2d(),
      dropout({ rate: 0.1 }),
      dense({ units: 16, activation: "relu" }),
      dense({ units: 10, activation: "softmax" }),
    ],
    { name: "digits" },
  );
const graph = () => {
  const x = input({ shape: [8, 8, 1] });
  const shared = conv2d({ filters: 3, kernelSize: 3, padding: "same", name: "shared" });
  const first = shared.apply(conv2d({ filters: 3, kernelSize: 1 }).apply(x));
  const y = add().apply([shared.apply(first), first]);
  const z = dense({ units: 5, activation: "softmax", name: "classes" }).apply(
    globalAveragePooling2d().apply(y),
  );
  return functional({ inputs: x, outputs: z, name: "residual" });
};

async function ready(model: Model, seed = 1, loss?: LossName): Promise<Model> {
  await model.compile({ threads: 1, seed, loss, optimizer: adam({ learningRate: 0.02 }) });
  onTestFinished(() => model.dispose());
  return model;
}
async function based(make: () => Model, metadata = {}): Promise<LoadedModel> {
  return readModel(saveModel(await ready(make(), 9), metadata));
}
const named = (model: Model) =>
  Object.fromEntries(model.getWeights().map(({ name, data }) => [name, [...data]]));
const types = (model: Model) => model.rows.map(({ type }) => type);
const frozen = (model: Model) =>
  model
    .toConfig()
    .layers.filter(({ trainable }) => trainable === false)
    .map(({ name }) => name);
const data = halves(30, 3, 8);

describe("transferModel()", () => {
  test("begins with the backbone's weights and preprocessing, a head drawn from the seed, and is a model as any", async () => {
    const preprocessing = { scale: 1 / 127.5, offset: -1 };
    const base = await based(chain, { preprocessing });
    const model = transferModel(base, { head: [5, 2] });
    expect(model.name).toBe("digits");
    expect(types(model)).toEqual([
      ...["conv2d", "batchNormalization", "relu", "conv2d", "globalAveragePooling2d"],
      ...["dense", "dense"],
    ]);
    expect(frozen(model)).toEqual(["conv2d", "batchNormalization", "conv2d_1"]);
    await ready(model);
    expect(model.session.options.preprocessing).toEqual(preprocessing);
    const before = named(model);
    const own = Object.fromEntries(base.tensors.map(({ name, data }) => [name, [...data]]));
    for (const name of ["conv2d/kernel", "batchNormalization/movingMean", "conv2d_1/bias"])
      expect(before[name]).toEqual(own[name]);
    // The head's layers have the names of others that were left out.
    expect(before["dense/kernel"]).toHaveLength(6 * 5);
    const other = await ready(transferModel(base, { head: [5, 2] }), 2);
    expect(named(other)["dense/kernel"]).not.toEqual(before["dense/kernel"]);
    await model.fit(data, { epochs: 2, batchSize: 8 });
    const after = named(model);
    for (const name of Object.keys(before))
      if (name.startsWith("dense")) expect(after[name]).not.toEqual(before[name]);
      else expect(after[name]).toEqual(before[name]);
    const again = readModel(saveModel(model, { preprocessing })).model;
    expect(again.toConfig()).toEqual(model.toConfig());
    await ready(again);
    expect(await again.predict(data)).toEqual(await model.predict(data));
  });

  test("does not take weights of a layer that was left out for one of the head with its name and shape", async () => {
    const base = await based(chain);
    const model = await ready(transferModel(base, { head: [16, 10] }));
    expect(named(model)["dense/kernel"]).not.toEqual([
      ...base.tensors.find(({ name }) => name === "dense/kernel")!.data,
    ]);
  });

  test("takes a compiled model, and a graph with a shared layer, cut where it is called the first or the second time", async () => {
    const base = await ready(graph(), 9);
    const whole = transferModel(base, { head: [dense({ units: 3, activation: "softmax", name: "mine" })] });
    expect(types(whole)).toEqual(["input", "conv2d", "conv2d", "add", "globalAveragePooling2d", "dense"]);
    expect(whole.rows.at(-1)).toMatchObject({ name: "mine", from: ["globalAveragePooling2d"] });
    expect(frozen(whole)).toEqual(["conv2d", "shared"]);
    await ready(whole);
    expect(named(whole)["shared/kernel"]).toEqual(named(base)["shared/kernel"]);
    for (const cut of ["shared", "shared:2"]) {
      const model = transferModel(base, { cut, head: [3] });
      expect(types(model)).toEqual(["input", "conv2d", "conv2d", "globalAveragePooling2d", "dense"]);
      expect(model.rows[3]!.from).toEqual([cut]);
      const at = base.graph.calls.find(({ name }) => name === cut)!;
      await ready(model);
      const [image] = [data.images.subarray(0, 64)];
      const here = await model.activations(image);
      const there = await base.activations(image);
      expect(here.find(({ name }) => name === cut)!.data).toEqual(
        there.find(({ name }) => name === at.name)!.data,
      );
    }
  });

  test.each([
    [
      "the last flatten()",
      [
        conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1] }),
        flatten(),
        dense({ units: 4 }),
        dense({ units: 3 }),
      ],
      "flatten",
    ],
    [
      "before the last weights of a model that ends with probabilities",
      [
        conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1] }),
        relu({ name: "last" }),
        conv2d({ filters: 3, kernelSize: 1 }),
        globalAveragePooling2d(),
        softmax(),
      ],
      "last",
    ],
    [
      "its end where it has no classifier",
      [conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1] }), maxPooling2d()],
      "maxPooling2d",
    ],
  ])("cuts by default at %s", async (_, layers, name) => {
    const model = transferModel(await ready(sequential(layers), 1, "meanSquaredError"), { head: [2] });
    const at = model.rows.findLastIndex((row) => row.name === name);
    expect(model.rows.slice(at + 1).map(({ type }) => type)).toEqual(
      model.rows[at]!.outputShape.length === 1 ? ["dense"] : ["globalAveragePooling2d", "dense"],
    );
  });

  test.each<[TransferOptions["freeze"], string[]]>([
    ["all", ["conv2d", "batchNormalization", "conv2d_1"]],
    ["none", []],
    [0, []],
    [2, ["conv2d", "batchNormalization"]],
    [5, ["conv2d", "batchNormalization", "conv2d_1"]],
    [-2, ["conv2d", "batchNormalization"]],
    [-5, []],
  ])("freezes what Python's layers[:N] has: %j", async (freeze, names) => {
    const base = await ready(chain());
    await base.setTrainable(["conv2d_1", "dense"], false);
    expect(frozen(transferModel(base, { freeze, head: [2] }))).toEqual(names);
  });

  test("takes images of another size, where no weight of the backbone depends on it", async () => {
    const base = await based(chain);
    const model = await ready(transferModel(base, { inputShape: [12, 10, 1], head: [2] }));
    expect(model.inputShape).toEqual([12, 10, 1]);
    expect(await model.predict(new Float32Array(120))).toHaveLength(2);
    const branched = transferModel(await ready(graph()), { inputShape: [5, 6, 1], head: [2] });
    expect(branched.inputShape).toEqual([5, 6, 1]);
  });

  test.each<[string, object, RegExp]>([
    [
      "no head",
      {},
      /^transferModel: head is missing, expected a list of layers, or numbers of units\. Write: transferModel\(base, \{ head: \[128, 10\] \}\)$/,
    ],
    [
      "a head that is none",
      { head: [0] },
      /^transferModel: head is \[0\], expected a list of layers, or numbers of units/,
    ],
    ["an unknown option", { head: [2], freez: "all" }, /no option is called "freez".*freeze/],
    [
      "another word to freeze",
      { head: [2], freeze: "some" },
      /freeze is "some", expected "all", "none", or a number of layers/,
    ],
    [
      "an unknown layer",
      { head: [2], cut: "conv2d_2" },
      /^transferModel: cut is "conv2d_2", and no layer is called that: did you mean conv2d\?$/,
    ],
    [
      "too many layers to freeze",
      { head: [2], freeze: 6 },
      /^transferModel: freeze is 6, but the backbone has 5 layers up to 'globalAveragePooling2d': expected at most 5, or "all"$/,
    ],
    ["too many below 0", { head: [2], freeze: -6 }, /freeze is -6, but the backbone has 5 layers/],
    [
      "images of other channels",
      { head: [2], inputShape: [8, 8, 3] },
      /inputShape is \(8, 8, 3\), for which 'conv2d\/kernel' would be of shape \(3, 3, 3, 4\), and the base has \(3, 3, 1, 4\): it takes \(8, 8, 1\)\. Give images of 1 channel$/,
    ],
    [
      "images that are too small",
      { head: [2], inputShape: [3, 3, 1] },
      /the backbone does not take images of \(3, 3, 1\) \(the base takes \(8, 8, 1\)\): layer 'conv2d_1': /,
    ],
    ["a head that does not fit", { head: [conv2d({ filters: 2, kernelSize: 3 })] }, /layer 'conv2d_2': /],
    [
      "a name that is taken",
      { head: [dense({ units: 2, name: "conv2d" })] },
      /two layers are named 'conv2d'/,
    ],
  ])("refuses %s", async (_, options, message) => {
    const base = await ready(chain());
    expect(() => transferModel(base, options as TransferOptions)).toThrow(message);
  });

  test("refuses weights of a backbone that depend on the size, what is no model, and what has no backbone", async () => {
    const flat = sequential([flatten({ inputShape: [8, 8, 1] }), dense({ units: 4 }), dense({ units: 2 })]);
    const base = await ready(flat, 1, "meanSquaredError");
    expect(() => transferModel(base, { cut: "dense", head: [2], inputShape: [9, 8, 1] })).toThrow(
      /'dense\/kernel' would be of shape \(72, 4\), and the base has \(64, 4\): it takes \(8, 8, 1\)\. Give images of that size, or cut before that layer$/,
    );
    expect(() => transferModel(base, { head: [2] })).toThrow(
      /the layers up to the cut have no weights: there is no backbone/,
    );
    expect(() => transferModel({} as never, { head: [2] })).toThrow(
      /^transferModel: got an object, expected what loadModel\(\) gives, or a compiled model\. Write: transferModel\(await loadModel\(bytes\), \{ head: \[128, 10\] \}\)$/,
    );
    expect(() => transferModel(chain(), { head: [2] })).toThrow(/the model is not compiled/);
  });
});
