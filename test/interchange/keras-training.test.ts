import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  auc,
  type CompileOptions,
  categoricalCrossentropy,
  cosineDecay,
  exponentialDecay,
  exportModel,
  huber,
  lion,
  loadModel,
  type Model,
  modelFromConfig,
  nadam,
  optimizerState,
  rmsprop,
  type Samples,
  setOptimizerState,
  sgd,
  stepDecay,
  topKCategoricalAccuracy,
  warmUp,
} from "../../src/node.ts";
import { farthest } from "../support/interchange-nets.ts";
import { randomOf } from "../support/mutate.ts";
import { findPython, runPython } from "../support/python.ts";

const python = findPython("keras", "tensorflow");
const SCRIPT = await readFile(
  fileURLToPath(new URL("../support/keras_training.py", import.meta.url)),
  "utf8",
);

const COUNT = 32;
const BATCH = 8;
const SHAPE = [6, 6, 2];
const below = randomOf(4);
const between = (low: number, high: number) => Math.fround(low + ((high - low) * below(1 << 24)) / (1 << 24));
const images = Float32Array.from({ length: COUNT * 72 }, () => between(-1, 1));
const labels = Uint8Array.from({ length: COUNT }, () => below(3));
const numbers = Float32Array.from({ length: COUNT * 2 }, () => between(-2, 2));
const classes: Samples = { images, shape: SHAPE, count: COUNT, labels };
const both = {
  images,
  shape: SHAPE,
  count: COUNT,
  labels: [labels, undefined],
  targets: [undefined, numbers],
};

/** The losses of the batches of an epoch, before each update. */
async function epoch(model: Model): Promise<number[]> {
  const samples = (model.outputs.length === 1 ? classes : both) as Samples;
  const training = model.training(samples, { batchSize: BATCH, shuffle: false });
  const losses: number[] = [];
  while (await training.step()) losses.push(training.batchLoss);
  losses.push(training.batchLoss);
  return losses.slice(0, COUNT / BATCH);
}

const chain = {
  layers: [
    { type: "conv2d", filters: 4, kernelSize: 3, activation: "relu", inputShape: SHAPE },
    { type: "batchNormalization" },
    { type: "flatten" },
    { type: "dense", units: 3, activation: "softmax" },
  ],
};
const branches = {
  layers: [
    { type: "input", name: "a", shape: SHAPE },
    { type: "conv2d", name: "late", filters: 3, kernelSize: 3, from: ["a"] },
    { type: "conv2d", name: "still", filters: 3, kernelSize: 3, trainable: false, from: ["a"] },
    { type: "batchNormalization", name: "bn", from: ["still"] },
    { type: "add", name: "sum", from: ["bn", "late"] },
    { type: "flatten", name: "flat", from: ["sum"] },
    { type: "dense", name: "low", units: 4, activation: "tanh", from: ["flat"] },
    { type: "dense", name: "two", units: 2, from: ["low"] },
    { type: "dense", name: "one", units: 3, activation: "softmax", from: ["flat"] },
  ],
  inputs: ["a"],
  outputs: ["one", "two"],
};

/** What models are trained with here, and what Keras then says of their optimizers. */
const OURS: Readonly<Record<string, CompileOptions & { readonly there: object }>> = {
  adam: {
    optimizer: adam({ learningRate: 0.01, beta1: 0.8, epsilon: 1e-6 }),
    metrics: ["accuracy", topKCategoricalAccuracy({ k: 2, name: "top2" }), auc({ numThresholds: 50 })],
    there: { learning_rate: Math.fround(0.01), beta_1: 0.8, epsilon: 1e-6, weight_decay: null, name: "adam" },
  },
  average: {
    optimizer: adam({ useEma: true, emaMomentum: 0.7, gradientAccumulationSteps: 3 }),
    there: {
      use_ema: true,
      ema_momentum: 0.7,
      gradient_accumulation_steps: 3,
      ema_overwrite_frequency: null,
    },
  },
  adamw: {
    optimizer: adamw({ weightDecay: 0.1, clipNorm: 0.5 }),
    there: { weight_decay: 0.1, clipnorm: 0.5 },
  },
  sgd: {
    optimizer: sgd({ learningRate: 1, momentum: 0.9, nesterov: true, globalClipNorm: 1 }),
    there: { learning_rate: 1, momentum: 0.9, nesterov: true, global_clipnorm: 1 },
  },
  plain: {
    optimizer: sgd({
      learningRate: exponentialDecay({ initialLearningRate: 0.1, decaySteps: 2, decayRate: 0.5 }),
    }),
    there: {
      learning_rate: {
        class_name: "ExponentialDecay",
        config: { initial_learning_rate: 0.1, decay_steps: 2, decay_rate: 0.5, staircase: false },
      },
    },
  },
  stairs: {
    optimizer: sgd({ learningRate: stepDecay({ initialLearningRate: 0.1, decaySteps: 3 }), momentum: 0.5 }),
    there: {
      learning_rate: { class_name: "ExponentialDecay", config: { decay_rate: 0.1, staircase: true } },
    },
  },
  warm: {
    optimizer: adam({
      learningRate: warmUp({
        warmupSteps: 6,
        schedule: cosineDecay({ initialLearningRate: 0.01, decaySteps: 3, alpha: 0.1 }),
      }),
    }),
    there: { learning_rate: { class_name: "CosineDecay", config: { warmup_target: 0.01, warmup_steps: 6 } } },
  },
  flat: {
    optimizer: adam({ learningRate: warmUp({ warmupSteps: 6, schedule: 0.01 }) }),
    there: { learning_rate: { class_name: "CosineDecay", config: { warmup_target: 0.01, alpha: 1 } } },
  },
  rmsprop: {
    optimizer: rmsprop({ momentum: 0.5, centered: true, clipValue: 0.1 }),
    there: { momentum: 0.5, centered: true, rho: 0.9, clipvalue: 0.1 },
  },
  adagrad: {
    optimizer: adagrad({ learningRate: 0.1, initialAccumulatorValue: 0.2 }),
    there: { initial_accumulator_value: 0.2 },
  },
  adadelta: { optimizer: adadelta({ learningRate: 1 }), there: { learning_rate: 1, rho: 0.95 } },
  adamax: { optimizer: adamax({ learningRate: 0.01 }), there: { beta_2: 0.999 } },
  nadam: { optimizer: nadam({ learningRate: 0.01 }), there: { beta_1: 0.9 } },
  lion: { optimizer: lion(), there: { beta_2: 0.99 } },
  branches: {
    optimizer: adam({ learningRate: 0.01 }),
    loss: [categoricalCrossentropy({ labelSmoothing: 0.2 }), huber({ delta: 0.5 })],
    lossWeights: [1, 0.25],
    metrics: [["accuracy"], ["meanAbsoluteError"]],
    there: { learning_rate: Math.fround(0.01) },
  },
};

/** Optimizers of models that Keras makes. */
const THEIRS: Readonly<Record<string, { class: string; config: object; branches?: boolean }>> = {
  adam: { class: "Adam", config: { learning_rate: 0.01, beta_2: 0.99, clipnorm: 0.5 } },
  average: { class: "Adam", config: { use_ema: true, ema_momentum: 0.8, gradient_accumulation_steps: 3 } },
  amsgrad: { class: "Adam", config: { amsgrad: true } },
  adamw: { class: "AdamW", config: { weight_decay: 0.05 } },
  sgd: { class: "SGD", config: { learning_rate: 0.1, momentum: 0.9, nesterov: true } },
  // Of trainings in 16 bits.
  scaled: {
    class: "LossScaleOptimizer",
    config: {
      inner_optimizer: {
        module: "keras.optimizers",
        class_name: "Adam",
        config: { learning_rate: 0.01 },
        registered_name: null,
      },
    },
  },
  decayed: {
    class: "SGD",
    config: {
      momentum: 0.5,
      learning_rate: {
        module: "keras.optimizers.schedules",
        class_name: "CosineDecay",
        config: { initial_learning_rate: 0.001, decay_steps: 5, warmup_target: 0.1, warmup_steps: 5 },
        registered_name: null,
      },
    },
  },
  rmsprop: { class: "RMSprop", config: { momentum: 0.5, centered: true } },
  adagrad: { class: "Adagrad", config: { learning_rate: 0.1 } },
  adadelta: { class: "Adadelta", config: { learning_rate: 0.5 } },
  adamax: { class: "Adamax", config: { learning_rate: 0.01 } },
  nadam: { class: "Nadam", config: { learning_rate: 0.01 } },
  lion: { class: "Lion", config: {} },
  branches: { class: "Adam", config: { learning_rate: 0.01 }, branches: true },
};

interface WentOn {
  readonly config: object;
  readonly compiled: { readonly metrics: unknown; readonly loss_weights: unknown };
  readonly steps: number;
  readonly losses: readonly number[];
}

let folder: string;
const ours: Record<string, number[]> = {};
let told: { made: Record<string, number[] | string>; on: Record<string, WentOn | string> };
const fileOf = async (name: string) => new Uint8Array(await readFile(join(folder, name)));
const quiet = { onWarning: () => {} };

describe.skipIf(!python)("Keras", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keras-"));
    const on: string[] = [];
    for (const [name, { there: _, ...options }] of Object.entries(OURS)) {
      const model = modelFromConfig(name === "branches" ? branches : chain);
      await model.compile({ threads: 1, seed: 3, ...options });
      await epoch(model);
      if (name === "adadelta") model.session.optimizer.rate = 0.5;
      for (const format of ["keras", "h5"] as const) {
        const [bytes] = Object.values(await exportModel(model, { format, ...quiet }));
        await writeFile(join(folder, `ours-${name}.${format}`), bytes!);
        on.push(`ours-${name}.${format}`);
      }
      ours[name] = await epoch(model);
      model.dispose();
    }
    await writeFile(
      join(folder, "cases.json"),
      JSON.stringify({
        images: [...images],
        labels: [...labels],
        numbers: [...numbers],
        batch: BATCH,
        make: Object.fromEntries(
          Object.entries(THEIRS).map(([name, { branches = false, ...spec }]) => [
            name,
            { ...spec, branches },
          ]),
        ),
        on,
      }),
    );
    told = runPython(python!, SCRIPT, [folder]);
  }, 900_000);

  afterAll(() => rm(folder, { recursive: true }));

  test.each(Object.keys(OURS))("%s: a training that was begun here goes on there", (name) => {
    const there = told.on[`ours-${name}.keras`] as WentOn;
    expect(typeof there, String(there)).toBe("object");
    const expected = name === "adadelta" ? { ...OURS[name]!.there, learning_rate: 0.5 } : OURS[name]!.there;
    expect(there.config).toMatchObject(expected);
    expect(there.steps).toBe(COUNT / BATCH);
    expect(farthest(there.losses, ours[name]!)).toBeLessThan(1e-4);
    // Of the optimizer's state an .h5 file has none, as Keras could not train with it.
    const h5 = told.on[`ours-${name}.h5`] as WentOn;
    expect(typeof h5, String(h5)).toBe("object");
    expect(h5.steps).toBe(0);
    const { gradient_accumulation_steps: _, ...both } = expected as Record<string, unknown>;
    if (name !== "average") expect(h5.config).toMatchObject(both);
    expect(h5.losses[0]).toBeCloseTo(ours[name]![0]!, 4);
  });

  test("metrics and the weights of losses go along", () => {
    const { compiled } = told.on["ours-adam.keras"] as WentOn;
    expect(compiled.metrics).toMatchObject([
      "accuracy",
      { class_name: "TopKCategoricalAccuracy", config: { k: 2, name: "top2" } },
      { class_name: "AUC", config: { num_thresholds: 50, curve: "ROC" } },
    ]);
    const { compiled: several } = told.on["ours-branches.keras"] as WentOn;
    expect(several.metrics).toEqual([["accuracy"], ["mean_absolute_error"]]);
    expect(several.loss_weights).toEqual([1, 0.25]);
  });

  test.each(Object.keys(THEIRS).flatMap((name) => [`${name}.keras`, `${name}.h5`]))(
    "%s: a training that was begun there goes on here",
    async (file) => {
      const name = file.replace(/\..*/, "");
      const there = told.made[name] as number[];
      expect(typeof there, String(there)).toBe("object");
      const warnings: string[] = [];
      const loaded = await loadModel(await fileOf(file), { onWarning: (text) => warnings.push(text) });
      expect(warnings).toEqual(
        name === "amsgrad"
          ? [expect.stringContaining("the optimizer's amsgrad is true, which adam() has not here")]
          : [],
      );
      const { model, compileOptions, optimizerState: state } = loaded;
      await model.compile({ threads: 1, ...compileOptions });
      expect(state!.step).toBe(COUNT / BATCH);
      setOptimizerState(model, state!);
      expect(optimizerState(model)).toEqual(state);
      // Keras's amsgrad goes another way, but not at the first step.
      const losses = (await epoch(model)).slice(0, name === "amsgrad" ? 1 : undefined);
      expect(farthest(losses, there.slice(0, losses.length))).toBeLessThan(1e-4);
      model.dispose();
    },
  );

  test("what a file says of the training goes on into other files", async () => {
    const loaded = await loadModel(await fileOf("branches.keras"));
    expect(loaded.compileOptions).toMatchObject({
      optimizer: { name: "adam", options: { learningRate: 0.01 } },
      loss: [{ name: "categoricalCrossentropy", labelSmoothing: 0.1 }, "meanSquaredError"],
      lossWeights: [1, 0.5],
      metrics: [["accuracy", { type: "precision", options: { threshold: 0.4 } }], ["meanAbsoluteError"]],
    });
    const [bytes] = Object.values(await exportModel(loaded, { format: "keras" }));
    const again = await loadModel(bytes!);
    expect(again.compileOptions).toEqual(loaded.compileOptions);
    expect(again.optimizerState).toEqual(loaded.optimizerState);
  });
});
