import { describe, expect, onTestFinished, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import { LOSSES } from "../../src/losses/names.ts";
import { topKCategoricalAccuracy } from "../../src/metrics/make.ts";
import { activation, add, concatenate, conv2d, dense, flatten, input } from "../../src/model/layers/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import type { CompileOptions } from "../../src/train/compiled-options.ts";
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

/** Two inputs of one shape, and the same two in the other order. */
function turned(names: readonly ["a" | "b", "a" | "b"]): Model {
  const inputs = names.map((name) => input({ shape: [3], name }));
  return model({ inputs, outputs: dense({ units: 1 }).apply(concatenate().apply(inputs)) });
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

describe("several outputs", () => {
  /** The class that both inputs tell, and by how much the first number is above 0. */
  function twoOutputs(): Model {
    const [picture, numbers] = [
      input({ shape: [4, 4, 1], name: "picture" }),
      input({ shape: [3], name: "numbers" }),
    ];
    const both = concatenate().apply([flatten().apply(picture), numbers]);
    const hidden = dense({ units: 12, activation: "tanh" }).apply(both);
    return model({
      inputs: [picture, numbers],
      outputs: [
        dense({ units: 2, activation: "softmax", name: "class" }).apply(hidden),
        dense({ units: 1, name: "first" }).apply(hidden),
      ],
    });
  }
  const samplesOf = (count: number, seed: number): Samples => {
    const { labels, ...rest } = pairs(count, seed);
    const targets = Float32Array.from({ length: count }, (_, i) => rest.images[1][3 * i]!);
    return { ...rest, labels: [labels, undefined], targets: [undefined, targets] };
  };
  async function ready(options: CompileOptions = {}): Promise<Model> {
    const net = twoOutputs();
    await net.compile({
      threads: 1,
      optimizer: adam({ learningRate: 0.01 }),
      loss: { class: "categoricalCrossentropy", first: "meanSquaredError" },
      ...options,
    });
    onTestFinished(() => net.dispose());
    return net;
  }

  test("both are learned, and told by their names as in Keras", async () => {
    const net = await ready();
    const { history, trainCounts, validationCounts } = await net.fit(samplesOf(400, 1), {
      epochs: 30,
      batchSize: 16,
      validationSplit: 0.1,
      restoreBestWeights: "val_class_accuracy",
    });
    const names = ["loss", "class_loss", "first_loss", "class_accuracy"];
    expect(Object.keys(history)).toEqual([...names, ...names.map((name) => `val_${name}`)]);
    expect([...trainCounts!, ...validationCounts!].reduce((a, b) => a + b)).toBe(400);
    const test = samplesOf(100, 900);
    const figures = await net.evaluate(test, { batchSize: 33 });
    expect(figures.class_accuracy).toBeGreaterThan(0.85);
    expect(figures.first_loss).toBeLessThan(0.05);
    expect(Math.abs(figures.loss - figures.class_loss! - figures.first_loss!)).toBeLessThan(1e-6);
    const [classes, first] = await net.predict<Float32Array[]>(test);
    expect([classes!.length, first!.length]).toEqual([200, 100]);
    const wanted = (test.targets as Float32Array[])[1]!;
    const error = first!.reduce((sum, value, i) => sum + (value - wanted[i]!) ** 2, 0) / 100;
    expect(Math.abs(error - figures.first_loss!)).toBeLessThan(1e-5);
    const looks = await net.activations([
      (test.images as Uint8Array[])[0]!.subarray(0, 16),
      (test.images as Float32Array[])[1]!.subarray(0, 3),
    ]);
    expect(looks.find(({ name }) => name === "first")!.data[0]).toBe(first![0]);
  });

  test("a list and a record say the same; weights change what is trained, not what is told of an output", async () => {
    const samples = samplesOf(32, 1);
    const hashes = [];
    const losses = ["categoricalCrossentropy", "meanSquaredError"] as const;
    for (const options of [
      { loss: losses, lossWeights: [1, 0.25] },
      { lossWeights: { first: 0.25 } },
      { lossWeights: 1 },
      {},
    ]) {
      const net = await ready(options);
      const { loss, class_loss, first_loss } = await net.evaluate(samples);
      const { lossWeights = 1 } = options;
      expect(loss).toBeCloseTo(class_loss! + (lossWeights === 1 ? 1 : 0.25) * first_loss!, 6);
      await net.fit(samples, { epochs: 2 });
      hashes.push(await net.weightsSha256());
    }
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).toBe(hashes[3]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  test("metrics for all outputs, by a list of lists, or by their names; a record may leave some out", async () => {
    const samples = samplesOf(8, 1);
    const figures = async (metrics: CompileOptions["metrics"]) =>
      Object.keys(await (await ready({ metrics })).evaluate(samples)).slice(3);
    const top = topKCategoricalAccuracy({ k: 1, name: "top" });
    expect(await figures(undefined)).toEqual(["class_accuracy"]);
    expect(await figures([])).toEqual([]);
    expect(await figures(["meanSquaredError"])).toEqual(["class_meanSquaredError", "first_meanSquaredError"]);
    expect(await figures([["accuracy", top], ["meanAbsoluteError"]])).toEqual([
      "class_accuracy",
      "class_top",
      "first_meanAbsoluteError",
    ]);
    expect(await figures({ first: ["meanAbsoluteError"], class: [] })).toEqual(["first_meanAbsoluteError"]);
    expect(await figures({ first: ["meanAbsoluteError"] })).toEqual([
      "class_accuracy",
      "first_meanAbsoluteError",
    ]);
  });

  test("metrics of an output are of its own numbers, and can be watched", async () => {
    const net = await ready({ metrics: { first: ["meanAbsoluteError"] } });
    const samples = samplesOf(50, 3);
    const { history } = await net.fit(samples, {
      epochs: 2,
      validationSplit: 0.2,
      restoreBestWeights: "val_first_meanAbsoluteError",
    });
    expect(history.val_first_meanAbsoluteError).toHaveLength(2);
    const [, first] = await net.predict<Float32Array[]>(samples);
    const wanted = (samples.targets as Float32Array[])[1]!;
    const error = first!.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]!), 0) / 50;
    expect((await net.evaluate(samples)).first_meanAbsoluteError).toBeCloseTo(error, 6);
  });

  test("samples by name train, test and ask to the same bits as lists", async () => {
    const lists = samplesOf(60, 1);
    const [picture, numbers] = lists.images as [Uint8Array, Float32Array];
    const named: Samples = {
      images: { numbers, picture },
      shape: { numbers: [3], picture: [4, 4, 1] },
      count: 60,
      labels: { class: (lists.labels as Uint8Array[])[0]! },
      targets: { first: (lists.targets as Float32Array[])[1]! },
    };
    const results = [];
    for (const samples of [lists, named]) {
      const net = await ready();
      const { history } = await net.fit(samples, {
        epochs: 2,
        validationSplit: 0.25,
        validationFrom: "stratified",
      });
      const own = await net.fit(samples, { validationData: samples });
      results.push([
        history,
        own.history,
        await net.evaluate(samples),
        await net.predict(samples),
        await net.predict(samples.images as never),
        await net.activations(
          samples === named
            ? { numbers: numbers.subarray(0, 3), picture: picture.subarray(0, 16) }
            : [picture.subarray(0, 16), numbers.subarray(0, 3)],
        ),
        await net.weightsSha256(),
      ]);
    }
    expect(results[1]).toEqual(results[0]);
  });

  test("samples by name stay in a training's order when another model takes them in another", async () => {
    const samples = {
      images: { a: fixtureValues(60, 1, 1), b: fixtureValues(60, 2, 3) },
      shape: { a: [3], b: [3] },
      count: 20,
      targets: fixtureValues(20, 3, 1),
    };
    const results = [];
    for (const between of [false, true]) {
      const nets = [turned(["a", "b"]), turned(["b", "a"])] as const;
      for (const net of nets) {
        await net.compile({ loss: "meanSquaredError", threads: 1 });
        onTestFinished(() => net.dispose());
      }
      const training = nets[0].training(samples, { batchSize: 5 });
      while (await training.step()) if (between) await nets[1].evaluate(samples);
      results.push(await nets[0].weightsSha256());
    }
    expect(results[1]).toBe(results[0]);
  });

  test("any number of threads: the same bits", async () => {
    const hashes = new Set<string>();
    for (const threads of [1, 3]) {
      const net = await ready({ threads });
      await net.fit(samplesOf(100, 1), { epochs: 3 });
      hashes.add(await net.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  });

  test("a file keeps the losses by name", async () => {
    const net = await ready();
    const samples = samplesOf(20, 5);
    const loss = { class: "categoricalCrossentropy", first: "meanSquaredError" } as const;
    const { model: loaded, metadata } = readModel(saveModel(net, { loss }));
    expect(metadata.loss).toEqual(loss);
    await loaded.compile({ threads: 1 });
    onTestFinished(() => loaded.dispose());
    expect(await loaded.evaluate(samples)).toEqual(await net.evaluate(samples));
    expect(await loaded.predict(samples)).toEqual(await net.predict(samples));
    expect(() => saveModel(net, { loss: { class: "mse" } as never })).toThrow(
      /loss is .* expected one of .*; of several outputs a list/,
    );
  });

  test.each([{ first: 0.25 }, [1, 0.25], 0.25])(
    "a file keeps the losses' weights: %j",
    async (lossWeights) => {
      const loss = { class: "categoricalCrossentropy", first: "meanSquaredError" } as const;
      const net = await ready({ lossWeights });
      const samples = samplesOf(20, 5);
      const { model: loaded, metadata } = readModel(saveModel(net, { loss, lossWeights }));
      expect(metadata.lossWeights).toEqual(lossWeights);
      await loaded.compile({ threads: 1 });
      onTestFinished(() => loaded.dispose());
      expect(await loaded.evaluate(samples)).toEqual(await net.evaluate(samples));
      // One that is given wins; a file without them has 1, as before.
      await loaded.compile({ threads: 1, lossWeights: 2 });
      const { loss: doubled, class_loss, first_loss } = await loaded.evaluate(samples);
      expect(doubled).toBeCloseTo(2 * (class_loss! + first_loss!), 5);
      const { model: plain, metadata: without } = readModel(saveModel(net, { loss }));
      expect(without).not.toHaveProperty("lossWeights");
      await plain.compile({ threads: 1 });
      onTestFinished(() => plain.dispose());
      expect((await plain.evaluate(samples)).loss).toBeCloseTo(class_loss! + first_loss!, 5);
    },
  );

  test("weights that are none are kept in no file, and those for no output are refused when it is compiled", async () => {
    const net = await ready();
    expect(() => saveModel(net, { lossWeights: "1" as never })).toThrow(
      /lossWeights is "1", expected a number, a list, or a record by the names of outputs/,
    );
    expect(() => saveModel(net, { lossWeights: { first: Number.NaN } })).toThrow(
      /lossWeights is an object, expected a number, a list, or a record by the names of outputs/,
    );
    const { model: loaded } = readModel(saveModel(net, { lossWeights: { last: 2 } }));
    await expect(loaded.compile()).rejects.toThrow(/^lossWeights: no output is called "last"/);
  });

  test.each<[string, CompileOptions, string]>([
    [
      "one that does not fit all",
      { loss: "categoricalCrossentropy" },
      "layer 'first': loss categoricalCrossentropy got one output, expected one a class; use binaryCrossentropy, or an output for each class",
    ],
    [
      "a name that no output has",
      { loss: { class: "categoricalCrossentropy", frist: "meanSquaredError" } },
      'loss: no output is called "frist", expected class, first. Write: loss: { class: "categoricalCrossentropy", first: "meanSquaredError" }',
    ],
    [
      "one that is missing",
      { loss: { class: "categoricalCrossentropy" } },
      `loss of output "first" is missing, expected one of ${LOSSES.join(", ")}, { name, … } with options of it, or what defineLoss() gave. Write: loss: { class: "categoricalCrossentropy", first: "meanSquaredError" }`,
    ],
    [
      "a list that is too short",
      { loss: ["categoricalCrossentropy"] },
      'loss is a list of 1, expected one for each output. Write: loss: { class: "categoricalCrossentropy", first: "meanSquaredError" }',
    ],
    [
      "a weight that is no number",
      { lossWeights: { first: "1" as never } },
      'lossWeights of output "first" is "1", expected a finite number. Write: lossWeights: { class: 1, first: 1 }',
    ],
    [
      "a weight of nobody",
      { lossWeights: { last: 2 } },
      'lossWeights: no output is called "last", expected class, first. Write: lossWeights: { class: 1, first: 1 }',
    ],
    [
      "metrics of nobody",
      { metrics: { class: ["accuracy"], frist: [] } },
      'metrics: no output is called "frist", expected class, first. Write: metrics: { class: ["accuracy"], first: [] }',
    ],
    [
      "metrics that are no list",
      { metrics: { class: "accuracy" as never } },
      'metrics of output "class" is "accuracy", expected a list of metrics\' names and of what defineMetric() gave. Write: metrics: { class: ["accuracy"], first: [] }',
    ],
    [
      "lists of metrics for one of two",
      { metrics: [["meanSquaredError"]] },
      'metrics is a list of 1, expected one for each output. Write: metrics: { class: ["meanSquaredError"], first: [] }',
    ],
    [
      "a weight for one of two",
      { lossWeights: [2] },
      "lossWeights is a list of 1, expected one for each output. Write: lossWeights: { class: 2, first: 1 }",
    ],
  ])("%s is refused with what to write", async (_, options, message) => {
    const made = ready(options);
    await expect(made).rejects.toThrow(ModelError);
    const error: Error = await made.then(
      () => Promise.reject(),
      (thrown) => thrown,
    );
    expect(error.message).toBe(message);
  });

  test("a model whose outputs are one", async () => {
    const x = input({ shape: [2] });
    const y = dense({ units: 1, name: "y" }).apply(x);
    const net = model({ inputs: x, outputs: [y, y] });
    await expect(net.compile({ loss: "meanSquaredError" })).rejects.toThrow(
      new ModelError(
        'is an output twice, expected each once; give one through a layer more. Write: activation({ activation: "linear" }).apply(y)',
        "y",
      ),
    );
  });

  test("one number through a layer more is an output twice, and trained as one whose loss counts double", async () => {
    const x = input({ shape: [2] });
    const y = dense({ units: 1, name: "y" }).apply(x);
    const samples = { images: Float32Array.of(1, 2, 3, 4), shape: [2], count: 2 };
    const targets = Float32Array.of(0.5, -1);
    const hashes = [];
    for (const outputs of [[y, activation({ activation: "linear" }).apply(y)], [y]]) {
      const net = model({ inputs: x, outputs });
      const several = outputs.length > 1;
      await net.compile({
        threads: 1,
        loss: "meanSquaredError",
        lossWeights: several ? 1 : 2,
        optimizer: sgd({ learningRate: 0.125 }),
      });
      onTestFinished(() => net.dispose());
      await net.fit({ ...samples, targets: several ? [targets, targets] : targets }, { epochs: 3 });
      hashes.push(await net.weightsSha256());
    }
    expect(hashes[0]).toBe(hashes[1]);
  });
});
