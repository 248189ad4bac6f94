import { describe, expect, test } from "vitest";
import { IMAGE_MODELS } from "../../src/model/image-models.ts";
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
import { MODELS, namedModel } from "../../src/model/models.ts";
import { createModel } from "../../src/train/named.ts";
import { sequential } from "../../src/train/sequential.ts";

/** Builds one layer; what has no parameters needs a layer that has some behind it. */
function firstRow(layer: Layer) {
  return sequential([layer, flatten({ name: "tail" }), dense({ units: 1, name: "end" })]).rows[0];
}

// Shapes and counts as Keras 3 gives them.
describe("output shapes and parameters", () => {
  type Conv = Omit<Parameters<typeof conv2d>[0], "inputShape">;
  const convolutions: [number[], Conv, number[], number][] = [
    [[28, 28, 1], { filters: 32, kernelSize: 3 }, [26, 26, 32], 320],
    [[13, 13, 32], { filters: 64, kernelSize: 3 }, [11, 11, 64], 18_496],
    [[28, 28, 1], { filters: 32, kernelSize: 3, padding: "same" }, [28, 28, 32], 320],
    [[28, 28, 3], { filters: 8, kernelSize: 5, strides: 3 }, [8, 8, 8], 608],
    [[28, 28, 3], { filters: 8, kernelSize: 5, strides: 3, padding: "same" }, [10, 10, 8], 608],
    [[27, 28, 1], { filters: 2, kernelSize: 2, strides: 2, padding: "same" }, [14, 14, 2], 10],
    [[10, 12, 2], { filters: 4, kernelSize: [3, 5], strides: [2, 1] }, [4, 8, 4], 124],
    [[10, 12, 2], { filters: 4, kernelSize: [3, 5], useBias: false }, [8, 8, 4], 120],
    [[28, 28, 1], { filters: 6, kernelSize: 3, dilationRate: 2 }, [24, 24, 6], 60],
    [[28, 28, 1], { filters: 6, kernelSize: 3, dilationRate: 2, padding: "same" }, [28, 28, 6], 60],
    [[9, 20, 1], { filters: 1, kernelSize: [2, 3], dilationRate: [8, 4] }, [1, 12, 1], 7],
    [[1, 1, 1], { filters: 5, kernelSize: 1 }, [1, 1, 5], 10],
    [[2, 3, 1], { filters: 1, kernelSize: 5, padding: "same" }, [2, 3, 1], 26],
    [[3, 3, 1], { filters: 1, kernelSize: 3, strides: 7 }, [1, 1, 1], 10],
  ];
  test.each(convolutions)("conv2d on %j: %j", (inputShape, options, outputShape, parameters) => {
    const row = firstRow(conv2d({ ...options, inputShape }));
    expect(row).toMatchObject({ name: "conv2d", type: "conv2d", outputShape, parameters });
  });

  type Pool = Omit<NonNullable<Parameters<typeof maxPooling2d>[0]>, "inputShape">;
  const poolings: [number[], Pool, number[]][] = [
    [[26, 26, 32], {}, [13, 13, 32]],
    [[11, 11, 64], { poolSize: 2 }, [5, 5, 64]],
    [[11, 11, 64], { poolSize: 2, padding: "same" }, [6, 6, 64]],
    [[7, 8, 3], { poolSize: 3 }, [2, 2, 3]],
    [[7, 8, 3], { poolSize: 3, padding: "same" }, [3, 3, 3]],
    [[7, 8, 3], { poolSize: 3, strides: 2 }, [3, 3, 3]],
    [[7, 8, 3], { poolSize: 3, strides: 2, padding: "same" }, [4, 4, 3]],
    [[7, 8, 3], { poolSize: 2, strides: 1 }, [6, 7, 3]],
    [[7, 8, 3], { poolSize: [1, 4], strides: [3, 1] }, [3, 5, 3]],
    [[7, 8, 3], { poolSize: [7, 8] }, [1, 1, 3]],
  ];
  describe.each([
    ["maxPooling2d", maxPooling2d],
    ["averagePooling2d", averagePooling2d],
  ])("%s", (type, create) => {
    test.each(poolings)("on %j: %j", (inputShape, options, outputShape) => {
      const row = firstRow(create({ ...options, inputShape }));
      expect(row).toMatchObject({ name: type, type, outputShape, parameters: 0 });
    });
  });

  const others: [Layer, number[], number][] = [
    [dense({ units: 64, inputShape: [1600] }), [64], 102_464],
    [dense({ units: 64, useBias: false, inputShape: [1600] }), [64], 102_400],
    [globalAveragePooling2d({ inputShape: [7, 5, 64] }), [64], 0],
    [flatten({ inputShape: [5, 4, 64] }), [1280], 0],
    [flatten({ inputShape: [3] }), [3], 0],
    [flatten({ inputShape: [2, 3, 4, 5] }), [120], 0],
    [dropout({ rate: 0.5, inputShape: [5, 4, 3] }), [5, 4, 3], 0],
    [activation({ activation: "tanh", inputShape: [5, 4, 3] }), [5, 4, 3], 0],
    [activation({ activation: "linear", inputShape: [5] }), [5], 0],
    [activation({ activation: "softmax", inputShape: [5] }), [5], 0],
    [leakyRelu({ inputShape: [5, 4] }), [5, 4], 0],
    [elu({ alpha: 0.5, inputShape: [5] }), [5], 0],
  ];
  test.each(others)("%o", (layer, outputShape, parameters) => {
    expect(firstRow(layer)).toMatchObject({ name: layer.type, type: layer.type, outputShape, parameters });
  });

  test.each([
    ["keras-mnist", 121_930],
    ["lenet5", 61_706],
    ["mlp", 118_282],
    ["vgg", 584_170],
    ["conv-gap", 23_946],
  ])("%s has %i parameters on 28x28x1 with 10 classes", (name, parameters) => {
    const model = createModel(name, [28, 28, 1], 10);
    expect(model.countParams()).toBe(parameters);
    expect(model.inputShape).toEqual([28, 28, 1]);
    expect(model.outputShape).toEqual([10]);
  });

  test.each(Object.keys(MODELS))("%s builds on images of another size and channel count", (name) => {
    expect(createModel(name, [33, 21, 3], 7).outputShape).toEqual([7]);
  });

  test.each(Object.keys({ ...MODELS, ...IMAGE_MODELS }))(
    "%s ends with the activation that it is told",
    (name) => {
      const endOf = (activation?: "linear" | "sigmoid") =>
        createModel(name, [16, 16, 1], 3, activation).toConfig().layers.at(-1);
      const usual = name === "autoencoder" ? "sigmoid" : "softmax";
      expect(endOf()).toMatchObject({ activation: usual });
      expect(endOf("linear")).toEqual({ ...endOf(), activation: "linear" });
      expect(endOf("sigmoid")).toMatchObject({ activation: "sigmoid" });
    },
  );

  test("parameters carry the layer's name, in Keras's layouts", () => {
    const { graph } = sequential([
      conv2d({ filters: 5, kernelSize: [2, 3], inputShape: [4, 4, 2], name: "first" }),
      flatten(),
      dense({ units: 7, useBias: false }),
    ]);
    expect(graph.parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ["first/kernel", [2, 3, 2, 5]],
      ["first/bias", [5]],
      ["dense/kernel", [3 * 2 * 5, 7]],
    ]);
  });
});

describe("names", () => {
  const names = (layers: readonly Layer[]) => sequential(layers).rows.map((row) => row.name);

  test("are the types, numbered from the second on", () => {
    const first = dense({ units: 2, inputShape: [3] });
    expect(names([first, dropout({ rate: 0 }), dense({ units: 2 }), elu(), dense({ units: 2 })])).toEqual([
      "dense",
      "dropout",
      "dense_1",
      "elu",
      "dense_2",
    ]);
  });

  test("given ones are kept, and automatic ones step around them", () => {
    const layers = [
      dense({ units: 2, inputShape: [3] }),
      dense({ units: 2, name: "dense" }),
      dense({ units: 2, name: "dense_2" }),
      dense({ units: 2 }),
    ];
    expect(names(layers)).toEqual(["dense_1", "dense", "dense_2", "dense_3"]);
  });
});

test("summary() prints and returns the layer table", () => {
  const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10), { name: "keras-mnist" });
  const printed: string[] = [];
  const table = model.summary((text) => printed.push(text));
  expect(printed).toEqual([table]);
  expect(table.split("\n")).toEqual([
    "Model: keras-mnist",
    "─".repeat(62),
    "Layer (type)                   Output shape         Parameters",
    "─".repeat(62),
    "conv2d (conv2d)                (batch, 26, 26, 32)         320",
    "maxPooling2d (maxPooling2d)    (batch, 13, 13, 32)           0",
    "conv2d_1 (conv2d)              (batch, 11, 11, 64)      18,496",
    "maxPooling2d_1 (maxPooling2d)  (batch, 5, 5, 64)             0",
    "flatten (flatten)              (batch, 1600)                 0",
    "dense (dense)                  (batch, 64)             102,464",
    "dense_1 (dense)                (batch, 10)                 650",
    "─".repeat(62),
    "Total parameters: 121,930 (476.3 KiB)",
  ]);
});

test("summary() gives large models in MiB", () => {
  const text = sequential([dense({ units: 1000, inputShape: [1000] })]).summary(() => {});
  expect(text).toContain("Total parameters: 1,001,000 (3.8 MiB)");
});
