import "../../src/options/other-names.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { layersFromConfig, layersToConfig } from "../../src/model/model-json.ts";
import { MODELS } from "../../src/model/models.ts";
import { modelFromConfig } from "../../src/train/functional.ts";
import { createModel } from "../../src/train/named.ts";
import { sequential } from "../../src/train/sequential.ts";
import { chains } from "../support/chains.ts";

const throughText = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("random chains of layers", () => {
  test("come to the shapes and counts of a naive reference", () => {
    fc.assert(
      fc.property(chains, ({ layers, rows }) => {
        const model = sequential(layersFromConfig({ layers }));
        expect(model.rows.map(({ outputShape, parameters }) => ({ outputShape, parameters }))).toEqual(rows);
        expect(model.countParams()).toBe(rows.reduce((sum, row) => sum + row.parameters, 0));
      }),
      { numRuns: 500 },
    );
  });

  test("survive the way through JSON and back, options and names unchanged", () => {
    fc.assert(
      fc.property(chains, ({ layers }) => {
        const model = sequential(layersFromConfig({ layers }), { name: "chain" });
        const config = model.toConfig();
        // Nothing that was given is lost; defaults and names are added.
        for (const [i, layer] of layers.entries()) expect(config.layers[i]).toMatchObject(layer);
        const again = sequential(layersFromConfig(throughText(config)), { name: config.name! });
        expect(again.toConfig()).toEqual(config);
        expect(again.rows).toEqual(model.rows);
        expect(again.graph).toEqual(model.graph);
      }),
      { numRuns: 200 },
    );
  });
});

test.each(Object.keys(MODELS))("%s survives the way through JSON", (name) => {
  const model = createModel(name, [28, 28, 1], 10);
  const again = modelFromConfig(throughText(model.toConfig()));
  expect(again.graph).toEqual(model.graph);
});

test("a file needs no more than what has no default", () => {
  const layers = layersFromConfig({
    name: "small",
    layers: [
      { type: "conv2d", filters: 4, kernelSize: 3, inputShape: [8, 8, 1] },
      { type: "flatten" },
      { type: "dense", units: 2 },
    ],
  });
  expect(layersToConfig(layers, ["a", "b", "c"])).toEqual([
    {
      type: "conv2d",
      name: "a",
      inputShape: [8, 8, 1],
      filters: 4,
      kernelSize: 3,
      strides: 1,
      padding: "valid",
      dilationRate: 1,
      groups: 1,
      activation: "linear",
      useBias: true,
      kernelInitializer: "glorotUniform",
      biasInitializer: "zeros",
    },
    { type: "flatten", name: "b" },
    {
      type: "dense",
      name: "c",
      units: 2,
      activation: "linear",
      useBias: true,
      kernelInitializer: "glorotUniform",
      biasInitializer: "zeros",
    },
  ]);
});

describe("a model file that is none", () => {
  const dense = { type: "dense", units: 2, inputShape: [3] };
  const where = (type: string) => `layer 'number 1 (${type})': `;
  test.each<[string, unknown, string]>([
    ["null", null, "the model file does not fit: got null, expected an object of options. Write: {"],
    ["text", "conv2d", 'the model file does not fit: got "conv2d", expected'],
    ["a list", [dense], "the model file does not fit: got [an object], expected"],
    ["no layers", {}, "the model file does not fit: layers is missing, expected a list of layers. Write: {"],
    ["an empty list", { layers: [] }, "the model file does not fit: layers is [], expected"],
    ["a layer that is null", { layers: [null] }, "layer 'number 1': got null, expected a layer. Write: {"],
    ["a layer without a type", { layers: [{ units: 2 }] }, "layer 'number 1': type is undefined, expected a"],
    [
      "another key",
      { layers: [dense], optimizer: "adam" },
      'the model file does not fit: no option is called "optimizer": it belongs into model.compile(',
    ],
    [
      "an unknown type",
      { layers: [{ ...dense, type: "lstm" }] },
      `${where("lstm")}no layer type has that name: expected conv2d, dense, maxPooling2d, averagePooling2d, globalAveragePooling2d, flatten, dropout, activation, leakyRelu, elu`,
    ],
    [
      "Keras's name of a type",
      { layers: [{ type: "Conv2D", filters: 4, kernelSize: 3 }] },
      `${where("Conv2D")}no layer type has that name: did you mean conv2d? Write: {"type": "conv2d", "filters": 4, "kernelSize": 3}`,
    ],
    [
      "PyTorch's name of a type",
      { layers: [{ type: "MaxPool2d" }] },
      `${where("MaxPool2d")}no layer type has that name: did you mean maxPooling2d? Write: {"type": "maxPooling2d"}`,
    ],
    ["a type every object has", { layers: [{ ...dense, type: "toString" }] }, where("toString")],
    [
      "a misspelt option",
      { layers: [{ type: "dense", unit: 2 }] },
      `${where("dense")}no option is called "unit": did you mean units? Write: {"type": "dense", "units": 2}`,
    ],
    [
      "Keras's names of options",
      { layers: [{ type: "conv2d", filters: 8, kernel_size: [3, 3], dilation_rate: 2 }] },
      `${where("conv2d")}no option is called "kernel_size": did you mean kernelSize? Write: {"type": "conv2d", "filters": 8, "kernelSize": [3, 3], "dilationRate": 2}`,
    ],
    [
      "an option that every object has",
      JSON.parse('{"layers": [{"type": "flatten", "__proto__": 1}]}'),
      `${where("flatten")}no option is called "__proto__": expected name, inputShape`,
    ],
    ["a missing option", { layers: [{ type: "dense" }] }, `${where("dense")}units is missing, expected a wh`],
    ["units 0", { layers: [{ ...dense, units: 0 }] }, `${where("dense")}units is 0, expected a whole number`],
    ["units 1.5", { layers: [{ ...dense, units: 1.5 }] }, `${where("dense")}units is 1.5, expected`],
    [
      "units in text",
      { layers: [{ type: "dense", units: "2" }] },
      `${where("dense")}units is "2", expected a whole number >= 1. Write: {"type": "dense", "units": 2}`,
    ],
    [
      "a bad activation",
      { layers: [{ type: "dense", units: 2, activation: "Softmax" }] },
      `${where("dense")}activation is "Softmax", expected one of linear, relu, leakyRelu, elu, sigmoid, tanh, softmax, relu6, silu, swish, gelu, geluApproximate, softplus, softsign, selu, hardSigmoid, hardSilu, hardSwish, exponential, mish. Write: {"type": "dense", "units": 2, "activation": "softmax"}`,
    ],
    ["a bad initializer", { layers: [{ ...dense, kernelInitializer: 3 }] }, `${where("dense")}kernelInitia`],
    ["a bad name", { layers: [{ ...dense, name: 3 }] }, `${where("dense")}name is 3, expected a name`],
    ["null for an option", { layers: [{ ...dense, name: null }] }, `${where("dense")}name is null, expected`],
    ["a bad inputShape", { layers: [{ ...dense, inputShape: [0] }] }, `${where("dense")}inputShape is [0]`],
    [
      "three strides",
      { layers: [{ type: "conv2d", filters: 2, kernelSize: 3, strides: [1, 1, 1] }] },
      `${where("conv2d")}strides is [1, 1, 1], expected a whole number >= 1, or two: [height, width]. Write: `,
    ],
    [
      "a bad padding",
      { layers: [{ type: "maxPooling2d", padding: "full" }] },
      `${where("maxPooling2d")}padding is "full", expected one of valid, same. Write: {"type": "maxPool`,
    ],
    [
      "a bad rate",
      { layers: [{ type: "dropout", rate: 1 }] },
      `${where("dropout")}rate is 1, expected a num`,
    ],
    ["a negative alpha", { layers: [{ type: "elu", alpha: -1 }] }, `${where("elu")}alpha is -1, expected`],
    ["no activation", { layers: [{ type: "activation" }] }, `${where("activation")}activation is missing`],
  ])("%s", (_, file, message) => {
    let error: unknown;
    try {
      layersFromConfig(file);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).message.slice(0, message.length)).toBe(message);
  });

  test("any JSON gives layers or a ModelError", () => {
    const entry = fc.record({ type: fc.constantFrom("dense", "conv2d", "dropout", "elu", "flatten") });
    const almost = fc.tuple(entry, fc.dictionary(fc.constantFrom("units", "rate", "name"), fc.jsonValue()));
    const file = fc.record({ layers: fc.array(almost.map(([type, rest]) => ({ ...type, ...rest }))) });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), file), (value) => {
        try {
          sequential(layersFromConfig(value));
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
