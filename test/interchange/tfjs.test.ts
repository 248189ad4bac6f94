import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openRun } from "../../src/cli/run/load.ts";
import { ModelFileError } from "../../src/formats/model-file.ts";
import type { ModelConfig } from "../../src/model/model-config.ts";
import {
  adam,
  type CompileOptions,
  exportModel,
  loadModel,
  type Model,
  oneCycle,
  optimizerState,
  setOptimizerState,
} from "../../src/node.ts";
import { farthest, interchangeNets, type Numbers, predicted, prepared } from "../support/interchange-nets.ts";
import { mutateBytes, mutateJson, randomOf } from "../support/mutate.ts";

const folder = new URL("../counterparts/node_modules/", import.meta.url);
const there = existsSync(new URL("@tensorflow/tfjs-layers", folder));
const ALL = process.env.WASMGRAD_TESTS === "all";
// biome-ignore lint/suspicious/noExplicitAny: no types of it are installed
type Loose = Record<string, any>;

let loaded: Promise<{ tf: Loose; layers: Loose }> | undefined;

/** TensorFlow.js, with what computes in JavaScript. */
function tensorflow() {
  loaded ??= (async () => {
    const load = (name: string) => import(new URL(`@tensorflow/${name}`, folder).href) as Promise<Loose>;
    const core = await load("tfjs-core/dist/tf-core.node.js");
    const tf = core.default ?? core;
    await load("tfjs-backend-cpu/dist/tf-backend-cpu.node.js");
    const layers = await load("tfjs-layers/dist/tf-layers.node.js");
    await tf.setBackend("cpu");
    return { tf, layers: layers.default ?? layers };
  })();
  return loaded;
}

/** What it loads files from. */
function handlerOf(files: Readonly<Record<string, Uint8Array>>) {
  const { modelTopology, weightsManifest, trainingConfig } = JSON.parse(
    new TextDecoder().decode(files["model.json"]),
  );
  const [{ paths, weights }] = weightsManifest;
  const data = Buffer.concat(paths.map((path: string) => files[path]!));
  return {
    load: async () => ({
      modelTopology,
      trainingConfig,
      weightSpecs: weights,
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
    }),
  };
}

/** What TensorFlow.js gives for inputs with a model of these files. */
async function asked(
  files: Readonly<Record<string, Uint8Array>>,
  inputs: readonly Numbers[],
): Promise<number[]> {
  const { tf, layers } = await tensorflow();
  const model = await layers.loadLayersModel(handlerOf(files));
  const tensors = inputs.map(({ shape, values }) =>
    tf.tensor(values, [values.length / shape.reduce((a, b) => a * b, 1), ...shape]),
  );
  const answers = [model.predict(tensors.length === 1 ? tensors[0] : tensors)].flat() as Loose[];
  return answers.flatMap((answer) => [...answer.dataSync()]);
}

/** What it has not. */
const LACKING: Readonly<Record<string, string>> = {
  activation: "the activation hardSigmoid",
  depthwiseConv2d: "dilation_rate is [2,2]",
  elu: "ELU, whose alpha is 0.7",
  upSampling2d: "interpolation is bilinear",
  conv1d: "padding is causal",
  conv2d: "groups is 2",
  conv2dTranspose: "output_padding is",
  globalAveragePooling2d: "keepdims is true",
  groupNormalization: "GroupNormalization",
  relu: "ReLU with a threshold",
  subtract: "Subtract",
};

describe("layers", () => {
  const nets: Readonly<Record<string, ModelConfig>> = {
    "a depthwise convolution": {
      layers: [
        {
          type: "depthwiseConv2d",
          kernelSize: 3,
          depthMultiplier: 2,
          strides: 2,
          padding: "same",
          inputShape: [7, 6, 3],
        },
        { type: "upSampling2d", size: [2, 3] },
        { type: "elu" },
        { type: "relu", maxValue: 0.5 },
        { type: "relu", negativeSlope: 0.1 },
        { type: "activation", activation: "silu" },
      ],
    },
    ...interchangeNets(),
  };
  test.each(Object.keys(nets).slice(0, ALL ? undefined : 8))(
    "%s predicts there what it does here, and comes back",
    async (key) => {
      const { model, inputs } = await prepared(nets[key]!, 11);
      const lacking = LACKING[key];
      if (lacking !== undefined) {
        await expect(exportModel(model, { format: "tfjs" })).rejects.toThrow(lacking);
        model.dispose();
        return;
      }
      const files = await exportModel(model, { format: "tfjs" });
      const before = await predicted(model, inputs);
      expect(await exportModel(model, { format: "tfjs" })).toEqual(files);
      model.dispose();
      const back = await loadModel(files);
      await back.model.compile({ threads: 1, loss: "meanSquaredError" });
      expect(farthest(before, await predicted(back.model, inputs))).toBeLessThan(1e-6);
      back.model.dispose();
      if (there) expect(farthest(before, await asked(files, inputs))).toBeLessThan(1e-5);
    },
  );
});

const net = () =>
  prepared(
    {
      layers: [
        { type: "flatten", inputShape: [3, 3, 1] },
        { type: "dense", units: 2, activation: "softmax" },
      ],
    },
    1,
  );

/** The model's files with its weights in fewer bits. */
function quantised(files: Readonly<Record<string, Uint8Array>>, dtype: "uint8" | "uint16" | "float16") {
  const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const [group] = json.weightsManifest;
  const data = new Float32Array(files[group.paths[0]]!.slice().buffer);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const weight of group.weights) {
    const count = weight.shape.reduce((a: number, b: number) => a * b, 1);
    const own = data.subarray(at, at + count);
    at += count;
    const [min, max] = [Math.min(...own), Math.max(...own)];
    const scale = (max - min) / (dtype === "uint8" ? 255 : 65_535);
    if (dtype === "float16") {
      weight.quantization = { dtype, original_dtype: "float32" };
      // 0.5 and -0.25 and so on: what 16 bits hold.
      own.forEach((_, i) => {
        own[i] = i % 2 ? 0.5 : -0.25;
      });
      parts.push(new Uint8Array(Uint16Array.from(own, (value) => (value === 0.5 ? 0x3800 : 0xb400)).buffer));
    } else {
      weight.quantization = { dtype, min, scale, original_dtype: "float32" };
      const numbers = Array.from(own, (value) => Math.round((value - min) / (scale || 1)));
      parts.push(
        dtype === "uint8" ? Uint8Array.from(numbers) : new Uint8Array(Uint16Array.from(numbers).buffer),
      );
    }
  }
  return {
    "model.json": new TextEncoder().encode(JSON.stringify(json)),
    "group1-shard1of1.bin": new Uint8Array(Buffer.concat(parts)),
  };
}

describe("files", () => {
  test.each(["uint8", "uint16", "float16"] as const)(
    "of weights of type %s are read as TensorFlow.js reads them",
    async (dtype) => {
      const { model, inputs } = await net();
      const files = quantised(await exportModel(model, { format: "tfjs" }), dtype);
      const { model: read, tensors } = await loadModel(files);
      const far = model.getWeights().map(({ data }, i) => farthest([...data], [...tensors[i]!.data]));
      if (dtype !== "float16") expect(Math.max(...far)).toBeLessThan(dtype === "uint8" ? 0.003 : 0.00001);
      await read.compile({ threads: 1 });
      if (there)
        expect(farthest(await predicted(read, inputs), await asked(files, inputs))).toBeLessThan(1e-5);
      read.dispose();
      model.dispose();
    },
  );

  test("are cut into shards of 4 MiB, and found in a folder, and nowhere else", async () => {
    const { model } = await prepared({ layers: [{ type: "dense", units: 1100, inputShape: [1000] }] }, 1);
    const files = await exportModel(model, { format: "tfjs", metadata: { loss: "meanSquaredError" } });
    expect(
      Object.entries(files)
        .slice(1)
        .map(([name, bytes]) => [name, bytes.length]),
    ).toEqual([
      ["group1-shard1of2.bin", 4 * 2 ** 20],
      ["group1-shard2of2.bin", 4 * 1_101_100 - 4 * 2 ** 20],
    ]);
    const path = await mkdtemp(join(tmpdir(), "tfjs-"));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(path, name), bytes);
    const same = ({ tensors }: { tensors: readonly { data: Float32Array }[] }) =>
      model
        .getWeights()
        .every(({ data }, i) => Buffer.from(data.buffer).equals(Buffer.from(tensors[i]!.data.buffer)));
    expect(same(await openRun(path))).toBe(true);
    expect(same(await openRun(join(path, "model.json")))).toBe(true);
    await rm(join(path, "group1-shard2of2.bin"));
    await expect(openRun(path)).rejects.toThrow(
      'its weights lie in "group1-shard2of2.bin", which was not given',
    );
    const outside = new TextDecoder()
      .decode(files["model.json"])
      .replace("group1-shard1of2.bin", "../group1-shard1of2.bin");
    await writeFile(join(path, "model.json"), outside);
    await expect(openRun(path)).rejects.toThrow(
      'the model.json names "../group1-shard1of2.bin", expected a file beside it',
    );
    await rm(path, { recursive: true });
    model.dispose();
  });

  test("names of classes and the preprocessing go along", async () => {
    const { model } = await net();
    const metadata = { classNames: ["a", "b"], preprocessing: { scale: 1 / 127.5, offset: -1 } };
    const files = await exportModel(model, { format: "tfjs", metadata });
    expect((await loadModel(files)).metadata).toEqual({ ...metadata, loss: "meanSquaredError" });
    model.dispose();
  });

  test("of a graph model are told apart", async () => {
    const bytes = new TextEncoder().encode('{"format":"graph-model","modelTopology":{"node":[]}}');
    await expect(loadModel({ "model.json": bytes })).rejects.toThrow("it is a graph model of TensorFlow.js");
  });

  test("that say a thing twice are refused, as parsers differ in which they take", async () => {
    const bytes = new TextEncoder().encode('{"modelTopology":{},"modelTopology":{}}');
    await expect(loadModel({ "model.json": bytes })).rejects.toThrow('has the key "modelTopology" twice');
  });

  test("that are hurt are refused with an error of their own", async () => {
    const { model } = await net();
    const files = await exportModel(model, { format: "tfjs" });
    model.dispose();
    const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
    const below = randomOf(5);
    for (let i = 0; i < (ALL ? 2000 : 100); i++) {
      const hurt =
        i % 2
          ? new TextEncoder().encode(JSON.stringify(mutateJson(json, below)))
          : mutateBytes(files["model.json"]!, below);
      await loadModel({ ...files, "model.json": hurt }, { onWarning: () => {} }).catch((error: unknown) => {
        if (!(error instanceof ModelFileError) && (error as Error).name !== "MemoryError") throw error;
      });
    }
  }, 600_000);
});

/** A model of TensorFlow.js's as the files that it saves, its optimizer's state included. */
async function savedBy(model: Loose): Promise<Record<string, Uint8Array>> {
  let files: Record<string, Uint8Array> = {};
  await model.save(
    {
      save: async ({ modelTopology, weightSpecs, weightData, trainingConfig }: Loose) => {
        const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
        const json = JSON.stringify({
          format: "layers-model",
          modelTopology,
          trainingConfig,
          weightsManifest,
        });
        files = { "model.json": new TextEncoder().encode(json), "weights.bin": new Uint8Array(weightData) };
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
      },
    },
    { includeOptimizer: true },
  );
  return files;
}

describe.skipIf(!there)("trainings", () => {
  const below = randomOf(6);
  const count = 48;
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const images = Float32Array.from({ length: count * 36 }, (_, i) => {
    const [label, y, x] = [labels[Math.floor(i / 36)]!, Math.floor((i % 36) / 6), i % 6];
    return (
      Number([y === 2, x === 3, y > 0 && y < 4 && x > 0 && x < 4][label]) + (below(1000) / 1000 - 0.5) * 1.4
    );
  });
  const samples = { images, shape: [6, 6, 1], count, labels };
  const BATCH = 8;
  const data = async () => {
    const { tf } = await tensorflow();
    return [tf.tensor(images, [count, 6, 6, 1]), tf.oneHot(tf.tensor1d([...labels], "int32"), 3)] as const;
  };

  /** The losses of the batches of an epoch there. */
  async function epochThere(model: Loose): Promise<number[]> {
    const { tf } = await tensorflow();
    const [x, y] = await data();
    const losses: number[] = [];
    for (let at = 0; at < count; at += BATCH) {
      const told = await model.trainOnBatch(tf.slice(x, at, BATCH), tf.slice(y, at, BATCH));
      losses.push([told].flat()[0] as number);
    }
    return losses;
  }

  async function epochHere(model: Model): Promise<number[]> {
    const training = model.training(samples, { batchSize: BATCH, shuffle: false });
    const losses: number[] = [];
    while (await training.step()) losses.push(training.batchLoss);
    return [...losses, training.batchLoss].slice(0, count / BATCH);
  }

  async function figuresThere(model: Loose): Promise<number[]> {
    const [x, y] = await data();
    return (model.evaluate(x, y) as Loose[]).map((figure) => figure.dataSync()[0]);
  }

  async function madeThere(optimizer: Loose): Promise<Loose> {
    const { layers } = await tensorflow();
    const model = layers.sequential();
    const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 });
    model.add(
      layers.layers.conv2d({
        filters: 4,
        kernelSize: 3,
        activation: "relu",
        inputShape: [6, 6, 1],
        kernelInitializer,
      }),
    );
    model.add(layers.layers.flatten());
    model.add(layers.layers.dense({ units: 3, activation: "softmax", kernelInitializer }));
    model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
    return model;
  }

  /** Its optimizers, by the settings that they are here. */
  const optimizers: Readonly<Record<string, readonly [(train: Loose) => Loose, object]>> = {
    adam: [
      (train) => train.adam(0.01, 0.8, 0.99),
      { name: "adam", options: { learningRate: 0.01, beta1: 0.8, beta2: 0.99 } },
    ],
    sgd: [(train) => train.sgd(0.1), { name: "sgd", options: { learningRate: 0.1, momentum: 0 } }],
    momentum: [
      (train) => train.momentum(0.05, 0.9, true),
      { name: "sgd", options: { learningRate: 0.05, momentum: 0.9, nesterov: true } },
    ],
    rmsprop: [
      (train) => train.rmsprop(0.005, 0.8, 0.5, 1e-7),
      { name: "rmsprop", options: { learningRate: 0.005, rho: 0.8, momentum: 0.5, centered: false } },
    ],
    adagrad: [
      (train) => train.adagrad(0.05, 0.2),
      { name: "adagrad", options: { initialAccumulatorValue: 0.2 } },
    ],
    adadelta: [
      (train) => train.adadelta(1, 0.9, 1e-6),
      { name: "adadelta", options: { rho: 0.9, epsilon: 1e-6 } },
    ],
  };

  test.each(Object.keys(optimizers))("with %s go on here, and there again", async (name) => {
    const { tf, layers } = await tensorflow();
    const [make, settings] = optimizers[name]!;
    const first = await madeThere(make(tf.train));
    await epochThere(first);
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    const {
      model,
      compileOptions,
      optimizerState: state,
    } = await loadModel(await savedBy(first), { onWarning });
    expect(compileOptions).toMatchObject({
      optimizer: settings,
      loss: "categoricalCrossentropy",
      metrics: ["accuracy"],
    });
    await model.compile({ threads: 1, ...compileOptions });
    setOptimizerState(model, state!);
    expect(optimizerState(model)).toEqual(state);
    // Its Adadelta divides by the mean of the step before, and goes another way.
    const compared = (losses: readonly number[]) => losses.slice(0, name === "adadelta" ? 1 : undefined);
    expect(farthest(compared(await epochHere(model)), compared(await epochThere(first)))).toBeLessThan(1e-3);
    const files = await exportModel(model, { format: "tfjs", onWarning });
    expect(warnings).toEqual([]);
    const again = await layers.loadLayersModel(handlerOf(files));
    // One epoch here: the same accuracy and loss on both sides.
    const { loss, accuracy } = await model.evaluate(samples);
    const [lossThere, accuracyThere] = await figuresThere(again);
    expect(lossThere).toBeCloseTo(loss, 5);
    expect(accuracyThere).toBeCloseTo(accuracy!, 6);
    expect(farthest(compared(await epochThere(again)), compared(await epochHere(model)))).toBeLessThan(1e-3);
    model.dispose();
  });

  test("tell what TensorFlow.js has no place for", async () => {
    const written = async (options: CompileOptions) => {
      const { model } = await net();
      await model.compile({ threads: 1, ...options });
      const warnings: string[] = [];
      const files = await exportModel(model, { format: "tfjs", onWarning: (text) => warnings.push(text) });
      model.dispose();
      const { layers } = await tensorflow();
      await layers.loadLayersModel(handlerOf(files));
      return { warnings, training: JSON.parse(new TextDecoder().decode(files["model.json"])).trainingConfig };
    };
    const lion = await written({ optimizer: "lion" });
    expect(lion.warnings).toEqual([expect.stringContaining('TensorFlow.js has no optimizer "lion"')]);
    expect(lion.training.optimizer_config.class_name).toBe("Adam");
    const decaying = await written({
      optimizer: adam({ weightDecay: 0.1, learningRate: oneCycle({ peak: 0.1, steps: 10 }) }),
      metrics: ["accuracy", "recall"],
    });
    expect(decaying.warnings).toEqual([
      "TensorFlow.js has no schedules: the learning rate is written as it is now, 0.010000000000000002",
      "TensorFlow.js's Adam has no weightDecay: it is left out",
      "TensorFlow.js has no metric 'recall' as it is here: it is left out",
    ]);
    const smooth = await written({ loss: { name: "categoricalCrossentropy", labelSmoothing: 0.1 } });
    expect(smooth.warnings).toEqual([expect.stringContaining("losses of TensorFlow.js take no options")]);
    expect(smooth.training).toBeUndefined();
    const plain = await written({ loss: "klDivergence" });
    expect(plain.warnings).toEqual([]);
    expect(plain.training.loss).toBe("kullback_leibler_divergence");
  });
});

describe("operators of TensorFlow between layers, as Keras 2 keeps them", () => {
  type Call = readonly [name: string, from: readonly string[], told?: object];
  /** A model.json of a convolution, functions of TensorFlow behind it, and layers among them. */
  function filesOf(...calls: readonly Call[]): Record<string, Uint8Array> {
    const link = (from: string, told = {}) => [from, 0, 0, told];
    const layers = calls.map(([called, from, told = {}], i) => {
      const own = /^[A-Z]/.test(called);
      const name = own ? `${called}_${i}` : `op_${i}`;
      return {
        class_name: own ? called : "TFOpLambda",
        config: own ? { name, ...told } : { name, trainable: true, dtype: "float32", function: called },
        name,
        inbound_nodes: own
          ? [from.map((one) => link(one))]
          : [from.map((one) => link(one, { ...told, name: null }))],
      };
    });
    const input = { batch_input_shape: [null, 4, 4, 2], dtype: "float32", name: "in" };
    const conv = { name: "conv", filters: 3, kernel_size: [1, 1], use_bias: false, padding: "same" };
    const config = {
      name: "net",
      layers: [
        { class_name: "InputLayer", config: input, name: "in", inbound_nodes: [] },
        { class_name: "Conv2D", config: conv, name: "conv", inbound_nodes: [[link("in")]] },
        ...layers,
      ],
      input_layers: [["in", 0, 0]],
      output_layers: [[layers.at(-1)!.name, 0, 0]],
    };
    const weights = [{ name: "conv/kernel", shape: [1, 1, 2, 3], dtype: "float32" }];
    const json = {
      format: "layers-model",
      modelTopology: { keras_version: "2.9.0", model_config: { class_name: "Functional", config } },
      weightsManifest: [{ paths: ["w.bin"], weights }],
    };
    return {
      "model.json": new TextEncoder().encode(JSON.stringify(json)),
      "w.bin": new Uint8Array(Float32Array.of(1, -2, 3, 0.5, 4, -1).buffer),
    };
  }

  test("become the layers that do it: hard swish, of MobileNetV3, and others", async () => {
    const files = filesOf(
      ["tf.__operators__.add", ["conv"], { y: 3 }],
      ["ReLU", ["op_0"], { max_value: 6 }],
      ["tf.math.multiply", ["ReLU_1"], { y: 1 / 6 }],
      ["Multiply", ["conv", "op_2"]],
      ["tf.nn.relu6", ["Multiply_3"]],
      ["tf.math.add", ["op_4"], { y: ["conv", 0, 0] }],
      ["tf.math.truediv", ["op_5"], { y: 2 }],
      ["tf.clip_by_value", ["conv"], { clip_value_min: 0, clip_value_max: 1 }],
      ["tf.stop_gradient", ["op_7"]],
      ["tf.concat", ["op_6", "op_8"], { axis: -1 }],
      ["tf.math.reduce_mean", ["op_9"], { axis: [1, 2], keepdims: true }],
    );
    const { model } = await loadModel(files);
    await model.compile({ threads: 1, loss: "meanSquaredError" });
    const below = randomOf(2);
    const values = Array.from({ length: 32 }, () => below(1000) / 250 - 2);
    const pixels = Array.from({ length: 16 }, (_, i) => {
      const [a, b] = values.slice(2 * i) as [number, number];
      const x = [a + 0.5 * b, -2 * a + 4 * b, 3 * a - b];
      const relu6 = (value: number) => Math.min(6, Math.max(0, value));
      const swished = x.map((value) => (relu6((value * relu6(value + 3)) / 6) + value) / 2);
      return [...swished, ...x.map((value) => Math.min(1, Math.max(0, value)))];
    });
    const means = pixels[0]!.map((_, k) => pixels.reduce((sum, pixel) => sum + pixel[k]!, 0) / 16);
    expect(farthest(await predicted(model, [{ shape: [4, 4, 2], values }]), means)).toBeLessThan(1e-5);
    model.dispose();
  });

  test("that there are none of are listed whole, by the names of their layers", async () => {
    const files = filesOf(
      ["tf.image.resize", ["conv"], { size: [8, 8] }],
      ["tf.math.cumsum", ["op_0"]],
      ["tf.nn.relu", ["op_1"]],
      ["tf.clip_by_value", ["op_2"], { clip_value_min: -1, clip_value_max: 1 }],
    );
    const error = await loadModel(files).catch((refused: unknown) => refused as ModelFileError);
    expect(error).toBeInstanceOf(ModelFileError);
    const { message } = error as ModelFileError;
    expect(message.match(/layer '(\w+)' is the operator ([\w.]+)/g)).toEqual([
      "layer 'op_0' is the operator tf.image.resize",
      "layer 'op_1' is the operator tf.math.cumsum",
      "layer 'op_3' is the operator tf.clip_by_value",
    ]);
  });
});

const nsfw = new URL("nsfwjs/dist/esm/model_imports/mobilenet_v2.js", folder);

test.skipIf(!ALL || !existsSync(nsfw))(
  "nsfwjs's MobileNetV2, of weights of a byte, predicts as in TensorFlow.js",
  async () => {
    const require = (await import("node:module")).createRequire(nsfw);
    const models = new URL("nsfwjs/dist/models/mobilenet_v2/", folder);
    const json = require(new URL("model.min.js", models).pathname);
    const base64 = require(new URL("group1-shard1of1.min.js", models).pathname);
    const [{ paths }] = json.weightsManifest;
    const files = {
      "model.json": new TextEncoder().encode(JSON.stringify(json)),
      [paths[0]]: new Uint8Array(Buffer.from(base64, "base64")),
    };
    const below = randomOf(3);
    const values = Array.from({ length: 224 * 224 * 3 }, () => below(256) / 255);
    const inputs = [{ shape: [224, 224, 3], values }];
    const { model } = await loadModel(files);
    await model.compile();
    const ours = await predicted(model, inputs);
    expect(ours).toHaveLength(5);
    expect(farthest(ours, await asked(files, inputs))).toBeLessThan(1e-4);
    model.dispose();
  },
  300_000,
);
