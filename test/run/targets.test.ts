import { describe, expect, onTestFinished, test, vi } from "vitest";
import { someOf } from "../../src/data/streamed.ts";
import type { Dataset, ImageSet } from "../../src/data/types.ts";
import { modelByName, modelOfData } from "../../src/run/build-model.ts";
import type { RunCheckpointInfo } from "../../src/run/checkpoint.ts";
import { checkRunConfig, figuresOf, type RunOptions, TARGETS } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import { wantedFor, withTargets } from "../../src/run/targets.ts";
import { bars } from "../cli/helpers.ts";

// Runs whose models give images: the images themselves, masks, numbers.

const dataset = { name: "bars", classNames: ["top", "middle", "bottom"], train: bars(60), test: bars(20) };
const UNIT = { scale: 1 / 255, offset: 0 };

describe("withTargets", () => {
  test("images are their own answers, scaled as the model sees them", () => {
    const { train, answers } = withTargets(dataset, {
      targets: "images",
      preprocessing: { scale: 1 / 127.5, offset: -1 },
    });
    expect(answers).toEqual({ kind: "numbers", shape: [8, 8, 1], range: [-1, 1] });
    expect(Array.from(train.targets!)).toEqual(
      Array.from(dataset.train.images, (byte) => Math.fround(byte / 127.5 - 1)),
    );
    expect("labels" in train).toBe(false);
  });

  test("images that are too large as floats are refused before any is made", () => {
    const large = (count: number) => ({
      ...dataset.test,
      images: { length: count * 64 } as unknown as Uint8Array,
      count,
    });
    const images = (sets: Partial<Dataset>) =>
      withTargets({ ...dataset, ...sets }, { targets: "images", preprocessing: UNIT });
    expect(() => images({ train: large(2 ** 23) })).toThrow(
      'bars: 8388608 images of 8x8x1, as what a model is to give, take 2147483648 bytes of floats; the limit is 2147483647, 8388607 images. Take fewer by a setting, {"trainLimit": 8388607}, or make them smaller: {"imageSize": [64, 64]}.',
    );
    expect(() => images({ test: large(2 ** 24) })).toThrow('{"testLimit": 8388607}');
  });

  test("of one set that a model is tested on it alone is made, and advice is evaluate's", () => {
    const asked = { targets: "images", preprocessing: UNIT } as const;
    const large = {
      ...dataset.train,
      images: { length: 2 ** 23 * 64 } as unknown as Uint8Array,
      count: 2 ** 23,
    };
    const made = withTargets({ ...dataset, train: large, validation: large }, asked, "test");
    expect(made.train).toBe(large);
    expect(made.test.targets).toHaveLength(20 * 64);
    expect(withTargets({ ...dataset, test: large }, asked, "train").train.targets).toHaveLength(60 * 64);
    const ink = withTargets(dataset, { targets: "masks", preprocessing: UNIT }, "test");
    expect([ink.train, ink.test.labels.length]).toEqual([dataset.train, 20 * 64]);
    const refused = (whole: Dataset, targets: "images" | "numbers", split: "train" | "test") =>
      expect(() => withTargets(whole, { targets, preprocessing: UNIT }, split));
    refused({ ...dataset, train: large }, "images", "train").toThrow(
      /8388607 images\. Write: --split test\.$/,
    );
    refused({ ...dataset, test: large }, "images", "test").toThrow(
      /8388607 images\. Name a dataset with fewer test images: --dataset\.$/,
    );
    refused(dataset, "numbers", "test").toThrow(
      "bars has a class for each image, and the model gives numbers. Name a dataset of such: --dataset.",
    );
  });

  test("images that memory is lacking for are refused with what to do", () => {
    vi.stubGlobal(
      "Float32Array",
      class {
        constructor() {
          throw new RangeError("Array buffer allocation failed");
        }
      },
    );
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => withTargets(dataset, { targets: "images", preprocessing: UNIT })).toThrow(
      'bars: 60 images of 8x8x1, as what a model is to give, take 15360 bytes of floats; there is no memory for them. Take fewer by a setting, {"trainLimit": 30}',
    );
  });

  test("masks are of ink brighter than a half, of the image's class; 0 lies around", () => {
    const made = withTargets(dataset, { targets: "masks", preprocessing: UNIT });
    expect(made.classNames).toEqual(["background", "top", "middle", "bottom"]);
    const { images, labels } = dataset.train;
    expect(Array.from(made.train.labels)).toEqual(
      Array.from(images, (byte, i) => (byte > 127 ? 1 + labels[Math.floor(i / 64)]! : 0)),
    );
    expect(new Set(made.train.labels)).toEqual(new Set([0, 1, 2, 3]));
  });

  test("a dataset's own masks are taken as they are", () => {
    const own = withTargets(dataset, { targets: "masks", preprocessing: UNIT });
    expect(withTargets(own, { targets: "masks", preprocessing: UNIT })).toBe(own);
    expect(() => withTargets(own, { targets: undefined, preprocessing: UNIT })).toThrow(
      'bars has a mask of 8x8 classes for each image, and targets is "labels". Write: --targets masks, in a file of settings {"targets": "masks"}.',
    );
  });

  test("what a dataset has not is refused", () => {
    expect(() => withTargets(dataset, { targets: "numbers", preprocessing: UNIT })).toThrow(
      'bars has a class for each image, and targets is "numbers". Write: --targets images',
    );
    const set = { ...dataset.train, images: new Uint8Array(60 * 192), shape: [8, 8, 3] as const };
    expect(() =>
      withTargets({ ...dataset, train: set, test: set }, { targets: "masks", preprocessing: UNIT }),
    ).toThrow("its images have 3 channels, of which none tells ink from what lies around");
  });
});

const ofNumbers = (shape: readonly number[], at: (i: number) => number): Dataset => {
  const set = ({ images, count, shape: size }: ImageSet) => {
    const targets = Float32Array.from({ length: count * shape.reduce((a, b) => a * b) }, (_, i) => at(i));
    return { images, targets, count, shape: size } as unknown as ImageSet;
  };
  const answers = { kind: "numbers", shape } as const;
  return { ...dataset, classNames: [], answers, train: set(dataset.train), test: set(dataset.test) };
};

describe("the usual model", () => {
  const endingOf = (name: string, whole: Dataset) =>
    (
      modelByName(name, whole.train.shape, wantedFor(whole)).toConfig().layers.at(-1) as {
        activation?: string;
      }
    ).activation ?? "linear";

  test.each([
    ["autoencoder", 1 / 255, 0, "sigmoid"],
    ["autoencoder", 1 / 127.5, -1, "linear"],
    ["unet", 1 / 127.5, -1, "linear"],
    ["unet", 2 / 255, 0, "linear"],
  ])("%s of images times %f, plus %f ends with %s", (name, scale, offset, ending) => {
    const whole = withTargets(dataset, { targets: "images", preprocessing: { scale, offset } });
    expect(endingOf(name, whole)).toBe(ending);
  });

  test.each<[string, string, readonly number[], (i: number) => number]>([
    ["linear", "mlp", [3], (i) => i - 20],
    ["linear", "resnet8", [1], (i) => 1 + i],
    ["sigmoid", "mlp", [1], (i) => (i % 5) / 4],
    ["sigmoid", "mlp", [3], (i) => (i % 5) / 4],
    // Shares of classes, for crossentropy.
    ["softmax", "mlp", [3], (i) => [0.2, 0.7, 0.1][i % 3]!],
    ["linear", "autoencoder", [8, 8, 1], (i) => i % 300],
    ["sigmoid", "autoencoder", [8, 8, 1], (i) => (i % 7) / 6],
  ])("ends with %s: %s of numbers of shape %j", (ending, name, shape, at) => {
    expect(endingOf(name, ofNumbers(shape, at))).toBe(ending);
  });

  test("is asked for before a number is looked at, of images never", () => {
    const whole = withTargets(dataset, {
      targets: "images",
      preprocessing: { scale: -1 / 127.5, offset: 1 },
    });
    const unread = (of: Dataset) => {
      const seen = vi.fn();
      const train = {
        ...of.train,
        get targets() {
          seen();
          return of.train.targets!;
        },
      } as ImageSet;
      return { whole: { ...of, train }, seen };
    };
    const images = unread(whole);
    expect(endingOf("autoencoder", images.whole)).toBe("linear");
    expect(images.seen).not.toHaveBeenCalled();
    const numbers = unread(ofNumbers([8, 8, 1], (i) => i));
    const layers = [{ type: "conv2d", filters: 1, kernelSize: 1 }];
    modelOfData({ layers })(whole.train.shape, wantedFor(numbers.whole));
    expect(numbers.seen).not.toHaveBeenCalled();
    expect(endingOf("autoencoder", numbers.whole)).toBe("linear");
    expect(numbers.seen).toHaveBeenCalled();
  });

  test("learns numbers that a sigmoid cannot reach", async () => {
    const labels = dataset.train.labels;
    const whole = ofNumbers([1], (i) => 10 * labels[i % labels.length]! - 5);
    const options = { ...small, targets: "numbers", model: "mlp", epochs: 30 } as const;
    const { result, metadata, learner } = await run(options, { dataset: whole });
    learner.dispose();
    expect(metadata.range).toEqual([-5, 15]);
    // What a sigmoid misses at least, of -5, 5 and 15.
    expect(result.history.at(-1)!.loss).toBeLessThan((5 ** 2 + 4 ** 2 + 14 ** 2) / 3);
  });

  test("layers of another shape are told the end that reaches the numbers", () => {
    const whole = withTargets(dataset, {
      targets: "images",
      preprocessing: { scale: 1 / 127.5, offset: -1 },
    });
    const layers = [{ type: "conv2d", filters: 2, kernelSize: 1 }];
    expect(() => modelOfData({ layers })(whole.train.shape, wantedFor(whole))).toThrow(
      '{"type": "conv2d", "filters": 1, "kernelSize": 1, "activation": "linear"}',
    );
  });
});

describe("settings", () => {
  test("what is left out follows from targets", () => {
    const usual = (options: RunOptions) => {
      const { model, loss, restoreBest, validationFrom } = checkRunConfig({ dataset: "folder", ...options });
      return [model, loss, restoreBest, validationFrom];
    };
    expect(usual({})).toEqual(["keras-mnist", "categoricalCrossentropy", "val_accuracy", "stratified"]);
    expect(usual({ targets: "images" })).toEqual(["autoencoder", "meanSquaredError", "val_loss", "shuffled"]);
    expect(usual({ targets: "masks" })).toEqual([
      "unet",
      "categoricalCrossentropy",
      "val_meanIoU",
      "shuffled",
    ]);
    expect(usual({ targets: "numbers", model: "mlp" })).toEqual([
      "mlp",
      "meanSquaredError",
      "val_loss",
      "shuffled",
    ]);
    expect(usual({ targets: "images", loss: "binaryCrossentropy", model: undefined })[1]).toBe(
      "binaryCrossentropy",
    );
  });

  test("any figure of a run may choose the epoch that is kept", () => {
    for (const targets of TARGETS)
      for (const loss of [undefined, "meanAbsoluteError", "meanSquaredError", "huber"] as const)
        for (const figure of figuresOf(checkRunConfig({ targets, loss })))
          for (const restoreBest of [figure, `val_${figure}`] as const)
            expect(checkRunConfig({ targets, loss, restoreBest }).restoreBest).toBe(restoreBest);
  });

  test.each<[RunOptions, string]>([
    [{ targets: "mask" as "masks" }, 'Write: {"targets": "masks"}'],
    [
      { targets: "images", restoreBest: "val_accuracy" },
      "restoreBest is val_accuracy, but with targets images figures are loss, meanAbsoluteError",
    ],
    [
      { targets: "masks", validationFrom: "stratified" },
      "validationFrom is stratified, by classes of images, but with targets masks they have none: let it be shuffled",
    ],
    [{ targets: "images", classWeight: "balanced" }, "classWeight is for classes"],
    [
      { restoreBest: "val_meanIoU" },
      "restoreBest is val_meanIoU, but with targets labels figures are loss, accuracy",
    ],
    [
      { targets: "masks", callbacks: [{ name: "earlyStopping", monitor: "val_meanSquaredError" }] },
      'monitor is "val_meanSquaredError", expected one of loss, accuracy, meanIoU, val_loss, val_accuracy, val_meanIoU',
    ],
  ])("%j is refused", (options, said) => {
    expect(() => checkRunConfig(options)).toThrow(said);
  });
});

const small = { epochs: 2, batchSize: 16, threads: 1 };
const images = {
  ...small,
  targets: "images",
  model: {
    name: "small",
    layers: [
      { type: "conv2d", filters: 4, kernelSize: 3, padding: "same", activation: "relu" },
      { type: "conv2d", filters: 1, kernelSize: 3, padding: "same", activation: "sigmoid" },
    ],
  },
  loss: "binaryCrossentropy",
} as const satisfies RunOptions;
const masks = {
  ...small,
  targets: "masks",
  model: {
    layers: [
      { type: "conv2d", filters: 4, kernelSize: 3, padding: "same", activation: "relu" },
      { type: "conv2d", filters: 4, kernelSize: 1, activation: "softmax" },
    ],
  },
} as const satisfies RunOptions;

describe("run", () => {
  test("an autoencoder", async () => {
    const { result, test: tested, metadata, learner } = await run(images, { dataset });
    learner.dispose();
    expect(metadata).toMatchObject({ targets: "images", loss: "binaryCrossentropy" });
    expect(metadata.classNames).toBeUndefined();
    expect(Object.keys(result.history[0]!)).toEqual([
      "epoch",
      "loss",
      "meanAbsoluteError",
      "meanSquaredError",
      "val_loss",
      "val_meanAbsoluteError",
      "val_meanSquaredError",
    ]);
    expect(result.test).toEqual({
      loss: expect.any(Number),
      accuracy: undefined,
      meanAbsoluteError: expect.any(Number),
      meanSquaredError: expect.any(Number),
    });
    expect("confusionMatrix" in result).toBe(false);
    expect(tested!.images).toMatchObject({ kind: "numbers", by: "binary crossentropy", shape: [8, 8, 1] });
  });

  test("masks, also of weighed classes", async () => {
    for (const classWeight of [undefined, "balanced"] as const) {
      const { result, learner, verdict } = await run({ ...masks, classWeight }, { dataset });
      learner.dispose();
      const { test: tested, confusionMatrix, classNames } = result;
      expect(classNames).toHaveLength(4);
      expect(confusionMatrix!.flat().reduce((a, b) => a + b)).toBe(20 * 64);
      const known = tested!.iou!.filter((iou) => iou !== null);
      expect((tested as { meanIoU?: number }).meanIoU).toBeCloseTo(
        known.reduce((a, b) => a + b) / known.length,
        12,
      );
      expect(verdict?.kind).not.toBe("classes");
    }
  });

  test.each([
    ["images", images],
    ["masks", masks],
  ])("of %s goes on from its checkpoints to the same bits", async (_, settings) => {
    const handed: { bytes: Uint8Array<ArrayBuffer>; info: RunCheckpointInfo }[] = [];
    const whole = await run(settings, {
      dataset,
      onCheckpoint: (bytes, info) => void handed.push({ bytes, info }),
    });
    whole.learner.dispose();
    const again = await run({}, { dataset, resume: handed[0]!.bytes });
    again.learner.dispose();
    expect(handed[0]!.info.epoch).toBe(1);
    expect(again.result.weightsSha256).toBe(whole.result.weightsSha256);
    expect(again.result.test).toEqual(whole.result.test);
    const other = { ...dataset, test: bars(21) };
    await expect(run({}, { dataset: other, resume: handed[0]!.bytes })).rejects.toThrow("are not those");
  });

  test("begins with the weights of another one, with a head for as many classes of pixels", async () => {
    const first = await run(masks, { dataset });
    const { readModel } = await import("../../src/formats/model-file.ts");
    const from = readModel(await first.learner.save(first.metadata));
    first.learner.dispose();
    expect(from.metadata).toMatchObject({
      targets: "masks",
      classNames: ["background", "top", "middle", "bottom"],
    });
    const two = { ...dataset, classNames: ["top", "middle", "bottom", "nowhere"] };
    const second = await run({ ...small, targets: "masks" }, { dataset: two, from });
    second.learner.dispose();
    expect(second.learner.model.outputShape).toEqual([8, 8, 5]);
    expect(second.from!.taken).toEqual(["conv2d/kernel", "conv2d/bias"]);
  });

  test("begins with the weights of another one, with an end that reaches its answers", async () => {
    const { readModel } = await import("../../src/formats/model-file.ts");
    const still = { ...small, epochs: 1, optimizer: { name: "sgd", learningRate: 0 } } as const;
    const first = [{ type: "conv2d", filters: 1, kernelSize: 3, padding: "same" }, { type: "flatten" }];
    const flat = [...first, { type: "dense", units: 3 }];
    const dense = [...first, { type: "dense", units: 3, activation: "softmax" }];
    const kept = async (options: RunOptions, whole: Dataset) => {
      const { learner, metadata } = await run({ ...still, ...options }, { dataset: whole });
      const file = await learner.save(metadata);
      learner.dispose();
      return readModel(file);
    };
    const endOf = async (from: ReturnType<typeof readModel>, options: RunOptions, whole: Dataset) => {
      const { learner, from: taken } = await run({ ...still, ...options }, { dataset: whole, from });
      learner.dispose();
      const last = learner.model.toConfig().layers.at(-1) as { activation?: string };
      return [last.activation ?? "linear", learner.model.outputShape.at(-1), taken!.kept];
    };
    const beyond = ofNumbers([1], (i) => 10 * (i % 3) - 5);
    const numbers = { targets: "numbers" } as const;
    const head = ["dense/kernel", "dense/bias"];
    const byDense = await kept({ model: dense }, dataset);
    for (const last of [{ type: "softmax" }, { type: "activation", activation: "softmax" }]) {
      const apart = await kept({ model: [...flat, last] }, dataset);
      expect(await endOf(apart, numbers, beyond)).toEqual(["linear", 1, head]);
    }
    expect(await endOf(byDense, numbers, beyond)).toEqual(["linear", 1, head]);
    const tens = ofNumbers([3], (i) => 10 * i);
    expect(await endOf(byDense, numbers, tens)).toEqual(["linear", 3, []]);
    const shares = ofNumbers([3], (i) => [0.2, 0.7, 0.1][i % 3]!);
    expect(await endOf(byDense, numbers, shares)).toEqual(["softmax", 3, []]);
    // An activation of one's own stays, and so does what classes end with.
    const own = await kept(
      { ...numbers, model: [...first, { type: "dense", units: 1, activation: "tanh" }] },
      beyond,
    );
    expect(await endOf(own, numbers, beyond)).toEqual(["tanh", 1, []]);
    expect(await endOf(byDense, {}, dataset)).toEqual(["softmax", 3, []]);
    expect(await endOf(own, {}, dataset)).toEqual(["softmax", 3, head]);
    const logits = { loss: { name: "categoricalCrossentropy", fromLogits: true } } as const;
    expect(await endOf(own, logits, dataset)).toEqual(["linear", 3, head]);
    const told = { targets: "images", loss: { name: "binaryCrossentropy", fromLogits: true } } as const;
    const byMasks = await kept(masks, dataset);
    const lastConv = ["conv2d_1/kernel", "conv2d_1/bias"];
    expect(await endOf(byMasks, { targets: "images" }, dataset)).toEqual(["sigmoid", 1, lastConv]);
    expect(await endOf(byMasks, told, dataset)).toEqual(["linear", 1, lastConv]);
  });

  test("of limits has the first images, with the masks or numbers that they bring", async () => {
    const own = withTargets(dataset, { targets: "masks", preprocessing: UNIT });
    const remade = withTargets(dataset, { targets: "images", preprocessing: UNIT });
    for (const [settings, whole] of [
      [masks, own],
      [{ ...images, targets: "numbers" }, remade],
    ] as const) {
      const limits = { trainLimit: 30, testLimit: 7, epochs: 1 };
      const limited = await run({ ...settings, ...limits }, { dataset: whole });
      const few = (set: ImageSet, n: number) =>
        someOf(
          set,
          Uint32Array.from({ length: n }, (_, i) => i),
        );
      const first = { ...whole, train: few(whole.train, 30), test: few(whole.test, 7) };
      const expected = await run({ ...settings, epochs: 1 }, { dataset: first });
      limited.learner.dispose();
      expected.learner.dispose();
      expect(limited.result.weightsSha256).toBe(expected.result.weightsSha256);
      expect(limited.result.test).toEqual(expected.result.test);
      expect(limited.result.images).toEqual(expected.result.images);
    }
  });

  test("of a list of numbers names a model that gives one", async () => {
    const whole = ofNumbers([1], (i) => i);
    const asked = { ...small, targets: "numbers" } as const;
    await expect(run(asked, { dataset: whole })).rejects.toThrow(
      'model unet gives an image of 8x8x1 for an image, but the answers are 1 number. Write: {"model": "mlp"}, on the command line --model mlp',
    );
    const { learner } = await run({ ...asked, model: "mlp", epochs: 1 }, { dataset: whole });
    learner.dispose();
    await expect(run(small, { dataset: whole })).rejects.toThrow("bars has a number for each image, and");
  });

  test.each<[string, RunOptions, string]>([
    [
      "a classifier",
      { targets: "images", model: "mlp" },
      'model mlp gives a class for an image, but the answers are images of 8x8x1. Write: {"model": "autoencoder"}',
    ],
    [
      "an autoencoder for classes",
      { model: "autoencoder" },
      'model autoencoder gives an image of 8x8x3 for an image, but the answers are 3 classes. Write: {"targets": "images"}',
    ],
    [
      "layers that give another image",
      { targets: "masks", model: images.model },
      "gives an output of shape 8x8x1, but the answers are masks of 8x8 with 4 classes; end the model with one of shape 8x8x4",
    ],
  ])("refuses %s", async (_, options, said) => {
    await expect(run({ ...small, ...options }, { dataset })).rejects.toThrow(said);
  });
});
