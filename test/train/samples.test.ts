import "../../src/options/other-names.ts";
import { describe, expect, test } from "vitest";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { checkSamples } from "../../src/train/check-samples.ts";
import { type PlainSamples, type Samples, SamplesError } from "../../src/train/samples.ts";
import { Sequential } from "../../src/train/sequential.ts";
import { slice, splitSamples } from "../../src/train/split.ts";
import { modelOf } from "../support/sessions.ts";

const layers = (units = 3) => [
  flatten({ inputShape: [2, 3, 1] }),
  dense({ units, activation: units === 1 ? "sigmoid" : "softmax" }),
];
const ok: Samples = {
  images: new Uint8Array(4 * 6),
  count: 4,
  shape: [2, 3, 1],
  labels: Uint8Array.of(0, 1, 2, 0),
};
const { labels: _, ...unlabelled } = ok;

const bad: [Samples, string][] = [
  [{ ...ok, shape: [3, 2, 1] }, "got samples of shape (3, 2, 1), but the model expects (2, 3, 1)"],
  [{ ...ok, shape: [6] }, "got samples of shape (6,), but the model expects (2, 3, 1)"],
  [{ ...ok, count: 0 }, "got 0 samples, expected at least 1"],
  [
    { ...ok, count: 2.5 },
    "samples: count is 2.5, expected a whole number, that of images. Write: { images, shape: [2, 3, 1], labels, count: 4 }",
  ],
  [
    { ...ok, count: "4" as never },
    'samples: count is "4", expected a whole number, that of images. Write: { images, shape: [2, 3, 1], labels, count: 4 }',
  ],
  [
    { ...ok, images: new Uint8Array(23), count: undefined as never },
    "samples: count is missing, expected a whole number, that of images; images holds 23 numbers, no whole images of 6",
  ],
  [{ ...ok, shape: 6 as never }, "samples: shape is 6, expected that of one image. Write: shape: [2, 3, 1]"],
  [{ ...ok, count: 5 }, "got 24 input numbers, expected 5 samples of 6"],
  [{ ...ok, images: new Float32Array(23) }, "got 23 input numbers, expected 4 samples of 6"],
];
/** Numbers of a million images, and of one. */
const large: [Samples, string][] = [
  [
    { ...ok, count: 1e6, images: new Uint8Array(6e6 - 1) },
    "got 5,999,999 input numbers, expected 1,000,000 samples of 6",
  ],
  [{ ...ok, count: 1, images: new Uint8Array(1) }, "got 1 input number, expected 1 sample of 6"],
];
const badTargets: [Samples, string][] = [
  [unlabelled, "got samples with neither labels nor targets: give one of them"],
  [{ ...ok, labels: new Uint8Array(3) }, "got 3 labels for 4 samples"],
  [
    { ...ok, labels: Uint8Array.of(0, 1, 3, 4) },
    "label 2 is 3, but the model has 3 outputs: expected class ids below 3",
  ],
  [{ ...unlabelled, targets: new Float32Array(4) }, "got 4 targets, expected 4 samples of 3"],
];
const misspelt: [unknown, string][] = [
  [
    { ...ok, sampleWeight: new Float32Array(4) },
    'samples: no option is called "sampleWeight": it belongs into model.fit(train, { epochs: 3, batchSize: 32 })',
  ],
  [null, "got no samples: expected { images, shape, count } with labels or targets"],
  ["mnist", 'got "mnist": expected { images, shape, count } with labels or targets'],
  [5, "got 5: expected { images, shape, count } with labels or targets"],
  [new Map(), "got a Map: expected { images, shape, count } with labels or targets"],
  [
    { ...ok, images: [...(ok.images as Uint8Array)] },
    "images is of type Array, expected bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not. Write: images: Float32Array.from(images)",
  ],
  [
    { ...ok, images: [[[0]], [[1]]] },
    "images is of type Array, expected bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not. Write: images: Float32Array.from(images.flat(Infinity))",
  ],
  [
    { ...ok, images: new Float64Array(24) },
    "images is of type Float64Array, expected bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not. Write: images: Float32Array.from(images)",
  ],
  [
    { ...ok, labels: [0, 1, 2, 0] },
    "labels is of type Array, expected Uint8Array. Write: labels: Uint8Array.from(labels)",
  ],
  [
    { ...unlabelled, targets: [[0], [1]] },
    "targets is of type Array, expected Float32Array. Write: targets: Float32Array.from(targets.flat(Infinity))",
  ],
  [
    { images: ok.images, shape: ok.shape, labels: ok.labels },
    "samples: count is missing, expected a whole number, that of images. Write: { images, shape: [2, 3, 1], labels, count: 4 }",
  ],
];

describe("samples that do not fit the model", () => {
  test.each([...bad, ...large, ...badTargets, ...(misspelt as [Samples, string][])])(
    "case %#: fit and evaluate",
    async (samples, message) => {
      const model = await modelOf(layers());
      const before = await model.weightsSha256();
      const error = (who: string) => new SamplesError(`${who}: ${message}`);
      await expect(model.fit(samples)).rejects.toThrow(error("fit"));
      await expect(model.fit(samples)).rejects.toBeInstanceOf(SamplesError);
      if (typeof samples === "object" && samples)
        await expect(model.fit(ok, { validationData: samples })).rejects.toThrow(
          error("fit: validationData"),
        );
      await expect(model.evaluate(samples)).rejects.toThrow(error("evaluate"));
      expect(await model.weightsSha256()).toBe(before);
    },
  );

  test.each(bad)("case %#: predict", async (samples, message) => {
    const model = await modelOf(layers());
    await expect(model.predict(samples)).rejects.toThrow(new SamplesError(`predict: ${message}`));
  });

  test.each<[unknown, (call: string) => string]>([
    [
      { ...unlabelled, label: ok.labels },
      (call) =>
        `samples: no option is called "label": did you mean labels? Write: ${call.replace("*", "{ images, count: 4, shape: [2, 3, 1], labels }")}`,
    ],
    [
      { train: ok, test: ok },
      (call) =>
        `got a dataset, expected one of its sets. Write: ${call.replace("*", call === "model.fit(*)" ? "dataset.train" : "dataset.test")}`,
    ],
  ])("case %#: the line to write is the call's own", async (given, message) => {
    const samples = given as Samples;
    const model = await modelOf(layers());
    for (const [who, call, of] of [
      ["fit", "model.fit(*)", () => model.fit(samples)],
      [
        "fit: validationData",
        "model.fit(train, { validationData: * })",
        () => model.fit(ok, { validationData: samples }),
      ],
      ["evaluate", "model.evaluate(*)", () => model.evaluate(samples)],
      ["predict", "model.predict(*)", () => model.predict(samples)],
    ] as const)
      await expect(of()).rejects.toThrow(new SamplesError(`${who}: ${message(call)}`));
  });

  test.each(["mnist", 5, true])("predict of %j", async (samples) => {
    const model = await modelOf(layers());
    await expect(model.predict(samples as never)).rejects.toThrow(
      new SamplesError(
        `predict: got ${JSON.stringify(samples)}: expected { images, shape, count } with labels or targets`,
      ),
    );
  });

  test("labels beside the images: fit and evaluate say where they go", async () => {
    const model = await modelOf(layers());
    for (const [labels, got] of [
      [ok.labels, "a Uint8Array"],
      [[0, 1, 2], "[0, 1, 2]"],
    ] as const)
      for (const call of ["fit", "evaluate"] as const)
        await expect(model[call](ok.images as never, labels as never)).rejects.toThrow(
          new RangeError(
            `${call}: got ${got}, expected an object of options; labels go into samples: { images, labels, count, shape }`,
          ),
        );
  });

  test("predict needs no labels", async () => {
    const model = await modelOf(layers());
    expect(await model.predict(unlabelled)).toHaveLength(12);
  });

  test("predict of numbers alone: as many samples as they make", async () => {
    const model = await modelOf(layers());
    expect(await model.predict(new Uint8Array(30))).toHaveLength(15);
    expect(await model.predict(new Float32Array(6))).toHaveLength(3);
    await expect(model.predict(new Float32Array(7))).rejects.toThrow(SamplesError);
    await expect(model.predict(new Float32Array(0))).rejects.toThrow(
      "predict: got 0 numbers, expected those of whole images: 6 for each of shape (2, 3, 1)",
    );
    await expect(model.predict(new Uint8Array(5))).rejects.toThrow("got 5 numbers, expected those of whole");
  });

  test("a plain array is refused with the line that makes it one of numbers", async () => {
    const model = await modelOf(layers());
    for (const [who, call] of [
      ["predict", () => model.predict([[1, 2, 3]] as never)],
      ["fit", () => model.fit([1, 2, 3] as never)],
    ] as const)
      await expect(call()).rejects.toThrow(
        new SamplesError(
          `${who}: got an array, expected samples or a typed array. Write: Float32Array.from(images.flat(Infinity)), or Uint8Array for bytes, which are scaled`,
        ),
      );
  });

  test("activations of what is no image says so", async () => {
    const model = await modelOf(layers());
    await expect(model.activations(5 as never)).rejects.toThrow(/^activations: images is of type Number, /);
  });

  test("a canvas's clamped bytes are bytes: the same weights, outputs and activations", async () => {
    const images = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    const [plain, clamped] = [images, Uint8ClampedArray.from(images)].map((own) => ({ ...ok, images: own }));
    const results = await Promise.all(
      [plain!, clamped!].map(async (samples) => {
        const model = await modelOf(layers());
        const { history } = await model.fit(samples, { epochs: 2, batchSize: 3, validationSplit: 0.25 });
        const outputs = [await model.predict(samples), await model.predict(samples.images)];
        const inside = await model.activations(samples.images.slice(0, 6));
        return [history, await model.weightsSha256(), outputs, inside, await model.evaluate(samples)];
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test("one output takes the classes 0 and 1", async () => {
    const model = await modelOf(layers(1), { loss: "binaryCrossentropy" });
    await expect(model.evaluate(ok)).rejects.toThrow(
      "label 2 is 2, but the model has 1 output: expected class ids below 2",
    );
    await model.evaluate({ ...ok, labels: Uint8Array.of(0, 1, 1, 0) });
  });
});

test("what fit is not ready for", async () => {
  const model = new Sequential(layers());
  for (const call of [() => model.fit(ok), () => model.evaluate(ok), () => model.predict(ok)])
    await expect(call()).rejects.toThrow("the model is not compiled: call `await model.compile(...)` first");
  expect(() => model.getWeights()).toThrow("not compiled");
  expect(() => model.session).toThrow("not compiled");
  await expect(model.weightsSha256()).rejects.toThrow("not compiled");
  model.dispose();
});

describe("compile() refuses", () => {
  const wrong = (value: unknown) => value as never;
  test.each<[Parameters<Sequential["compile"]>[0], string]>([
    [{ seed: -1 }, "compile: seed is -1, expected a whole number >= 0. Write: model.compile({ seed: 1 })"],
    [{ seed: 1.5 }, "seed is 1.5, expected a whole number"],
    [{ seed: 2 ** 53 }, "seed is 9007199254740992, expected a whole number"],
    [
      { metrics: wrong(["aucs"]) },
      "metrics: no metric is called 'aucs', expected some of accuracy, categoricalAccuracy, sparseCategoricalAccuracy, binaryAccuracy, topKCategoricalAccuracy",
    ],
    [
      { metrics: wrong("accuracy") },
      'compile: metrics is "accuracy", expected a list of metrics\' names and of what defineMetric() gave. Write: model.compile({ metrics: ["accuracy"] })',
    ],
    [
      { optimizer: wrong("ftrl") },
      'optimizer is "ftrl", expected an optimizer such as adam(), or one of sgd, rmsprop, adam, adamw, adagrad',
    ],
    [{ loss: wrong("triplet") }, 'loss is "triplet", expected one of categoricalCrossentropy'],
    [
      { backend: wrong("webgl") },
      'backend is "webgl", expected one of auto, scalar, simd, wide, relaxed, relaxed-wide',
    ],
    [{ threads: 0 }, "threads is 0, expected a whole number from 1 to 256"],
    [{ threads: 1000 }, "threads is 1000, expected a whole number from 1 to 256"],
    [
      { preprocessing: { scale: Number.NaN } },
      "compile: preprocessing: scale is NaN, expected a finite number",
    ],
    [
      { optimizer: wrong(adam) },
      'optimizer is the function adam, expected an optimizer such as adam(), or one of sgd, rmsprop, adam, adamw, adagrad, adadelta, adamax, nadam, lion. Write: model.compile({ optimizer: "adam" })',
    ],
    [
      { optimizer: wrong("Adam"), loss: wrong("mse") },
      'Write: model.compile({ optimizer: "adam", loss: "meanSquaredError" })',
    ],
    [
      { loss: wrong("sparse_categorical_crossentropy") },
      'Write: model.compile({ loss: "sparseCategoricalCrossentropy" })',
    ],
    [
      wrong({ learningRate: 0.1 }),
      'compile: no option is called "learningRate": it belongs into adam({ learningRate: 0.001 })',
    ],
    [{ seed: wrong("7") }, 'seed is "7", expected a whole number >= 0. Write: model.compile({ seed: 7 })'],
    [{ threads: wrong(null) }, "threads is null, expected a whole number from 1 to 256. Write: "],
    [wrong("adam"), 'compile: got "adam", expected an object of options. Write: model.compile()'],
  ])("%j", async (options, message) => {
    const model = await modelOf(layers());
    const before = await model.weightsSha256();
    await expect(
      (async () => {
        await model.compile(options);
      })(),
    ).rejects.toThrow(message);
    expect(await model.weightsSha256(), "the earlier state is kept").toBe(before);
  });
});

test("preprocessing: bytes become pixel * scale + offset, floats stay as they are", async () => {
  const options = { loss: "meanSquaredError", preprocessing: { scale: 0.5, offset: -3 } } as const;
  const model = await modelOf([dense({ units: 2, inputShape: [3] })], options);
  const bytes = Uint8Array.of(0, 1, 255, 128, 7, 64);
  const floats = Float32Array.from(bytes, (v) => v * 0.5 - 3);
  expect(await model.predict(bytes)).toEqual(await model.predict(floats));
  const standard = await modelOf([dense({ units: 2, inputShape: [3] })], { loss: "meanSquaredError" });
  const scaled = Float32Array.from(bytes, (v) => Math.fround(v * Math.fround(1 / 255)));
  expect(await standard.predict(bytes)).toEqual(await standard.predict(scaled));
});

describe("splitSamples and slice", () => {
  const samples: PlainSamples = {
    images: Float32Array.from({ length: 20 }, (_, i) => i),
    count: 10,
    shape: [2],
    labels: Uint8Array.from({ length: 10 }, (_, i) => i),
    targets: Float32Array.from({ length: 30 }, (_, i) => i),
  };

  test("give the first and the last part, without copying", () => {
    const [first, last] = splitSamples(samples, 0.3);
    expect([first.count, last.count]).toEqual([7, 3]);
    expect([...last.images]).toEqual([14, 15, 16, 17, 18, 19]);
    expect([...last.labels!]).toEqual([7, 8, 9]);
    expect([...last.targets!]).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect([...first.images]).toEqual(Array.from({ length: 14 }, (_, i) => i));
    for (const part of [first, last]) {
      expect(part.images.buffer).toBe(samples.images.buffer);
      const ports = (size: number) => ({
        inputs: [{ name: "x", shape: [2] }],
        outputs: [{ name: "y", shape: [size] }],
      });
      const { labels, targets, ...bare } = part;
      expect(() => checkSamples({ ...bare, targets: targets! }, ports(3), "fit")).not.toThrow();
      expect(() => checkSamples({ ...bare, labels: labels! }, ports(10), "fit")).not.toThrow();
    }
  });

  test("leave out what is not there", () => {
    expect(Object.keys(slice({ images: new Uint8Array(4), count: 2, shape: [2] }, 0, 1)).sort()).toEqual([
      "count",
      "images",
      "shape",
    ]);
  });

  // Keras: floor(n (1 - fraction)) samples are trained on, in doubles.
  test.each([
    [60_000, 0.2, 48_000],
    [7, 0.5, 3],
    [100, 0.29, 71],
    [3, 1 / 3, 2],
  ])("%i samples at %f: %i are trained on, as in Keras", (count, fraction, expected) => {
    const [first] = splitSamples({ images: new Uint8Array(count), count, shape: [1] }, fraction);
    expect(first.count).toBe(expected);
  });
});
