import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openRun } from "../../src/cli/run/load.ts";
import { ModelFileError } from "../../src/formats/model-file.ts";
import type { ModelConfig } from "../../src/model/model-config.ts";
import { exportModel, loadModel } from "../../src/node.ts";
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

/** What TensorFlow.js gives for inputs with a model of these files. */
async function asked(
  files: Readonly<Record<string, Uint8Array>>,
  inputs: readonly Numbers[],
): Promise<number[]> {
  const { tf, layers } = await tensorflow();
  const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const [{ paths, weights }] = weightsManifest;
  const data = Buffer.concat(paths.map((path: string) => files[path]!));
  const model = await layers.loadLayersModel({
    load: async () => ({
      modelTopology,
      weightSpecs: weights,
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
    }),
  });
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
    expect((await loadModel(files)).metadata).toEqual({ ...metadata, loss: "categoricalCrossentropy" });
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
      await loadModel({ ...files, "model.json": hurt }).catch((error: unknown) => {
        if (!(error instanceof ModelFileError) && (error as Error).name !== "MemoryError") throw error;
      });
    }
  }, 600_000);
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
