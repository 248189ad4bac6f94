import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/nn/errors.ts";
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
} from "../../src/nn/layers/index.ts";
import { checkLoss, type LossName } from "../../src/nn/losses.ts";
import { namedModel } from "../../src/nn/models.ts";
import { sequential } from "../../src/train/sequential.ts";

/** What no caller in TypeScript can pass, but one in JavaScript can. */
// biome-ignore lint/suspicious/noExplicitAny: stands for any wrong value
const wrong = (value: unknown): any => value;

function errorOf(layers: readonly Layer[]): ModelError {
  try {
    sequential(layers);
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
      dense({ units: 3, ...at }),
      "got an input of shape (6, 7, 2), expected a flat one; put flatten() before it",
    ],
    [
      activation({ activation: "softmax", ...at }),
      "softmax got values of shape (6, 7, 2), expected flat ones; put flatten() or globalAveragePooling2d() before it",
    ],
    [
      dense({ units: 3, inputShape: [42], ...at }),
      "inputShape is (42,), but the layer before it gives (6, 7, 2)",
    ],
  ])("after a convolution: %o", (layer, message) => {
    const error = errorOf([ok, layer]);
    expect(error.message).toBe(`layer 'bad': ${message}`);
    expect(error.layer).toBe("bad");
  });

  test.each<[Layer]>([
    [conv2d({ filters: 2, kernelSize: 3, ...at })],
    [maxPooling2d(at)],
    [averagePooling2d(at)],
    [globalAveragePooling2d(at)],
  ])("image layers after flatten(): %o", (layer) => {
    expect(errorOf([ok, flatten(), layer]).message).toBe(
      "layer 'bad': got an input of shape (84,), expected an image (height, width, channels)",
    );
  });

  test("one without a given name is named by its place", () => {
    expect(errorOf([ok, conv2d({ filters: 2, kernelSize: 9 })]).layer).toBe("conv2d");
    expect(errorOf([ok, maxPooling2d(), maxPooling2d({ poolSize: 5 })]).layer).toBe("maxPooling2d_1");
  });
});

describe("an option out of range", () => {
  const conv = { filters: 2, kernelSize: 3, ...image, ...at };
  test.each<[Layer, string]>([
    [conv2d({ ...conv, filters: 0 }), "filters is 0, expected a whole number >= 1"],
    [conv2d({ ...conv, filters: 2.5 }), "filters is 2.5, expected a whole number >= 1"],
    [conv2d({ ...conv, filters: wrong("2") }), 'filters is "2", expected a whole number >= 1'],
    [conv2d({ ...conv, filters: wrong(undefined) }), "filters is undefined, expected a whole number >= 1"],
    [conv2d({ ...conv, kernelSize: 0 }), "kernelSize is 0, expected a whole number >= 1"],
    [conv2d({ ...conv, kernelSize: [3, -1] }), "kernelSize is -1, expected a whole number >= 1"],
    [
      conv2d({ ...conv, kernelSize: wrong(undefined) }),
      "kernelSize is undefined, expected a whole number >= 1",
    ],
    [conv2d({ ...conv, kernelSize: wrong([3]) }), "kernelSize is undefined, expected a whole number >= 1"],
    [conv2d({ ...conv, kernelSize: wrong("3x3") }), 'kernelSize is "3x3", expected a whole number >= 1'],
    [conv2d({ ...conv, kernelSize: wrong({}) }), "kernelSize is {}, expected a whole number >= 1"],
    [conv2d({ ...conv, kernelSize: wrong([1, 2, 3]) }), "kernelSize has 3 numbers, expected one or two"],
    [conv2d({ ...conv, strides: 0 }), "strides is 0, expected a whole number >= 1"],
    [conv2d({ ...conv, strides: [1, 1.5] }), "strides is 1.5, expected a whole number >= 1"],
    [conv2d({ ...conv, dilationRate: 0 }), "dilationRate is 0, expected a whole number >= 1"],
    [conv2d({ ...conv, padding: wrong("full") }), 'padding is "full", expected one of valid, same'],
    [
      conv2d({ ...conv, activation: wrong("gelu") }),
      'activation is "gelu", expected one of linear, relu, leakyRelu, elu, sigmoid, tanh, softmax',
    ],
    [
      conv2d({ ...conv, activation: "softmax" }),
      "softmax got values of shape (6, 7, 2), expected flat ones; put flatten() or globalAveragePooling2d() before it",
    ],
    [
      conv2d({ ...conv, kernelInitializer: wrong("uniform") }),
      'kernelInitializer is "uniform", expected one of zeros, ones, glorotUniform, glorotNormal, heUniform, heNormal, lecunUniform, lecunNormal',
    ],
    [
      conv2d({ ...conv, biasInitializer: wrong(0) }),
      "biasInitializer is 0, expected one of zeros, ones, glorotUniform, glorotNormal, heUniform, heNormal, lecunUniform, lecunNormal",
    ],
    [maxPooling2d({ poolSize: 0, ...image, ...at }), "poolSize is 0, expected a whole number >= 1"],
    [maxPooling2d({ strides: -1, ...image, ...at }), "strides is -1, expected a whole number >= 1"],
    [
      averagePooling2d({ padding: wrong("SAME"), ...image, ...at }),
      'padding is "SAME", expected one of valid, same',
    ],
    [dense({ units: 0, inputShape: [3], ...at }), "units is 0, expected a whole number >= 1"],
    [dense({ units: Number.NaN, inputShape: [3], ...at }), "units is NaN, expected a whole number >= 1"],
    [
      dense({ units: 1, activation: wrong("Relu"), inputShape: [3], ...at }),
      'activation is "Relu", expected one of linear, relu, leakyRelu, elu, sigmoid, tanh, softmax',
    ],
    [dropout({ rate: 1, ...image, ...at }), "rate is 1, expected a number from 0 up to, not including, 1"],
    [
      dropout({ rate: -0.1, ...image, ...at }),
      "rate is -0.1, expected a number from 0 up to, not including, 1",
    ],
    [
      dropout({ rate: wrong("0.5"), ...image, ...at }),
      'rate is "0.5", expected a number from 0 up to, not including, 1',
    ],
    [leakyRelu({ alpha: -0.1, ...image, ...at }), "alpha is -0.1, expected a number >= 0"],
    [elu({ alpha: Number.NaN, ...image, ...at }), "alpha is NaN, expected a number >= 0"],
    [
      activation({ activation: wrong(undefined), ...image, ...at }),
      "activation is undefined, expected one of linear, relu, leakyRelu, elu, sigmoid, tanh, softmax",
    ],
  ])("%o", (layer, message) => {
    const error = errorOf([layer, flatten(), dense({ units: 1 })]);
    expect(error.message).toBe(`layer 'bad': ${message}`);
    expect(error.layer).toBe("bad");
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
      "an empty inputShape",
      [dense({ units: 2, inputShape: [] })],
      "layer 'dense': inputShape is [], expected whole numbers >= 1",
    ],
    [
      "a zero in inputShape",
      [flatten({ inputShape: [28, 0, 1] }), dense({ units: 2 })],
      "layer 'flatten': inputShape is [28,0,1], expected whole numbers >= 1",
    ],
    [
      "a number for inputShape",
      [dense({ units: 2, inputShape: wrong(784) })],
      "layer 'dense': inputShape is 784, expected whole numbers >= 1",
    ],
    [
      "a number for a later inputShape",
      [dense({ units: 2, inputShape: [3] }), dense({ units: 2, inputShape: wrong(2) })],
      "layer 'dense_1': inputShape is 2, expected whole numbers >= 1",
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
      "an empty name",
      [dense({ units: 2, inputShape: [3], name: "" })],
      "a layer is named \"\": expected a name without '/'",
    ],
    [
      "a slash in a name",
      [dense({ units: 2, inputShape: [3], name: "a/b" })],
      "a layer is named \"a/b\": expected a name without '/'",
    ],
    [
      "a number for a name",
      [dense({ units: 2, inputShape: [3], name: wrong(1) })],
      "a layer is named 1: expected a name without '/'",
    ],
  ])("%s", (_, layers, message) => {
    expect(errorOf(layers).message).toBe(message);
  });

  test("an unknown model name names those there are", () => {
    expect(() => namedModel("resnet", [28, 28, 1], 10)).toThrow(
      new ModelError("no model is named 'resnet': expected one of keras-mnist, lenet5, mlp, vgg, conv-gap"),
    );
    expect(() => namedModel("toString", [28, 28, 1], 10)).toThrow(ModelError);
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
        `loss ${loss} takes probabilities: end the model with activation "softmax"${or}, or use meanSquaredError`,
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

  test("meanSquaredError takes any flat output", () => {
    for (const graph of [linear, sigmoid, softmax])
      expect(() => checkLoss("meanSquaredError", graph)).not.toThrow();
  });

  test("an image for an output", () => {
    const graph = graphOf(conv2d({ filters: 2, kernelSize: 3, ...image }));
    expect(() => checkLoss("meanSquaredError", graph)).toThrow(
      "the model's output has shape (6, 7, 2), but losses take flat outputs; end with flatten() and dense()",
    );
  });

  test.each(["hinge", undefined, 3])("%j is no loss", (loss) => {
    expect(() => checkLoss(loss, linear)).toThrow(
      `loss is ${JSON.stringify(loss)}, expected one of categoricalCrossentropy, sparseCategoricalCrossentropy, binaryCrossentropy, meanSquaredError`,
    );
  });
});
