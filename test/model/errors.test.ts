import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { checkLoss } from "../../src/losses/check-loss.ts";
import type { LossName } from "../../src/losses/names.ts";
import {
  activation,
  averagePooling2d,
  conv2d,
  dense,
  dropout,
  elu,
  flatten,
  globalAveragePooling2d,
  type Layer,
  leakyRelu,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { namedModel } from "../../src/model/models.ts";
import { createModel } from "../../src/train/named.ts";
import { sequential } from "../../src/train/sequential.ts";

/** What no caller in TypeScript can pass, but one in JavaScript can. */
// biome-ignore lint/suspicious/noExplicitAny: stands for any wrong value
const wrong = (value: unknown): any => value;

/** What a layer function, or the building of the model, throws. */
function errorOf(layers: () => readonly Layer[]): ModelError {
  try {
    sequential(layers());
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).name).toBe("ModelError");
    return error as ModelError;
  }
  throw new Error("the model was built, expected a ModelError");
}

const image = { inputShape: [8, 9, 2] };
const ok = conv2d({ filters: 2, kernelSize: 3, name: "ok", ...image }); // gives (6, 7, 2)
const at = { name: "bad" };

// Each message names the layer, what was got and what was expected.
describe("a layer that does not fit", () => {
  test.each<[Layer, string]>([
    [
      conv2d({ filters: 2, kernelSize: 7, ...at }),
      'got an input of shape (6, 7, 2), but kernelSize 7x7 spans 7 rows; use a smaller kernelSize or padding: "same"',
    ],
    [
      conv2d({ filters: 2, kernelSize: [2, 3], dilationRate: 4, ...at }),
      'got an input of shape (6, 7, 2), but kernelSize 2x3 spans 9 columns; use a smaller kernelSize or padding: "same"',
    ],
    [
      maxPooling2d({ poolSize: [2, 8], ...at }),
      'got an input of shape (6, 7, 2), but poolSize 2x8 spans 8 columns; use a smaller poolSize or padding: "same"',
    ],
    [
      averagePooling2d({ poolSize: 7, ...at }),
      'got an input of shape (6, 7, 2), but poolSize 7x7 spans 7 rows; use a smaller poolSize or padding: "same"',
    ],
    [
      dense({ units: 3, inputShape: [42], ...at }),
      "inputShape is (42,), but the layer before it gives (6, 7, 2)",
    ],
  ])("after a convolution: %o", (layer, message) => {
    const error = errorOf(() => [ok, layer]);
    expect(error.message).toBe(`layer 'bad': ${message}`);
    expect(error.layer).toBe("bad");
  });

  test.each<[Layer]>([
    [conv2d({ filters: 2, kernelSize: 3, ...at })],
    [maxPooling2d(at)],
    [averagePooling2d(at)],
    [globalAveragePooling2d(at)],
  ])("image layers after flatten(): %o", (layer) => {
    expect(errorOf(() => [ok, flatten(), layer]).message).toBe(
      "layer 'bad': got an input of shape (84,), expected an image (height, width, channels)",
    );
  });

  test("one without a given name is named by its place", () => {
    expect(errorOf(() => [ok, conv2d({ filters: 2, kernelSize: 9 })]).layer).toBe("conv2d");
    expect(errorOf(() => [ok, maxPooling2d(), maxPooling2d({ poolSize: 5 })]).layer).toBe("maxPooling2d_1");
  });
});

// A layer function checks its options where it is called: the message ends with the line to write.
describe("an option out of range", () => {
  const conv = { filters: 2, kernelSize: 5, name: "bad" };
  const initializers =
    "one of zeros, ones, glorotUniform, glorotNormal, heUniform, heNormal, lecunUniform, lecunNormal, randomUniform, randomNormal, truncatedNormal, orthogonal, identity, constant({ value }) or { type, ... }";
  const activations =
    "one of linear, relu, leakyRelu, elu, sigmoid, tanh, softmax, relu6, silu, swish, gelu, geluApproximate, softplus, softsign, selu, hardSigmoid, hardSilu, hardSwish, exponential, mish";
  const pair = "a whole number >= 1, or two: [height, width]";
  const size = (key: string, value: unknown, shown: string, line: string) =>
    [
      () => conv2d({ ...conv, [key]: value }),
      `${key} is ${shown}, expected ${pair}. Write: ${line}`,
    ] as const;
  const asWritten = (changed: string) => `conv2d({ ${changed} })`;

  test.each<readonly [() => Layer, string]>([
    [
      () => conv2d({ ...conv, filters: 0 }),
      'filters is 0, expected a whole number >= 1. Write: conv2d({ filters: 32, kernelSize: 5, name: "bad" })',
    ],
    [() => conv2d({ ...conv, filters: 2.5 }), "filters is 2.5, expected a whole number >= 1. Write: "],
    [
      () => conv2d({ ...conv, filters: wrong("2") }),
      'filters is "2", expected a whole number >= 1. Write: conv2d({ filters: 2, kernelSize: 5, name: "bad" })',
    ],
    [
      () => conv2d(wrong({ kernelSize: 5, name: "bad" })),
      'filters is missing, expected a whole number >= 1. Write: conv2d({ kernelSize: 5, name: "bad", filters: 32 })',
    ],
    [
      () => conv2d({ ...conv, filters: wrong(undefined) }),
      "filters is missing, expected a whole number >= 1",
    ],
    [() => conv2d({ ...conv, filters: wrong(null) }), "filters is null, expected a whole number >= 1"],
    [() => conv2d({ ...conv, filters: wrong([2]) }), "filters is [2], expected a whole number >= 1"],
    [() => conv2d({ ...conv, filters: wrong(2n) }), "filters is 2n, expected a whole number >= 1"],
    size("kernelSize", 0, "0", asWritten('filters: 2, kernelSize: 3, name: "bad"')),
    size("kernelSize", [3, -1], "[3, -1]", asWritten('filters: 2, kernelSize: 3, name: "bad"')),
    size("kernelSize", [3], "[3]", "conv2d("),
    size("kernelSize", "3x3", '"3x3"', "conv2d("),
    size("kernelSize", "7", '"7"', asWritten('filters: 2, kernelSize: 7, name: "bad"')),
    size("kernelSize", {}, "an object", "conv2d("),
    size("kernelSize", [1, 2, 3], "[1, 2, 3]", "conv2d("),
    size("kernelSize", [[[3]], 3], "[[…], 3]", "conv2d("),
    size("strides", 0, "0", asWritten('filters: 2, kernelSize: 5, name: "bad", strides: 1')),
    size("strides", [1, 1.5], "[1, 1.5]", "conv2d("),
    size("dilationRate", 0, "0", "conv2d("),
    [
      () => conv2d({ ...conv, padding: wrong("full") }),
      'padding is "full", expected one of valid, same. Write: ',
    ],
    [
      () => conv2d({ ...conv, padding: wrong("SAME") }),
      'padding is "SAME", expected one of valid, same. Write: conv2d({ filters: 2, kernelSize: 5, name: "bad", padding: "same" })',
    ],
    [() => conv2d({ ...conv, activation: wrong("glu") }), `activation is "glu", expected ${activations}`],
    [() => conv2d({ ...conv, useBias: wrong("false") }), 'useBias is "false", expected true or false'],
    [
      () => conv2d({ ...conv, kernelInitializer: wrong("he_normal") }),
      `kernelInitializer is "he_normal", expected ${initializers}. Write: conv2d({ filters: 2, kernelSize: 5, name: "bad", kernelInitializer: "heNormal" })`,
    ],
    [
      () => conv2d({ ...conv, biasInitializer: wrong(0) }),
      `biasInitializer is 0, expected ${initializers}. Write: `,
    ],
    ...[
      { value: 1 },
      { type: "ones", value: 1 },
      { type: "constant", value: 1e39 },
      { type: "constant" },
    ].map(
      (given) =>
        [
          () => dense({ units: 1, biasInitializer: wrong(given), ...at }),
          `biasInitializer is an object, expected ${initializers}. Write: `,
        ] as const,
    ),
    [
      () => maxPooling2d({ poolSize: 0, ...at }),
      `poolSize is 0, expected ${pair}. Write: maxPooling2d({ poolSize: 2, name: "bad" })`,
    ],
    [() => maxPooling2d({ strides: -1, ...at }), `strides is -1, expected ${pair}`],
    [
      () => dense({ units: 0, ...at }),
      'units is 0, expected a whole number >= 1. Write: dense({ units: 10, name: "bad" })',
    ],
    [() => dense({ units: Number.NaN, ...at }), "units is NaN, expected a whole number >= 1"],
    [
      () => dense({ units: 1, activation: wrong("ReLU"), ...at }),
      `activation is "ReLU", expected ${activations}. Write: dense({ units: 1, activation: "relu", name: "bad" })`,
    ],
    [
      () => dropout({ rate: 1, ...at }),
      'rate is 1, expected a number >= 0 and < 1. Write: dropout({ rate: 0.5, name: "bad" })',
    ],
    [() => dropout({ rate: -0.1, ...at }), "rate is -0.1, expected a number >= 0 and < 1"],
    [
      () => dropout({ rate: wrong("0.25"), ...at }),
      'rate is "0.25", expected a number >= 0 and < 1. Write: dropout({ rate: 0.25, name: "bad" })',
    ],
    [() => leakyRelu({ alpha: -0.1, ...at }), "alpha is -0.1, expected a number >= 0"],
    [() => elu({ alpha: Number.NaN, ...at }), "alpha is NaN, expected a number >= 0"],
    [
      () => activation({ activation: wrong(undefined), ...at }),
      `activation is missing, expected ${activations}. Write: activation({ name: "bad", activation: "relu" })`,
    ],
    [
      () => flatten({ inputShape: wrong(784), ...at }),
      "inputShape is 784, expected whole numbers >= 1, [height, width, channels] for images. Write: flatten(",
    ],
    [
      () => flatten({ inputShape: [28, 0, 1], ...at }),
      "inputShape is [28, 0, 1], expected whole numbers >= 1",
    ],
    [() => flatten({ inputShape: [], ...at }), "inputShape is [], expected whole numbers >= 1"],
  ])("case %#", (layer, message) => {
    const error = errorOf(() => [layer()]);
    expect(error.message.slice(0, message.length + 13)).toBe(`layer 'bad': ${message}`);
    expect(error.layer).toBe("bad");
  });

  test("an object is asked for where numbers came, as in Keras", () => {
    expect(errorOf(() => [wrong(dense)(10)]).message).toBe(
      "dense: got 10, expected an object of options. Write: dense({ units: 10 })",
    );
    expect(errorOf(() => [wrong(flatten)(null)]).message).toBe(
      "flatten: got null, expected an object of options. Write: flatten()",
    );
    expect(errorOf(() => [dense({ units: 1, name: "" })]).message).toBe(
      "layer '': name is \"\", expected a name without '/'. Write: dense({ units: 1, name: \"first\" })",
    );
    expect(errorOf(() => [dense({ units: 1, name: "a/b" })]).message).toMatch(
      /name is "a\/b", expected a name/,
    );
    expect(errorOf(() => [dense({ units: 1, name: wrong(1) })]).message).toMatch(
      /^dense: name is 1, expected a/,
    );
  });
});

describe("a chain that is no model", () => {
  test.each<[string, readonly Layer[], string]>([
    ["no layer", [], "a model needs at least one layer"],
    [
      "no inputShape",
      [dense({ units: 2 })],
      "layer 'dense': the first layer needs inputShape: [height, width, channels]",
    ],
    [
      "no parameters",
      [flatten({ inputShape: [3, 3, 1] })],
      "the model has no parameters: there is nothing to train",
    ],
    [
      "two equal names",
      [dense({ units: 2, inputShape: [3], name: "a" }), dense({ units: 2, name: "a" })],
      "two layers are named 'a': names must differ",
    ],
    [
      "no list",
      wrong(ok),
      "got an object, expected a list. Write: sequential([flatten(), dense({ units: 10 })])",
    ],
    [
      "a function that was not called",
      [ok, wrong(flatten)],
      "layer 2 is the function flatten, expected what a layer function gives. Write: flatten()",
    ],
    [
      "a gap",
      [ok, wrong(undefined)],
      "layer 2 is undefined, expected what a layer function gives such as flatten()",
    ],
    [
      "plain data",
      [wrong({ type: "dense", units: 3 })],
      "layer 1 is an object, expected what a layer function gives such as flatten(); layersFromConfig() makes layers of plain data",
    ],
    [
      "a layer with another inputShape put in",
      [{ ...flatten(), inputShape: wrong("28x28") }],
      'layer 1: inputShape is "28x28", expected whole numbers >= 1, [height, width, channels] for images. Write: { inputShape: [28, 28, 1] }',
    ],
  ])("%s", (_, layers, message) => {
    expect(errorOf(() => layers).message).toBe(message);
  });

  test("an unknown model name names those there are", () => {
    const all =
      "expected one of keras-mnist, lenet5, mlp, vgg, conv-gap, resnet20, resnet8, inception, autoencoder, unet";
    expect(() => namedModel("perceptron", [28, 28, 1], 10)).toThrow(
      new ModelError(`no model is named "perceptron": ${all}`),
    );
    expect(() => namedModel("Keras_MNIST", [28, 28, 1], 10)).toThrow(
      new ModelError(`no model is named "Keras_MNIST": ${all}. Did you mean keras-mnist?`),
    );
    expect(() => namedModel("toString", [28, 28, 1], 10)).toThrow(ModelError);
  });

  test.each<[string, number[], string]>([
    ["keras-mnist", [8, 8, 1], "mlp, vgg, conv-gap"],
    ["lenet5", [8, 8, 3], "mlp, vgg, conv-gap"],
    ["vgg", [7, 20, 1], "mlp, conv-gap"],
    ["conv-gap", [784], "mlp"],
  ])("%s refuses inputs of %j, and names the models that take them", (name, shape, fitting) => {
    expect(() => namedModel(name, shape, 3)).toThrow(
      new ModelError(`model ${name} cannot take inputs of ${shape.join("x")}; those that can: ${fitting}`),
    );
    for (const other of fitting.split(", ")) createModel(other, shape, 3);
  });

  test("a shape that no model takes is refused for what is wrong with it", () => {
    expect(() => namedModel("mlp", [0], 3)).toThrow(/inputShape is \[0\], expected whole numbers/);
  });
});

describe("a loss that does not fit the model", () => {
  const graphOf = (...layers: Layer[]) => sequential(layers).graph;
  const linear = graphOf(dense({ units: 3, inputShape: [4], name: "last" }));
  const sigmoid = graphOf(dense({ units: 3, inputShape: [4], activation: "sigmoid" }));
  const softmax = graphOf(dense({ units: 3, inputShape: [4] }), activation({ activation: "softmax" }));

  test.each<[LossName, string]>([
    ["categoricalCrossentropy", ""],
    ["sparseCategoricalCrossentropy", ""],
    ["binaryCrossentropy", ' or "sigmoid"'],
  ])("%s needs probabilities", (loss, or) => {
    for (const graph of [sigmoid, softmax]) expect(() => checkLoss(loss, graph)).not.toThrow();
    expect(() => checkLoss(loss, linear)).toThrow(
      new ModelError(
        `loss ${loss} takes probabilities: end the model with activation "softmax"${or}, give the loss fromLogits: true, or use meanSquaredError`,
        "last",
      ),
    );
  });

  test.each(["categoricalCrossentropy", "sparseCategoricalCrossentropy"])("%s needs two outputs", (loss) => {
    const one = graphOf(dense({ units: 1, inputShape: [4], activation: "sigmoid", name: "last" }));
    expect(() => checkLoss(loss, one)).toThrow(
      new ModelError(
        `loss ${loss} got one output, expected one a class; use binaryCrossentropy, or an output for each class`,
        "last",
      ),
    );
    expect(() => checkLoss("binaryCrossentropy", one)).not.toThrow();
  });

  test("meanSquaredError takes any output", () => {
    for (const graph of [linear, sigmoid, softmax])
      expect(() => checkLoss("meanSquaredError", graph)).not.toThrow();
  });

  test("an image for an output", () => {
    const graph = graphOf(conv2d({ filters: 2, kernelSize: 3, ...image }));
    expect(() => checkLoss("meanSquaredError", graph)).not.toThrow();
    const grey = graphOf(conv2d({ filters: 1, kernelSize: 3, activation: "sigmoid", ...image }));
    expect(() => checkLoss("categoricalCrossentropy", grey)).toThrow(
      "loss categoricalCrossentropy got one number along the last axis of (6, 7, 1), expected one a class",
    );
  });

  test.each(["triplet", undefined, 3])("%j is no loss", (loss) => {
    expect(() => checkLoss(loss, linear)).toThrow(
      `loss is ${JSON.stringify(loss)}, expected one of categoricalCrossentropy, sparseCategoricalCrossentropy, binaryCrossentropy, meanSquaredError`,
    );
  });
});
