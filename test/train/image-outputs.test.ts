import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { type LossData, lossName } from "../../src/losses/names.ts";
import type { MetricName } from "../../src/metrics/metric.ts";
import * as api from "../../src/node.ts";
import { previewAugmentation } from "../../src/train/preview-augmentation.ts";
import { expectClose } from "../support/close.ts";
import { hash32 } from "../support/fixture-values.ts";
import { all, modelOf, sessionOf } from "../support/sessions.ts";

// Models whose outputs are images, trained beside Keras 3: test/fixtures/make_keras_images.py.

type Figures<T> = { readonly loss: T } & Partial<Record<MetricName, T>>;
interface Case {
  readonly name: string;
  readonly loss: LossData | LossData["name"];
  readonly activation: "softmax" | "sigmoid" | "tanh" | "linear";
  readonly channels: 1 | 3;
  readonly targets: "ids" | "oneHot" | "bits" | "ink" | "numbers";
  readonly weighed?: "bySample" | "byPixel";
  readonly firstLoss: number;
  readonly gradients: readonly [kernel: number[], bias: number[]];
  readonly evaluated: Figures<number>;
  readonly history: Figures<number[]>;
  readonly weights: readonly [kernel: number[], bias: number[]];
  readonly outputs: number[];
}
const keras = JSON.parse(
  readFileSync(new URL("../fixtures/keras/images.json", import.meta.url), "utf8"),
) as Record<"x" | "ids" | "ink" | "bits" | "numbers" | "bySample" | "byPixel", number[]> & {
  readonly kernels: Record<1 | 3, number[]>;
  readonly biases: Record<1 | 3, number[]>;
  readonly cases: readonly Case[];
};

const SHAPE = [4, 5, 2];
const images = { images: Float32Array.from(keras.x), shape: SHAPE, count: 7 };

function samplesOf({ targets, weighed }: Pick<Case, "targets" | "weighed">): api.Samples {
  const weights = weighed && { weights: Float32Array.from(keras[weighed]) };
  if (targets === "ids" || targets === "ink")
    return { ...images, labels: Uint8Array.from(keras[targets]), ...weights };
  const numbers =
    targets === "oneHot" ? keras.ids.flatMap((id) => [0, 1, 2].map((k) => Number(k === id))) : keras[targets];
  return { ...images, targets: Float32Array.from(numbers), ...weights };
}

const convolution = ({ channels, activation }: Pick<Case, "channels" | "activation">) =>
  api.conv2d({ filters: channels, kernelSize: [3, 2], padding: "same", activation, inputShape: SHAPE });

const startOf = ({ channels }: Pick<Case, "channels">) => [
  {
    name: "conv2d/kernel",
    shape: [3, 2, 2, channels],
    data: Float32Array.from(keras.kernels[channels]),
  },
  { name: "conv2d/bias", shape: [channels], data: Float32Array.from(keras.biases[channels]) },
];

const CLOSE = { atol: 3e-6, rtol: 3e-6 };
const metricsOf = ({ evaluated }: Case) =>
  Object.keys(evaluated).filter((name) => name !== "loss") as MetricName[];

describe.each(BACKENDS)("Keras's trainings of models whose outputs are images, build %s", (backend) => {
  test.each(keras.cases.map((c) => [c.name, c] as const))("%s", async (_, c) => {
    const metrics = metricsOf(c);
    const model = await modelOf([convolution(c)], {
      optimizer: api.sgd({ learningRate: 0.5 }),
      loss: c.loss,
      metrics,
      backend,
    });
    model.setWeights(startOf(c));
    const samples = samplesOf(c);
    const evaluated = await model.evaluate(samples, { batchSize: 4 });
    for (const name of ["loss", ...metrics] as const)
      expectClose([evaluated[name]!], [c.evaluated[name]!], CLOSE);
    const first = model.session.trainStep(samples, Uint32Array.of(0, 1, 2, 3));
    expectClose([first.loss], [c.firstLoss], CLOSE);
    const [kernel, bias] = [...model.session.gradients()].map(({ data }) => data);
    expectClose(kernel!, c.gradients[0], CLOSE);
    expectClose(bias!, c.gradients[1], CLOSE);
    model.setWeights(startOf(c));
    const { history } = await model.fit(samples, { epochs: 2, batchSize: 4, shuffle: false });
    for (const name of ["loss", ...metrics] as const)
      expectClose(history[name]!, c.history[name]!, { atol: 1e-5, rtol: 1e-5 });
    expectClose(model.getWeights()[0]!.data, c.weights[0], { atol: 1e-5, rtol: 1e-5 });
    expectClose(model.getWeights()[1]!.data, c.weights[1], { atol: 1e-5, rtol: 1e-5 });
    // Keras gives the logits, as the model does.
    expectClose(await model.predict(images), c.outputs, { atol: 1e-5, rtol: 1e-5 });
  });
});

/** A softmax of three classes a pixel behind two convolutions, which training moves. */
const segmenter = () => [
  api.conv2d({ filters: 5, kernelSize: 3, padding: "same", activation: "tanh", inputShape: SHAPE }),
  api.conv2d({ filters: 3, kernelSize: 1, activation: "softmax" }),
];
const maps = samplesOf({ targets: "ids" });

test("central differences of the loss by a few weights give the gradients of a map of classes", async () => {
  const session = await sessionOf(segmenter());
  const samples = { ...maps, weights: Float32Array.from(keras.byPixel) };
  session.trainStep(samples, all(samples));
  const gradients = [...session.gradients()].map(({ data }) => Float64Array.from(data));
  for (const [i, { data }] of [...session.weights()].entries())
    for (let at = 0; at < data.length; at += Math.max(1, Math.floor(data.length / 7))) {
      const [was, step] = [data[at]!, 2 ** -6];
      const lossAt = (w: number) => {
        data[at] = w;
        return session.evaluateStep(samples, all(samples)).loss;
      };
      const slope = (lossAt(was + step) - lossAt(was - step)) / (2 * step);
      data[at] = was;
      expectClose([gradients[i]![at]!], [slope], { atol: 4e-5, rtol: 2e-3 });
    }
});

test("one thread and three give the same bits, in both builds", async () => {
  const hashes = new Map<string, Set<string>>();
  for (const backend of ["scalar", "simd"] as const)
    for (const threads of [1, 3]) {
      const model = await modelOf(segmenter(), { threads, backend, metrics: ["accuracy", "meanIoU"] });
      const { history } = await model.fit(maps, { epochs: 3, batchSize: 3 });
      const key = `${await model.weightsSha256()} ${JSON.stringify(history)}`;
      hashes.set(backend, (hashes.get(backend) ?? new Set()).add(key));
    }
  expect([...hashes.values()].map(({ size }) => size)).toEqual([1, 1]);
});

test("metrics over an epoch are exact, also where the last batch is smaller", async () => {
  const model = await modelOf(segmenter(), { metrics: ["accuracy", "meanIoU"] });
  const outputs = await model.predict(images);
  const confusion = Array.from({ length: 9 }, () => 0);
  for (const [pixel, id] of keras.ids.entries()) {
    const row = [...outputs.subarray(3 * pixel, 3 * pixel + 3)];
    confusion[3 * id + row.indexOf(Math.max(...row))]!++;
  }
  const at = (r: number, c: number) => confusion[3 * r + c]!;
  const ious = [0, 1, 2].map((k) => {
    const either = [0, 1, 2].reduce((sum, i) => sum + at(k, i) + at(i, k), -at(k, k));
    return at(k, k) / either;
  });
  for (const batchSize of [2, 3, 64]) {
    const { accuracy, meanIoU } = await model.evaluate(maps, { batchSize });
    expect(accuracy).toBe((at(0, 0) + at(1, 1) + at(2, 2)) / keras.ids.length);
    expect(meanIoU).toBeCloseTo((ious[0]! + ious[1]! + ious[2]!) / 3, 14);
  }
});

test("classes weigh pixels by their class: as the same weights by pixel", async () => {
  const classWeight = { 0: 0.25, 2: 3 };
  const byPixel = Float32Array.from(keras.ids, (id) => [0.25, 1, 3][id]!);
  const trained = async (samples: api.Samples, options: api.FitOptions) => {
    const model = await modelOf(segmenter());
    const { history } = await model.fit(samples, { epochs: 2, batchSize: 3, ...options });
    return [history.loss, await model.weightsSha256()];
  };
  const expected = await trained({ ...maps, weights: byPixel }, {});
  expect(await trained(maps, { classWeight })).toEqual(expected);
  // Of targets the class is the place of the greatest.
  expect(await trained(samplesOf({ targets: "oneHot" }), { classWeight })).toEqual(expected);
  const counts = [0, 1, 2].map((k) => keras.ids.filter((id) => id === k).length);
  const balanced = Float32Array.from(keras.ids, (id) => keras.ids.length / (3 * counts[id]!));
  expect(await trained(maps, { classWeight: "balanced" })).toEqual(
    await trained({ ...maps, weights: balanced }, {}),
  );
  // Of the training part alone: the last two samples validate.
  const part = keras.ids.slice(0, 100);
  const own = [0, 1, 2].map((k) => part.filter((id) => id === k).length);
  const weights = Float32Array.from(keras.ids, (id) => part.length / (3 * own[id]!));
  const [loss] = await trained(maps, { classWeight: "balanced", validationSplit: 2 / 7 });
  const first = {
    ...maps,
    count: 5,
    images: (maps.images as Float32Array).subarray(0, 200),
    labels: (maps.labels as Uint8Array).subarray(0, 100),
    weights: weights.subarray(0, 100),
  };
  expect(loss).toEqual((await trained(first, {}))[0]);
});

test("a loss of one's own sees a row for each pixel", async () => {
  let seen: number[] = [];
  const mine = api.defineLoss({
    name: "mine",
    compute({ outputs, targets, rows, cols, losses, gradient }) {
      seen = [rows, cols, outputs.length, losses.length];
      for (let r = 0; r < rows; r++)
        for (let k = 0; k < cols; k++) {
          const d = outputs[r * cols + k]! - targets[r * cols + k]!;
          losses[r]! += (d * d) / cols;
          if (gradient) gradient[r * cols + k] = (2 * d) / cols;
        }
    },
  });
  const c = keras.cases.find(({ name }) => name === "numbers")!;
  const weightsAfter = async (loss: api.CompileOptions["loss"]) => {
    const model = await modelOf([convolution(c)], { loss, optimizer: api.sgd({ learningRate: 0.5 }) });
    model.setWeights(startOf(c));
    const { history } = await model.fit(samplesOf(c), { epochs: 2, batchSize: 4, shuffle: false });
    expectClose(history.loss, c.history.loss, { atol: 1e-5, rtol: 1e-5 });
    return model.getWeights()[0]!.data;
  };
  expectClose(await weightsAfter(mine), await weightsAfter("meanSquaredError"), { atol: 2e-6, rtol: 2e-6 });
  expect(seen).toEqual([60, 3, 180, 60]);
});

test("a metric of one's own sees a row for each pixel", async () => {
  const rows: number[] = [];
  const metric = api.defineMetric({
    name: "rows",
    update(accumulators, batch) {
      rows.push(batch.rows, batch.cols, batch.outputs.length);
      accumulators[1]!++;
    },
  });
  const model = await modelOf(segmenter(), { metrics: [metric] });
  await model.evaluate(maps, { batchSize: 4 });
  expect(rows).toEqual([80, 3, 240, 60, 3, 180]);
});

test("a map of classes and classes beside it: several outputs, with weights of one's own each", async () => {
  const image = api.input({ shape: SHAPE });
  const x = api.conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu" }).apply(image);
  const map = api.conv2d({ name: "map", filters: 3, kernelSize: 1, activation: "softmax" }).apply(x);
  const kind = api
    .dense({ name: "kind", units: 2, activation: "softmax" })
    .apply(api.globalAveragePooling2d().apply(x));
  const model = api.model({ inputs: [image], outputs: [map, kind] });
  await model.compile({ threads: 1, metrics: { map: ["meanIoU"], kind: ["accuracy"] } });
  const labels = { map: Uint8Array.from(keras.ids), kind: Uint8Array.of(0, 1, 1, 0, 1, 0, 1) };
  const weights = { map: Float32Array.from(keras.byPixel) };
  const { history, trainCounts } = await model.fit(
    { ...images, labels, weights },
    { epochs: 2, batchSize: 3 },
  );
  // Classes of samples are those of the output that has one for each.
  expect(trainCounts).toEqual([3, 4]);
  expect(history.map_meanIoU).toHaveLength(2);
  expect(history.loss[1]).toBeLessThan(history.loss[0]!);
  const [first, second] = await model.predict<Float32Array[]>(images);
  expect([first!.length, second!.length]).toEqual([420, 14]);
  model.dispose();
});

test("a training goes on from its state to the same bits", async () => {
  const options = { epochs: 3, batchSize: 3, validationSplit: 0.3, validationFrom: "shuffled" } as const;
  const whole = await modelOf(segmenter());
  await whole.fit(maps, options);
  const model = await modelOf(segmenter());
  const training = model.training(maps, options);
  for (let i = 0; i < 3; i++) await training.step();
  const state = training.state();
  const other = await modelOf(segmenter());
  await other.fit(maps, { ...options, initialState: state });
  expect(await other.weightsSha256()).toBe(await whole.weightsSha256());
  // Other maps are other samples.
  const changed = { ...maps, labels: Uint8Array.from(keras.ids, (id) => (id + 1) % 3) };
  await expect(other.fit(changed, { ...options, initialState: state })).rejects.toThrow("other samples");
});

test("images that are mixed have mixed maps; parts of others have none", async () => {
  const mixed = await modelOf(
    [api.mixUp({ inputShape: SHAPE }), api.conv2d({ filters: 3, kernelSize: 1, activation: "softmax" })],
    // One that reads the targets: else their memory is another tensor's at the step's end.
    { metrics: ["meanAbsoluteError"] },
  );
  const { outputs } = mixed.session.trainStep(maps, all(maps));
  const { targets } = outputs[0]!.batch;
  const sums = Array.from(
    { length: 140 },
    (_, r) => targets[3 * r]! + targets[3 * r + 1]! + targets[3 * r + 2]!,
  );
  expectClose(sums, new Float32Array(140).fill(1), { atol: 1e-6, rtol: 0 });
  expect(targets.some((t) => t > 0 && t < 1)).toBe(true);
  const cut = await modelOf([
    api.cutMix({ inputShape: SHAPE }),
    api.conv2d({ filters: 3, kernelSize: 1, activation: "softmax" }),
  ]);
  await expect(cut.fit(maps)).rejects.toThrow(
    "layer 'cutMix': puts parts of images into others, with shares of both as targets, but the model's output has shape (4, 5, 3): take mixUp() for images as outputs",
  );
});

describe("layers that move images", () => {
  const moving = {
    randomFlip: (inputShape: number[]) => api.randomFlip({ inputShape }),
    randomTranslation: (inputShape: number[]) =>
      api.randomTranslation({ inputShape, heightFactor: 0.2, widthFactor: 0.2 }),
    randomRotation: (inputShape: number[]) => api.randomRotation({ inputShape, factor: 0.1 }),
    randomZoom: (inputShape: number[]) => api.randomZoom({ inputShape, heightFactor: 0.2 }),
    randomCrop: (inputShape: number[]) => api.randomCrop({ inputShape, height: 3, width: 3 }),
  };
  const pixelwise = () => api.conv2d({ filters: 3, kernelSize: 1, activation: "softmax" });

  test.each(Object.entries(moving))("%s: no training towards maps, which would stay", async (name, layer) => {
    const model = await modelOf([layer([...SHAPE]), pixelwise()]);
    const size = name === "randomCrop" ? 9 : 20;
    const labels = new Uint8Array(maps.count * size);
    await expect(model.fit({ ...maps, labels })).rejects.toThrow(
      `layer '${name}': moves images, but not the masks or images that are their targets, and the model's output has shape (${size === 9 ? "3, 3" : "4, 5"}, 3): take the layer out, or one that leaves pixels where they are, as randomContrast(), randomBrightness() or mixUp(); move images and targets together before fit()`,
    );
    // Neither asking nor testing moves them.
    await model.predict(maps);
    await model.evaluate({ ...maps, labels });
  });

  test("nor towards maps in one axis, or of numbers without channels", async () => {
    const flip = () => api.randomFlip({ inputShape: [...SHAPE] });
    const rows = await modelOf([
      flip(),
      pixelwise(),
      api.reshape({ targetShape: [20, 3] }),
      api.activation({ activation: "softmax" }),
    ]);
    await expect(rows.fit(maps)).rejects.toThrow("output has shape (20, 3)");
    const plain = await modelOf(
      [flip(), api.conv2d({ filters: 1, kernelSize: 1 }), api.reshape({ targetShape: [4, 5] })],
      { loss: "meanSquaredError", metrics: [] },
    );
    const targets = new Float32Array(maps.count * 20);
    await expect(plain.fit({ ...images, targets })).rejects.toThrow("output has shape (4, 5)");
  });

  /** Ends with this shape, whatever comes before. */
  const endingAs = (shape: readonly number[]) => {
    const units = shape.reduce((product, n) => product * n, 1);
    return modelOf([
      api.randomFlip({ inputShape: [...SHAPE] }),
      api.flatten(),
      api.dense({ units }),
      api.reshape({ targetShape: [...shape] }),
      api.activation({ activation: "softmax" }),
    ]);
  };

  test.each([
    ["a finer grid", [8, 10, 3], "[80, 3]"],
    ["a coarser one", [2, 3, 3], "[6, 3]"],
    ["images without their border", [6, 7, 3], "[42, 3]"],
    ["boxes of a coarser one", [2, 3, 2, 3], "[12, 3]"],
    ["several images", [2, 4, 5, 3], "[40, 3]"],
    ["channels first", [3, 4, 5], "[12, 5]"],
  ])("nor towards %s", async (_, shape, flat) => {
    const model = await endingAs(shape);
    const labels = new Uint8Array(
      (maps.count * shape.reduce((product, n) => product * n, 1)) / shape.at(-1)!,
    );
    await expect(model.fit({ ...maps, labels })).rejects.toThrow(
      new RegExp(
        `^layer 'randomFlip': moves images, but not .* has shape \\(${shape.join(", ")}\\): .* before fit\\(\\)\\. If axes of that output are no places in images, end with reshape\\(\\{ targetShape: \\${flat.replace("]", "\\]")} \\}\\)$`,
      ),
    );
  });

  test("outputs without places are trained: classes of images, of each of some digits, of 1 x 1", async () => {
    for (const [shape, ids] of [
      [[2, 3], 2],
      // Tables of classes, in no proportion to 4x5.
      [[2, 5, 3], 10],
      [[6, 2, 2], 12],
      [[6, 3], 6],
      [[1, 1, 3], 1],
      [[3], 1],
    ] as const) {
      const model = await endingAs(shape);
      const labels = new Uint8Array(maps.count * ids);
      const { history } = await model.fit({ ...maps, labels }, { epochs: 1 });
      expect(history.loss).toHaveLength(1);
    }
  });

  test("and so are maps that no moved image leads to", async () => {
    const image = api.input({ shape: [...SHAPE] });
    const map = pixelwise().apply(image);
    const moved = api.flatten().apply(api.randomFlip().apply(image));
    const net = api.model({
      inputs: image,
      outputs: [map, api.dense({ units: 2, activation: "softmax" }).apply(moved)],
    });
    await net.compile({ threads: 1 });
    const labels = Uint8Array.from(keras.ids);
    const { history } = await net.fit(
      { ...images, labels: [labels, new Uint8Array(maps.count)] },
      { epochs: 1 },
    );
    expect(history.loss).toHaveLength(1);
    net.dispose();
  });

  test("what varies pixels in their places is taken", async () => {
    for (const layer of [
      api.randomContrast({ inputShape: [...SHAPE], factor: 0.2 }),
      api.randomBrightness({ inputShape: [...SHAPE], factor: 0.2 }),
      api.randomErasing({ inputShape: [...SHAPE] }),
      api.gaussianNoise({ inputShape: [...SHAPE], stddev: 0.1 }),
    ])
      await (await modelOf([layer, pixelwise()])).fit(maps, { epochs: 1 });
  });

  test("previews show what such layers do, behind weights too", async () => {
    const net = api.sequential([
      api.randomFlip({ inputShape: [...SHAPE] }),
      api.batchNormalization(),
      api.gaussianNoise({ stddev: 0.1 }),
      pixelwise(),
    ]);
    const preview = await previewAugmentation(net, images.images);
    expect(preview!.layers).toHaveLength(2);
  });
});

test("an autoencoder learns its images, by plain floats or bytes", async () => {
  const bytes = Uint8Array.from({ length: 40 * 64 }, (_, i) => (i % 8 > 3 ? hash32(i >> 6) & 255 : 0));
  const model = await modelOf(
    [
      api.conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "relu", inputShape: [8, 8, 1] }),
      api.conv2d({ filters: 1, kernelSize: 3, padding: "same", activation: "sigmoid" }),
    ],
    {
      loss: "binaryCrossentropy",
      metrics: ["meanSquaredError"],
      optimizer: api.adam({ learningRate: 0.01 }),
    },
  );
  const samples = {
    images: bytes,
    targets: Float32Array.from(bytes, (byte) => byte / 255),
    shape: [8, 8, 1],
    count: 40,
  };
  const { history } = await model.fit(samples, { epochs: 12, batchSize: 8 });
  expect(history.meanSquaredError!.at(-1)).toBeLessThan(history.meanSquaredError![0]! / 4);
});

describe("what does not fit", () => {
  const refused = async (samples: Partial<api.Samples>, options: api.FitOptions = {}) => {
    const model = await modelOf(segmenter());
    return model.fit({ ...maps, ...samples }, options).then(
      () => "",
      (error: Error) => error.message,
    );
  };

  test("a label for each image where each pixel has one", async () => {
    expect(await refused({ labels: new Uint8Array(7) })).toBe(
      "fit: got 7 labels for 7 samples of 4x5, expected 140: a class for each pixel",
    );
  });

  test("a class that there is none of", async () => {
    expect(await refused({ labels: new Uint8Array(140).fill(3, 139) })).toBe(
      "fit: label 139 is 3, but the output has 3 numbers a pixel: expected class ids below 3",
    );
  });

  test("targets of another size", async () => {
    expect(await refused({ labels: undefined, targets: new Float32Array(140) })).toBe(
      "fit: got 140 targets, expected 7 samples of 60",
    );
  });

  test("weights that are neither by sample nor by pixel", async () => {
    expect(await refused({ weights: new Float32Array(60) })).toBe(
      "fit: got 60 weights for 7 samples: expected one each, or 140, one a pixel",
    );
  });

  test("a stratified split of maps", async () => {
    expect(await refused({}, { validationSplit: 0.3, validationFrom: "stratified" })).toBe(
      'validationFrom is "stratified", but the samples have maps of labels and no label each to tell classes by: use "shuffled"',
    );
  });

  test("a loss of classes on one number a pixel", async () => {
    const model = api.sequential([
      api.conv2d({ filters: 1, kernelSize: 1, activation: "sigmoid", inputShape: SHAPE }),
    ]);
    await expect(model.compile({ loss: "categoricalCrossentropy" })).rejects.toThrow(
      "layer 'conv2d': loss categoricalCrossentropy got one number along the last axis of (4, 5, 1), expected one a class; use binaryCrossentropy, or an output for each class",
    );
    await expect(model.compile({ loss: "binaryCrossentropy" })).resolves.toBeUndefined();
    model.dispose();
  });
});

test("a fixture's loss names are those of losses", () => {
  expect(new Set(keras.cases.map(({ loss }) => lossName(loss))).size).toBeGreaterThan(6);
});
