import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { pythonJson } from "../../src/interchange/keras/python-json.ts";
import {
  adam,
  adamw,
  type CompileOptions,
  exportModel,
  loadModel,
  type Model,
  modelFromConfig,
  oneCycle,
  optimizerState,
  type Samples,
  setOptimizerState,
  sgd,
} from "../../src/node.ts";
import { farthest } from "../support/interchange-nets.ts";
import { mutateBytes, mutateJson, randomOf } from "../support/mutate.ts";

const folder = new URL("../fixtures/keras/training/", import.meta.url);
const fixture = async (name: string) => {
  const bytes = await readFile(new URL(name, folder));
  return new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
};
const silent = { onWarning: () => {} };

let told: { images: number[]; labels: number[]; adam: number[]; old: number[] };
let samples: Samples;

beforeAll(async () => {
  told = JSON.parse(new TextDecoder().decode(await fixture("losses.json")));
  const images = Float32Array.from(told.images);
  samples = { images, shape: [3], count: 16, labels: Uint8Array.from(told.labels) };
});

/** The losses of the batches of an epoch, before each update. */
async function epoch(model: Model): Promise<number[]> {
  const training = model.training(samples, { batchSize: 4, shuffle: false });
  const losses: number[] = [];
  while (await training.step()) losses.push(training.batchLoss);
  return [...losses, training.batchLoss].slice(0, 4);
}

/** The model of a file as it was when it was saved, optimizer and all, and what was said of it. */
async function opened(bytes: Uint8Array) {
  const warnings: string[] = [];
  const loaded = await loadModel(bytes, { onWarning: (text) => warnings.push(text) });
  await loaded.model.compile({ threads: 1, ...loaded.compileOptions });
  if (loaded.optimizerState) setOptimizerState(loaded.model, loaded.optimizerState);
  return { ...loaded, warnings };
}

describe("a training that was begun in Keras", () => {
  test.each(["adam.keras", "adam.h5.gz", "keras2.h5.gz", "old.h5.gz"])("goes on here: %s", async (name) => {
    const { model, warnings, compileOptions, optimizerState: state } = await opened(await fixture(name));
    expect(warnings).toEqual([]);
    const old = name.startsWith("old");
    const learningRate = old
      ? { name: "inverseTimeDecay", options: { initialLearningRate: 0.05, decayRate: 0.25, decaySteps: 1 } }
      : 0.05;
    expect(compileOptions).toMatchObject({
      optimizer: { name: "adam", options: { learningRate, beta1: 0.9, beta2: 0.99, epsilon: 1e-7 } },
      loss: { name: "categoricalCrossentropy", labelSmoothing: 0.1 },
    });
    expect(compileOptions!.metrics).toEqual(
      /^adam/.test(name)
        ? ["accuracy", expect.objectContaining({ name: "top1", options: { k: 1 } })]
        : ["categoricalAccuracy"],
    );
    expect(state!.step).toBe(4);
    expect(farthest(await epoch(model), told[old ? "old" : "adam"])).toBeLessThan(1e-5);
    model.dispose();
  });

  test("goes on through each format that has a place for it", async () => {
    const first = await opened(await fixture("adam.keras"));
    const [bytes] = Object.values(await exportModel(first.model, { format: "keras" }));
    const [same] = Object.values(await exportModel(first.model, { format: "keras" }));
    expect(same).toEqual(bytes);
    const second = await opened(bytes!);
    expect(second.optimizerState).toEqual(first.optimizerState);
    expect(await epoch(second.model)).toEqual(await epoch(first.model));
    first.model.dispose();
    second.model.dispose();
  });

  test("begins anew where its optimizer is none of here, or its state another's", async () => {
    const { unzipSync, zipSync } = await import("fflate");
    const inside = unzipSync(await fixture("adam.keras"));
    const config = new TextDecoder().decode(inside["config.json"]);
    const changed = (change: (text: string) => string) =>
      zipSync({ ...inside, "config.json": new TextEncoder().encode(change(config)) });
    const ftrl = await opened(changed((text) => text.replaceAll('"Adam"', '"Ftrl"')));
    expect(ftrl.warnings).toEqual([
      expect.stringContaining('the file\'s optimizer is "Ftrl", which there is none of'),
    ]);
    expect(ftrl.compileOptions).not.toHaveProperty("optimizer");
    expect(ftrl.optimizerState).toBeUndefined();
    ftrl.model.dispose();
    const other = await opened(changed((text) => text.replaceAll('"use_ema": false', '"use_ema": true')));
    expect(other.warnings).toEqual([
      "the state of the file's optimizer, 10 arrays, is not that of adam() for 4 parameters that are trained: it is left out",
    ]);
    expect(other.optimizerState).toBeUndefined();
    other.model.dispose();
    const scaled = await opened(
      changed((text) =>
        text.replace(
          /"optimizer": (\{"module": "keras.optimizers".*?"registered_name": null\})/,
          '"optimizer": {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": $1}}',
        ),
      ),
    );
    expect(scaled.compileOptions!.optimizer).toMatchObject({ name: "adam", options: { beta2: 0.99 } });
    scaled.model.dispose();
    // A rate that is none is not taken for one that was set.
    const first = await loadModel(await fixture("adam.keras"), silent);
    for (const learningRate of [-3, Number.NaN, Number.POSITIVE_INFINITY]) {
      const state = { ...first.optimizerState!, learningRate };
      const [bytes] = Object.values(
        await exportModel({ ...first, optimizerState: state }, { format: "keras", ...silent }),
      );
      const inside = unzipSync(bytes!);
      const text = new TextDecoder().decode(inside["config.json"]);
      const json = text.replace(/"learning_rate": ?[^,}]+/, '"learning_rate": 0.05');
      const { model, optimizerState: kept } = await opened(
        zipSync({ ...inside, "config.json": new TextEncoder().encode(json) }),
      );
      expect(kept).toMatchObject({ step: 4, learningRate: undefined });
      model.dispose();
    }
  });
});

test("losses, weights and metrics are those of outputs by their names, and an output without a loss weighs nothing", async () => {
  const { unzipSync, zipSync } = await import("fflate");
  const model = modelFromConfig({
    layers: [
      { type: "input", name: "a", shape: [3] },
      { type: "dense", name: "one", units: 3, activation: "softmax", from: ["a"] },
      { type: "dense", name: "two", units: 2, from: ["a"] },
    ],
    inputs: ["a"],
    outputs: ["one", "two"],
  });
  await model.compile({ threads: 1, loss: ["categoricalCrossentropy", "meanSquaredError"] });
  const inside = unzipSync(Object.values(await exportModel(model, { format: "keras" }))[0]!);
  model.dispose();
  const config = JSON.parse(new TextDecoder().decode(inside["config.json"]));
  const read = async (told: object, model: object = {}) => {
    const compile_config = { ...config.compile_config, loss_weights: null, metrics: null, ...told };
    const changed = { ...config, config: { ...config.config, ...model }, compile_config };
    const json = new TextEncoder().encode(JSON.stringify(changed));
    const warnings: string[] = [];
    const loaded = await loadModel(zipSync({ ...inside, "config.json": json }), {
      onWarning: (text) => warnings.push(text),
    });
    const { optimizer: _, ...options } = loaded.compileOptions!;
    await loaded.model.compile({ threads: 1, ...options });
    loaded.model.dispose();
    return { options, warnings };
  };
  const loss = { two: "mae", one: "categorical_crossentropy" };
  expect(await read({ loss, loss_weights: { two: 0.5 }, metrics: { two: "mse" } })).toEqual({
    options: {
      loss: ["categoricalCrossentropy", "meanAbsoluteError"],
      lossWeights: [1, 0.5],
      metrics: [[], ["meanSquaredError"]],
    },
    warnings: [],
  });
  const one = { loss: ["categoricalCrossentropy", "meanSquaredError"], lossWeights: [1, 0] };
  expect(await read({ loss: { one: "categorical_crossentropy" } })).toEqual({ options: one, warnings: [] });
  expect(await read({ loss: ["categorical_crossentropy", null] })).toEqual({ options: one, warnings: [] });
  expect((await read({ loss, loss_weights: [1, 2, 3] })).warnings).toEqual([
    "the file's loss_weights are no numbers for its outputs one, two: they are left out",
  ]);
  const strange = await read({
    loss: ["ctc", "mse"],
    weighted_metrics: ["acc"],
    metrics: ["crossentropy", ["acc"]],
  });
  expect(strange.warnings).toHaveLength(3);
  expect(strange.options).toEqual({
    loss: ["categoricalCrossentropy", "meanSquaredError"],
    metrics: [[], ["accuracy"]],
  });
  // Outputs that are a dict have its keys for names.
  const [first, second] = config.config.output_layers;
  const keyed = await read(
    {
      loss: { box: "mae", cls: "categorical_crossentropy" },
      loss_weights: { box: 0.5 },
      metrics: { box: ["mse"] },
    },
    { output_layers: { cls: first, box: second } },
  );
  expect(keyed).toEqual({
    options: {
      loss: ["categoricalCrossentropy", "meanAbsoluteError"],
      lossWeights: [1, 0.5],
      metrics: [[], ["meanSquaredError"]],
    },
    warnings: [],
  });
  const usual = ["categoricalCrossentropy", "meanSquaredError"];
  expect(await read({ loss: { cls: "mse", two: { class_name: "Huber", config: {} } } })).toEqual({
    options: { loss: usual },
    warnings: [
      `the file's loss is { cls: "mse", two: "Huber" }, and its outputs are one, two: in its place stands ${usual.join(", ")}`,
    ],
  });
  // What every object has is no loss and no metric.
  const own = await read({
    loss: ["constructor", "mse"],
    metrics: [["constructor"], [{ class_name: "constructor", config: { name: "constructor" } }]],
  });
  expect(own.options).toEqual({ loss: usual });
  expect(own.warnings).toEqual([
    expect.stringContaining('metric "constructor" is none of those here'),
    expect.stringContaining('metric "constructor" is none of those here'),
    expect.stringContaining('loss is ["constructor", "mse"], which there is none of here'),
  ]);
});

test("metrics of one name keep apart what they are told, by the names that Keras counts", async () => {
  const { unzipSync, zipSync } = await import("fflate");
  const inside = unzipSync(await fixture("adam.keras"));
  const config = JSON.parse(new TextDecoder().decode(inside["config.json"]));
  const made = (class_name: string, options: object) => ({ class_name, config: options });
  config.compile_config.metrics = [
    made("AUC", { name: "auc" }),
    made("AUC", { name: "auc_1", curve: "PR" }),
    made("AUC", { name: "auc_2" }),
    made("Precision", { name: "precision", thresholds: 0.9 }),
    made("Precision", { name: "precision_1" }),
    made("SparseTopKCategoricalAccuracy", { name: "sparse_top_k_categorical_accuracy", k: 2 }),
    made("Recall", { name: "same", thresholds: 0.1 }),
    made("Recall", { name: "same", thresholds: 0.2 }),
  ];
  const json = new TextEncoder().encode(JSON.stringify(config));
  const { model, compileOptions, warnings } = await opened(zipSync({ ...inside, "config.json": json }));
  const called = (options: object) => expect.objectContaining(options);
  expect(compileOptions!.metrics).toEqual([
    "auc",
    called({ name: "auc_1", type: "auc", options: called({ curve: "PR" }) }),
    called({ name: "precision", options: { threshold: 0.9 } }),
    called({ name: "precision_1", type: "precision", options: {} }),
    called({ name: "sparseTopKCategoricalAccuracy", options: { k: 2 } }),
    called({ name: "same", type: "recall", options: { threshold: 0.1 } }),
  ]);
  expect(warnings).toEqual(['two of the file\'s metrics are called "same": the second is left out']);
  const [bytes] = Object.values(await exportModel(model, { format: "keras" }));
  expect((await loadModel(bytes!)).compileOptions!.metrics).toEqual(compileOptions!.metrics);
  model.dispose();
});

test("files whose training is hurt are read, or refused with an error of their own", async () => {
  const { unzipSync, zipSync } = await import("fflate");
  const inside = unzipSync(await fixture("adam.keras"));
  const config = JSON.parse(new TextDecoder().decode(inside["config.json"]));
  const below = randomOf(21);
  const options = { maxMemory: 2 ** 26, ...silent };
  let kept = 0;
  for (let i = 0; i < (process.env.WASMGRAD_TESTS === "all" ? 2000 : 150); i++) {
    const hurt = { ...config, compile_config: mutateJson(config.compile_config, below) };
    const weights = inside["model.weights.h5"]!;
    const archive = zipSync(
      {
        ...inside,
        "config.json": new TextEncoder().encode(JSON.stringify(i % 3 ? hurt : config)),
        "model.weights.h5": i % 3 ? weights : mutateBytes(weights, below),
      },
      { level: 0 },
    );
    try {
      const loaded = await loadModel(archive, options);
      kept += Number(loaded.optimizerState !== undefined);
      for (const format of ["keras", "h5", "tfjs"] as const) await exportModel(loaded, { format, ...silent });
    } catch (error) {
      if (!(error instanceof ModelFileError)) throw error;
    }
  }
  expect(kept).toBeGreaterThan(10);
}, 600_000);

describe("setOptimizerState()", () => {
  test("takes what optimizerState() gives, and nothing that does not fit", async () => {
    const { model } = await opened(await fixture("adam.keras"));
    const state = optimizerState(model);
    const [m, v] = state.vectors as [(typeof state.vectors)[0], (typeof state.vectors)[0]];
    expect(() => setOptimizerState(model, { ...state, vectors: [m] })).toThrow(
      "the state has 1 vector of the optimizer, expected 2",
    );
    expect(() => setOptimizerState(model, { ...state, vectors: [m, v.slice(1)] })).toThrow(/low\/kernel/);
    const broken = v.map((tensor, i) =>
      i ? tensor : { ...tensor, data: tensor.data.map(() => Number.NaN) },
    );
    expect(() => setOptimizerState(model, { ...state, vectors: [m, broken] })).toThrow("is not finite");
    expect(() => setOptimizerState(model, undefined as never)).toThrow(
      "expected what optimizerState() gives. Write: setOptimizerState(model, loaded.optimizerState)",
    );
    expect(() => setOptimizerState({} as never, state)).toThrow(TypeError);
    expect(() => setOptimizerState(model, { ...state, learningRate: -1 })).toThrow("expected");
    expect(optimizerState(model)).toEqual(state);
    await model.compile({ threads: 1, optimizer: sgd() });
    expect(optimizerState(model)).toEqual({ step: 0, learningRate: undefined, vectors: [] });
    expect(() => setOptimizerState(model, state)).toThrow(
      "2 vectors of the optimizer, expected 0, as sgd keeps: it is of another one, or of other options. Write: await model.compile(loaded.compileOptions)",
    );
    model.dispose();
    expect(() => optimizerState(model)).toThrow("not compiled");
  });
});

test("numbers that are floats in Python are written so, and whole ones as such", () => {
  const config = {
    learning_rate: 1,
    momentum: 0,
    epsilon: 1e-7,
    steps: [1],
    decay_steps: 10,
    boundaries: [1, 2],
    loss: null,
  };
  expect(pythonJson(config)).toBe(
    '{"learning_rate":1.0,"momentum":0.0,"epsilon":1e-7,"steps":[1.0],"decay_steps":10,"boundaries":[1,2],"loss":null}',
  );
});

const chain = {
  layers: [
    { type: "flatten", inputShape: [3, 3, 1] },
    { type: "dense", units: 3, activation: "softmax" },
  ],
};

describe("what Keras has no place for", () => {
  const written = async (options: CompileOptions, format: "keras" | "h5" = "keras") => {
    const model = modelFromConfig(chain);
    await model.compile({ threads: 1, ...options });
    const warnings: string[] = [];
    const [bytes] = Object.values(
      await exportModel(model, { format, onWarning: (text) => warnings.push(text) }),
    );
    model.dispose();
    return { warnings, loaded: await loadModel(bytes!, silent) };
  };

  test("is told, and never changed unsaid", async () => {
    const cycle = await written({ optimizer: adam({ learningRate: oneCycle({ peak: 0.1, steps: 10 }) }) });
    expect(cycle.warnings).toEqual([
      "Keras has no oneCycle: the learning rate is written as it is now, 0.010000000000000002",
    ]);
    expect(cycle.loaded.compileOptions!.optimizer).toMatchObject({
      options: { learningRate: 0.010000000000000002 },
    });
    const excluded = await written({ optimizer: adamw({ excludeFromWeightDecay: ["bias"] }) });
    expect(excluded.warnings).toEqual([
      expect.stringContaining('exclude_from_weight_decay(var_names=["bias"])'),
    ]);
    const summed = await written({ optimizer: adam({ gradientAccumulationSteps: 2 }) }, "h5");
    expect(summed.warnings).toEqual([expect.stringContaining("Keras 2 has no gradientAccumulationSteps")]);
    const metric = await written({ metrics: ["meanIoU", "accuracy"] });
    expect(metric.warnings).toEqual([expect.stringContaining("the metric meanIoU is left out")]);
    expect(metric.loaded.compileOptions!.metrics).toEqual(["accuracy"]);
    expect((await written({})).warnings).toEqual([]);
  });
});
