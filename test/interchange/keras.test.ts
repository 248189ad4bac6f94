import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { unzipSync, zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { Hdf5Group, openHdf5 } from "../../src/interchange/hdf5/read-hdf5.ts";
import { writeHdf5 } from "../../src/interchange/hdf5/write-hdf5.ts";
import { classOf, groupOf, typeOf } from "../../src/interchange/keras/names.ts";
import { readModelConfig } from "../../src/interchange/keras/read-model.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import { exportModel, loadModel } from "../../src/node.ts";
import { farthest, interchangeNets, type Numbers, predicted, prepared } from "../support/interchange-nets.ts";
import { mutateBytes, mutateJson, randomOf } from "../support/mutate.ts";

const fixture = async (name: string) => {
  const bytes = await readFile(new URL(`../fixtures/keras/files/${name}`, import.meta.url));
  return new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
};
const ALL = process.env.WASMGRAD_TESTS === "all";
const FUZZ = ALL ? 2000 : 60;

let told: Record<string, { inputs: Numbers[]; outputs: number[] }>;

beforeAll(async () => {
  told = JSON.parse(new TextDecoder().decode(await fixture("predicted.json")));
});

describe("files of Keras's own", () => {
  test.each([
    ["nested.keras", "nested"],
    ["old.keras", "nested"],
    ["nested.h5.gz", "nested"],
    ["keras2.h5.gz", "keras2"],
  ])("%s predicts what it does in Keras", async (name, key) => {
    const { model, metadata } = await loadModel(await fixture(name));
    expect(metadata.loss).toEqual(["categoricalCrossentropy", "meanSquaredError"]);
    await model.compile({ threads: 1 });
    expect(farthest(await predicted(model, told[key]!.inputs), told[key]!.outputs)).toBeLessThan(1e-6);
    model.dispose();
  });

  test("a model within the model becomes layers of the one, each once", async () => {
    const { model } = await loadModel(await fixture("nested.keras"));
    expect(model.toConfig()).toMatchObject({
      name: "nested",
      inputs: ["a", "b"],
      outputs: ["out", "leaky"],
      layers: [
        { type: "input", name: "a" },
        { type: "input", name: "b" },
        { type: "conv2d", name: "conv", from: ["a"] },
        { type: "batchNormalization", name: "bn", from: ["conv"] },
        { type: "leakyRelu", name: "leaky", alpha: 0.1, from: ["bn"] },
        { type: "conv2d", again: "conv", from: ["b"] },
        { type: "batchNormalization", again: "bn", from: ["conv:2"] },
        { type: "leakyRelu", again: "leaky", from: ["bn:2"] },
        { type: "rescaling", scale: 0.5, from: ["leaky"] },
        { type: "add", from: [expect.any(String), "leaky:2"] },
        { type: "globalAveragePooling2d", name: "pool" },
        { type: "dense", name: "out" },
      ],
    });
  });

  test("weights alone go by the numbers that Keras gives layers, or are told by name", async () => {
    const bytes = await fixture("nested.weights.h5.gz");
    await expect(loadModel(bytes)).rejects.toMatchObject({ code: "needs-model" });
    const whole = await loadModel(await fixture("nested.keras"));
    const path = "layers/functional/layers";
    const vars = (layer: string, names: readonly string[], at: string) =>
      Object.fromEntries(names.map((name, i) => [`${layer}/${name}`, `${at}/vars/${i}`]));
    const names = {
      ...vars("conv", ["kernel", "bias"], `${path}/conv2d`),
      ...vars("bn", ["gamma", "beta", "movingMean", "movingVariance"], `${path}/batch_normalization`),
      ...vars("out", ["kernel", "bias"], "layers/dense"),
    };
    const { tensors } = await loadModel(bytes, { model: whole.model, names });
    expect(tensors).toEqual(whole.tensors);
  });
});

describe("every layer", () => {
  test("has a class of Keras's, of which the layer is told again", () => {
    for (const type of Object.keys(LAYERS)) expect(typeOf(classOf(type)), type).toBe(type);
    expect(
      ["MaxPooling2D", "ReLU", "LeakyReLU", "Conv2DTranspose", "GlobalAveragePooling1D"].map(groupOf),
    ).toEqual(["max_pooling2d", "re_lu", "leaky_re_lu", "conv2d_transpose", "global_average_pooling1d"]);
  });

  const nets = interchangeNets();
  // All of them in npm run test:all, which asks Keras itself, too.
  test.each(Object.keys(nets).filter((_, i) => ALL || i % 5 === 0))(
    "%s goes into each format and comes back",
    async (key) => {
      const { model, inputs } = await prepared(nets[key]!, 3);
      const before = await predicted(model, inputs);
      const loaded = [];
      // Keras 2's hard sigmoid is another function.
      const formats = [{ format: "keras" }, { format: "h5", kerasVersion: 3 }, { format: "h5" }] as const;
      const some = ALL ? formats : formats.slice(0, 1);
      for (const options of key === "activation" ? some.slice(0, 2) : some) {
        const [bytes] = Object.values(await exportModel(model, options));
        expect(Object.values(await exportModel(model, options))[0]).toEqual(bytes);
        loaded.push(await loadModel(bytes!));
      }
      const weights = Object.values(await exportModel(model, { format: "h5-weights" }))[0]!;
      // What a normalization learned stands in its config, in no file of weights.
      loaded.push(await loadModel(weights, { model: loaded[0]!.model }));
      model.dispose();
      for (const { model } of loaded) {
        await model.compile({ threads: 1, loss: "meanSquaredError" });
        expect(farthest(before, await predicted(model, inputs))).toBeLessThan(1e-6);
        model.dispose();
      }
    },
  );
});

const chain = (...layers: unknown[]) => ({
  class_name: "Sequential",
  config: {
    name: "net",
    layers: [{ class_name: "InputLayer", config: { batch_shape: [null, 8, 8, 3], name: "in" } }, ...layers],
  },
});
const layer = (class_name: string, config: object) => ({
  class_name,
  config: { name: `my_${class_name}`, trainable: true, ...config },
});
const refusal = (entry: unknown, version: 2 | 3 = 3, options = {}) => {
  try {
    readModelConfig(entry, version, options);
  } catch (error) {
    return error as ModelFileError;
  }
  throw new Error("was read");
};

describe("what there is none of here", () => {
  test("is listed whole, by layer, with what is nearest", () => {
    const { code, message } = refusal(
      chain(
        layer("BatchNormalization", { axis: 1, renorm: true }),
        layer("Conv3D", {}),
        layer("Dense", {
          units: 3,
          activation: "softmx",
          kernel_regularizer: { class_name: "Mine", config: {} },
        }),
        layer("Conv2D", { filters: 2, kernel_size: [3, 3], data_format: "channels_first" }),
        layer("Lambda", {}),
      ),
    );
    expect(code).toBe("unsupported");
    expect(message.split("; ").map((line) => line.replace(/\(expected.*/, "(expected …)"))).toEqual([
      "the model uses what wasmgrad lacks: layer 'my_BatchNormalization' is BatchNormalization, whose axis is 1 (nearest: the last axis, -1)",
      "layer 'my_BatchNormalization' is BatchNormalization, whose renorm is true (nearest: without renorm)",
      "layer 'my_Conv3D' is Conv3D (did you mean Conv2D?)",
      "layer 'my_Dense' is Dense with the activation softmx (nearest: softmax)",
      "layer 'my_Dense' is Dense with the regularizer Mine (nearest: l1l2())",
      "layer 'my_Conv2D' is Conv2D, whose data_format is \"channels_first\" (nearest: channels_last)",
      "layer 'my_Lambda' is Lambda (expected …)",
    ]);
  });

  test("Keras 2's hard sigmoid, which is another, is told", () => {
    const dense = layer("Dense", { units: 3, activation: "hard_sigmoid" });
    expect(refusal(chain(layer("Flatten", {}), dense), 2).message).toContain(
      "Keras 2's hard_sigmoid, x / 5 + 1 / 2",
    );
    expect(readModelConfig(chain(layer("Flatten", {}), dense), 3, {}).config.layers).toHaveLength(2);
  });

  test("is told of what is written, too", async () => {
    const { model } = await prepared(
      {
        layers: [
          { type: "flatten", inputShape: [2, 2, 1] },
          { type: "dense", units: 2, activation: "geluApproximate" },
        ],
      },
      1,
    );
    await expect(exportModel(model, { format: "keras" })).rejects.toThrow(
      "the model uses what Keras lacks: layer 'dense' is Dense with the activation geluApproximate (nearest: gelu)",
    );
    await expect(exportModel(model, { format: "keras", kerasVersion: 2 })).rejects.toThrow(
      'Keras 2 has other files. Write: format: "h5", kerasVersion: 2',
    );
    await expect(exportModel(model, { format: "npz", kerasVersion: 2 })).rejects.toThrow(
      'exportModel: kerasVersion is 2, and "npz" is none of Keras\'s formats',
    );
    model.dispose();
  });
});

test("sizes that a file leaves open are asked for", () => {
  const open = {
    class_name: "Sequential",
    config: {
      layers: [
        {
          class_name: "Conv2D",
          config: { name: "c", batch_input_shape: [null, null, null, 3], filters: 2, kernel_size: 3 },
        },
      ],
    },
  };
  expect(refusal(open, 2).message).toBe(
    "the file leaves the size of the model's input open: [?, ?, 3]. Write: loadModel(file, { inputShape: [224, 224, 3] }); on the command line --input-shape",
  );
  expect(refusal(open, 2, { inputShape: [8, 8, 1] }).message).toContain(
    "inputShape is [8, 8, 1], and the model's input is [?, ?, 3]",
  );
  expect(readModelConfig(open, 2, { inputShape: [8, 9, 3] }).config.layers[0]).toMatchObject({
    inputShape: [8, 9, 3],
  });
  const [layer] = open.config.layers;
  const whole = { ...layer!.config, batch_input_shape: [null, 8, 8, 3] };
  const closed = { class_name: "Sequential", config: { layers: [{ ...layer, config: whole }] } };
  expect(refusal(closed, 2, { inputShape: [9, 9, 3] }).message).toBe(
    "inputShape is [9, 9, 3], and the model's input is [8, 8, 3]: leave inputShape out",
  );
  expect(readModelConfig(closed, 2, { inputShape: [8, 8, 3] }).parameters).toHaveLength(2);
});

test("names of classes, the preprocessing and the loss go along", async () => {
  const { model } = await prepared(
    {
      layers: [
        { type: "flatten", inputShape: [2, 2, 1] },
        { type: "dense", units: 2, activation: "softmax" },
      ],
    },
    1,
  );
  const metadata = {
    classNames: ["a", "b"],
    preprocessing: { scale: 2 / 255, offset: -1 },
    loss: { name: "categoricalCrossentropy", labelSmoothing: 0.1 } as const,
  };
  for (const options of [{ format: "keras" }, { format: "h5" }, { format: "h5", kerasVersion: 3 }] as const) {
    const [bytes] = Object.values(await exportModel(model, { ...options, metadata }));
    expect((await loadModel(bytes!)).metadata).toEqual(metadata);
  }
  model.dispose();
});

test("a loss that the outputs do not have gives way to the one that they ask for", async () => {
  const { model } = await prepared(
    {
      layers: [
        { type: "flatten", inputShape: [2, 2, 1] },
        { type: "dense", units: 2 },
      ],
    },
    1,
  );
  const warnings: string[] = [];
  const losses = async (
    loss:
      | "categoricalCrossentropy"
      | "meanAbsoluteError"
      | { name: "categoricalCrossentropy"; fromLogits: true },
  ) => {
    const [bytes] = Object.values(await exportModel(model, { format: "keras", metadata: { loss } }));
    const loaded = await loadModel(bytes!, { onWarning: (text) => warnings.push(text) });
    await loaded.model.compile({ threads: 1 });
    loaded.model.dispose();
    return loaded.metadata.loss;
  };
  expect(await losses("categoricalCrossentropy")).toBe("meanSquaredError");
  expect(warnings.splice(0)).toEqual([
    `the file's loss is "categorical_crossentropy", which these outputs cannot have here: in its place stands meanSquaredError`,
  ]);
  expect(await losses("meanAbsoluteError")).toBe("meanAbsoluteError");
  const logits = { name: "categoricalCrossentropy", fromLogits: true } as const;
  expect(await losses(logits)).toEqual(logits);
  expect(warnings).toEqual([]);
  model.dispose();
});

describe("HDF5", () => {
  const tree = {
    attributes: { long: "ü".repeat(100_000), list: ["a", "bc"], none: [] },
    groups: Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [
        `g${i}`,
        { arrays: { "0": { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, i) }, one: 2.5, whole: 7n } },
      ]),
    ),
  };

  test("is read as it is written: texts of any length, many names, numbers", () => {
    const root = openHdf5(writeHdf5(tree));
    expect(Object.fromEntries(root.attributes())).toEqual(tree.attributes);
    expect(root.names().sort()).toEqual(Object.keys(tree.groups).sort());
    expect([...root.array("g599/0")!.values()]).toEqual([1, 2, 3, 4, 5, 599]);
    expect(root.array("g599/0")!.shape()).toEqual([2, 3]);
    expect([...root.array("g3/one")!.values(), ...root.array("g3/whole")!.values()]).toEqual([2.5, 7]);
    expect(root.get("g3/nothing")).toBeUndefined();
  });

  test("a tree that goes in circles, and sizes beyond the file, are refused", () => {
    const bytes = writeHdf5(tree);
    const view = new DataView(bytes.buffer);
    const text = Buffer.from(bytes.buffer);
    const top = text.lastIndexOf("TREE");
    expect(bytes[top + 5]).toBe(1);
    view.setBigUint64(top + 32, BigInt(top), true);
    expect(() => openHdf5(bytes).names()).toThrow("goes in circles");
    const short = writeHdf5({ arrays: { abcdefgh: 1 } });
    const heap = Buffer.from(short.buffer).indexOf("HEAP");
    new DataView(short.buffer).setBigUint64(heap + 8, 12n, true);
    // Names end where their heap does.
    expect(openHdf5(short).names()).toEqual(["abcd"]);
    const large = writeHdf5({ arrays: { a: { shape: [2], data: Float32Array.of(1, 2) } } });
    const sized = new DataView(large.buffer);
    const at = Buffer.from(large.buffer).indexOf(Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]));
    sized.setBigUint64(at + 8, 1n << 40n, true);
    expect(() => openHdf5(large).array("a")!.values()).toThrow("is of shape [1099511627776]");
  });
});

describe("bad files", () => {
  /** Reads it all; what is refused is refused with an error of its own. */
  async function survives(bytes: Uint8Array, model?: object): Promise<boolean> {
    try {
      await loadModel(bytes, { ...(model && { model: model as never }), onWarning: () => {} });
      return true;
    } catch (error) {
      if (error instanceof ModelFileError || /MemoryError/.test((error as Error).name)) return false;
      throw error;
    }
  }

  test.each(["nested.keras", "nested.h5.gz", "keras2.h5.gz"])(
    "%s, hurt",
    async (name) => {
      const sound = await fixture(name);
      const below = randomOf(7);
      let read = 0;
      for (let i = 0; i < FUZZ; i++) read += Number(await survives(mutateBytes(sound, below)));
      expect(read).toBeLessThan(FUZZ);
    },
    600_000,
  );

  test("weights inside of an archive, and its config, hurt", async () => {
    const inside = unzipSync(await fixture("nested.keras"));
    const config = JSON.parse(new TextDecoder().decode(inside["config.json"]));
    const below = randomOf(9);
    for (let i = 0; i < FUZZ; i++) {
      const hurt =
        i % 2
          ? { ...inside, "model.weights.h5": mutateBytes(inside["model.weights.h5"]!, below) }
          : { ...inside, "config.json": new TextEncoder().encode(JSON.stringify(mutateJson(config, below))) };
      await survives(zipSync(hurt, { level: 0 }));
    }
  }, 600_000);

  test("an archive that claims to unpack to more than it can, and one without weights", async () => {
    const inside = unzipSync(await fixture("nested.keras"));
    const { "model.weights.h5": _, ...rest } = inside;
    await expect(loadModel(zipSync({ ...rest, "model.weights.npz": new Uint8Array(3) }))).rejects.toThrow(
      "the .keras file has no model.weights.h5",
    );
    const bomb = zipSync({ ...inside, "config.json": new Uint8Array(50_000_000) }, { level: 9 });
    await expect(loadModel(bomb)).rejects.toBeInstanceOf(ModelFileError);
  });

  test("models within models that ask for more layers than they list, or lie too deep", () => {
    type Entry = { readonly class_name: string; readonly config: { readonly name: string } };
    const shape = [null, 4];
    const tensor = (layer: string) => ({
      class_name: "__keras_tensor__",
      config: { shape, dtype: "float32", keras_history: [layer, 0, 0] },
    });
    const calledTwice = (inner: Entry, name: string) => ({
      class_name: "Functional",
      config: {
        name,
        layers: [
          { class_name: "InputLayer", config: { batch_shape: shape }, name: "in", inbound_nodes: [] },
          {
            ...inner,
            name: "inner",
            inbound_nodes: ["in", "inner"].map((from) => ({ args: [tensor(from)], kwargs: {} })),
          },
        ],
        input_layers: ["in", 0, 0],
        output_layers: ["inner", 1, 0],
      },
    });
    const chained = (inner: Entry, name: string) => ({
      class_name: "Sequential",
      config: { name, build_input_shape: shape, layers: [inner] },
    });
    const nested = (depth: number, outer: (inner: Entry, name: string) => Entry) => {
      let entry: Entry = { class_name: "Dense", config: { name: "d", units: 4, trainable: true } as never };
      for (let i = 0; i < depth; i++) entry = outer(entry, `m${i}`);
      return entry;
    };
    expect(readModelConfig(nested(3, calledTwice), 3, {}).config.layers).toHaveLength(9);
    expect(refusal(nested(30, calledTwice), 3)).toMatchObject({
      code: "too-large",
      message: "the model's layers are called more than 10000 times",
    });
    expect(readModelConfig(nested(60, chained), 3, {}).parameters).toHaveLength(2);
    expect(refusal(nested(5000, chained), 3)).toMatchObject({
      code: "too-large",
      message: "the model has models within models, more than 100 deep",
    });
  });

  test("groups that are none", async () => {
    const bytes = await fixture("nested.h5.gz");
    expect(openHdf5(bytes).get("model_weights")).toBeInstanceOf(Hdf5Group);
    await expect(loadModel(writeHdf5({}))).rejects.toThrow("an HDF5 file of others");
  });
});
