import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openRun } from "../../src/cli/run/load.ts";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { decodeModel, encodeModel } from "../../src/interchange/onnx/messages.ts";
import {
  conv2d,
  createModel,
  dense,
  exportModel,
  flatten,
  loadModel,
  type Model,
  maxPooling2d,
  sequential,
} from "../../src/node.ts";
import { fixtureValues } from "../support/fixture-values.ts";

const folder = new URL("../fixtures/onnx/", import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, folder));
const VALUES = JSON.parse(fixture("values.json").toString()) as Record<
  string,
  { readonly shape: number[]; readonly input: number[]; readonly output: number[] }
>;
const COMPILE = { threads: 1, loss: "meanSquaredError", preprocessing: { scale: 1, offset: 0 } } as const;

const made: Model[] = [];
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

async function compiled(model: Model): Promise<Model> {
  made.push(model);
  await model.compile({ ...COMPILE, seed: 4 });
  return model;
}
const only = (files: Readonly<Record<string, Uint8Array>>) => Object.values(files)[0]!;

describe("what PyTorch exports", () => {
  const names = Object.keys(VALUES).flatMap((name) => [`${name}-traced`, `${name}-exported`]);
  test.each(names)("%s is read, and gives what PyTorch gives", async (name) => {
    const { shape, input, output } = VALUES[name.split("-")[0]!]!;
    const { model } = await loadModel(fixture(`${name}.onnx`));
    expect(model.inputShape).toEqual(shape);
    await compiled(model);
    const given = await model.predict({ images: Float32Array.from(input), shape, count: 2 } as never);
    expect(given.length).toBe(output.length);
    expect(Math.max(...given.map((value, i) => Math.abs(value - output[i]!)))).toBeLessThan(5e-6);
  });

  test("becomes layers that are named as the modules are", async () => {
    const { model } = await loadModel(fixture("chain-traced.onnx"));
    expect(model.rows.map(({ name, type }) => `${name} ${type}`)).toMatchInlineSnapshot(`
      [
        "features.0 conv2d",
        "features.3.pad zeroPadding2d",
        "features.3 maxPooling2d",
        "features.4 conv2d",
        "features.6 maxPooling2d",
        "features.7 averagePooling2d",
        "flatten flatten",
        "classifier.1 dense",
        "classifier.3 dense",
      ]
    `);
  });

  test("activations that are written as several nodes become one layer each", async () => {
    for (const kind of ["traced", "exported"]) {
      const { model } = await loadModel(fixture(`activations-${kind}.onnx`));
      const activations = model.toConfig().layers.map(({ activation }) => activation);
      for (const name of ["gelu", "geluApproximate", "silu", "mish", "hardSilu", "softplus", "softsign"])
        expect(activations, kind).toContain(name);
      expect(model.rows.some(({ type }) => type === "groupNormalization")).toBe(true);
    }
  });
});

describe("what is written", () => {
  const net = () =>
    sequential(
      [
        conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "relu", inputShape: [6, 5, 2] }),
        maxPooling2d({ padding: "same" }),
        flatten(),
        dense({ units: 4, activation: "softmax" }),
      ],
      { name: "net" },
    );

  test("keeps channels first between one transposition and the dense layer, whose rows are moved", async () => {
    const model = await compiled(net());
    const { graph, ...rest } = decodeModel(only(await exportModel(model, { format: "onnx" })));
    expect(graph!.node.map(({ opType }) => opType)).toEqual([
      "Transpose",
      "Conv",
      "Relu",
      "MaxPool",
      "Flatten",
      "Gemm",
      "Softmax",
    ]);
    expect(rest).toMatchObject({ irVersion: 8, producerName: "wasmgrad", opsetImport: [{ version: 17 }] });
    expect(graph!.input[0]).toMatchObject({
      name: "input",
      type: {
        tensorType: {
          elemType: 1,
          shape: { dim: [{ dimParam: "N" }, { dimValue: 6 }, { dimValue: 5 }, { dimValue: 2 }] },
        },
      },
    });
    expect(graph!.output[0]!.name).toBe("dense");
    expect(graph!.initializer.map(({ name, dims }) => [name, dims])).toEqual([
      ["conv2d/kernel", [3, 2, 3, 3]],
      ["conv2d/bias", [3]],
      ["dense/kernel", [27, 4]],
      ["dense/bias", [4]],
    ]);
    const kernel = model.getWeights().find(({ name }) => name === "dense/kernel")!.data;
    const { rawData } = graph!.initializer[2]!;
    const rows = new Float32Array(rawData!.slice().buffer);
    // Row (channel 1, place 4 of 9) there is (place 4, channel 1) here.
    expect(rows[(1 * 9 + 4) * 4]).toBe(kernel[(4 * 3 + 1) * 4]);
  });

  test("is the same bytes each time, and comes back the same model", async () => {
    const model = await compiled(net());
    const metadata = { classNames: ["a", "b", "c", "d"], preprocessing: { scale: 2 / 255, offset: -1 } };
    const file = only(await exportModel(model, { format: "onnx", metadata }));
    const loaded = await loadModel(file);
    expect(loaded.tensors).toEqual(model.getWeights());
    expect(loaded.metadata).toEqual(metadata);
    expect(loaded.model.rows).toEqual(model.rows);
    expect(only(await exportModel(loaded, { format: "onnx" }))).toEqual(file);
  });

  test.each(["lenet5", "resnet8", "inception", "unet", "autoencoder"])(
    "comes back to the bit: %s",
    async (name) => {
      const model = await compiled(createModel(name, [20, 20, 1], name === "autoencoder" ? 1 : 3));
      const loaded = await loadModel(only(await exportModel(model, { format: "onnx" })));
      const back = await compiled(loaded.model);
      const asked = { images: fixtureValues(2 * 400, 1, 1), shape: [20, 20, 1], count: 2 } as never;
      expect(await back.predict(asked)).toEqual(await model.predict(asked));
      const types = ({ rows }: Model) => rows.map(({ type }) => type).sort();
      expect(types(back)).toEqual(types(model));
    },
  );
});

type Nodes = NonNullable<Parameters<typeof encodeModel>[0]["graph"]>["node"];
/** A file of nodes on an image [N, 3, 8, 6] called x, whose last one gives y. */
function fileOf(node: Nodes, dims: readonly (number | string)[] = ["N", 3, 8, 6], opset = 17): Uint8Array {
  const dim = dims.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  const kernel = { name: "w", dims: [2, 3, 3, 3], dataType: 1, rawData: new Uint8Array(4 * 54) };
  return encodeModel({
    irVersion: 8,
    producerName: "test",
    graph: {
      name: "g",
      node,
      initializer: [kernel],
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim } } } }],
      output: [{ name: "y" }],
    },
    opsetImport: [{ version: opset }],
  });
}
const conv = { opType: "Conv", name: "c1", input: ["x", "w"], output: ["c"] };

describe("what is refused", () => {
  test("lists every node there are no layers for", async () => {
    const file = fileOf([
      conv,
      { opType: "LSTM", name: "memory", input: ["c"], output: ["a"] },
      { opType: "Relu", name: "r", input: ["a"], output: ["b"] },
      { opType: "Bilinear", domain: "com.example", name: "odd", input: ["b"], output: ["d"] },
      { opType: "Erf", name: "e", input: ["c"], output: ["f"] },
      {
        opType: "MaxPool",
        name: "p",
        input: ["f"],
        output: ["y"],
        attribute: [{ name: "kernel_shape", ints: [2, 2] }],
      },
    ]);
    await expect(loadModel(file)).rejects.toMatchObject({ code: "unsupported" });
    await expect(loadModel(file)).rejects.toThrow(
      /layer 'memory' is LSTM .*layer 'odd' is com\.example\.Bilinear .*layer 'e' is Erf/,
    );
  });

  test("sizes that are left open are asked for", async () => {
    const node = [{ ...conv, output: ["y"] }];
    const file = fileOf(node, ["N", 3, "height", "width"]);
    await expect(loadModel(file)).rejects.toThrow(
      "leaves sizes of its input 'x' open, [?, ?, 3] here. Write: loadModel(bytes, { inputShape: [224, 224, 3] })",
    );
    expect((await loadModel(file, { inputShape: [9, 10, 3] })).model.outputShape).toEqual([7, 8, 2]);
    await expect(loadModel(file, { inputShape: [9, 10, 4] })).rejects.toThrow("is of shape [?, ?, 3] here");
  });

  test.each([
    [
      "a cycle",
      [
        { ...conv, input: ["y", "w"] },
        { opType: "Relu", name: "r", input: ["c"], output: ["y"] },
      ],
      /'c1' reads 'y', which nothing/,
    ],
    ["a missing weight", [{ ...conv, input: ["x", "w2"], output: ["y"] }], /'c1' reads 'w2'/],
    ["a missing output", [conv], /nothing gives its output 'y'/],
  ])("%s", async (_, node, text) => {
    await expect(loadModel(fileOf(node))).rejects.toThrow(text);
    await expect(loadModel(fileOf(node))).rejects.toMatchObject({ code: "damaged" });
  });

  test("weights in other files, unless they are there, too", async () => {
    const data = fixtureValues(54, 3, 1);
    const told = decodeModel(fileOf([{ ...conv, output: ["y"] }]));
    const kernel = {
      name: "w",
      dims: [2, 3, 3, 3],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: "location", value: "m.onnx.data" },
        { key: "offset", value: "8" },
      ],
    };
    const file = encodeModel({ ...told, graph: { ...told.graph!, initializer: [kernel] } });
    await expect(loadModel(file)).rejects.toThrow("keeps weights in another file, 'm.onnx.data'");
    const more = new Uint8Array(8 + 4 * 54);
    more.set(new Uint8Array(data.buffer), 8);
    const { tensors } = await loadModel({ "m.onnx": file, "m.onnx.data": more });
    expect(tensors[0]!.data[0]).toBe(data[0]);
    await expect(loadModel({ "m.onnx": file, "m.onnx.data": more.slice(0, 100) })).rejects.toThrow(
      "has 23 numbers, expected 54",
    );
    // The command line finds the second file beside the first.
    const folder = mkdtempSync(join(tmpdir(), "wasmgrad-onnx-"));
    try {
      for (const [name, bytes] of Object.entries({ "m.onnx": file, "m.onnx.data": more }))
        writeFileSync(join(folder, name), bytes);
      expect((await openRun(join(folder, "m.onnx"))).tensors).toEqual(tensors);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("constants that grow beyond what the file holds", async () => {
    const shape = { name: "s", dims: [2], dataType: 7, int64Data: [1_000_000, 1_000_000] };
    const told = decodeModel(
      fileOf([
        { opType: "ConstantOfShape", name: "big", input: ["s"], output: ["b"] },
        { opType: "Add", name: "a", input: ["x", "b"], output: ["y"] },
      ]),
    );
    const file = encodeModel({ ...told, graph: { ...told.graph!, initializer: [shape] } });
    await expect(loadModel(file)).rejects.toMatchObject({ code: "too-large" });
  });

  test("a file that is cut short", async () => {
    const file = fixture("chain-traced.onnx");
    for (const length of [20, 100, 2000, file.length - 1]) {
      const error = await loadModel(file.subarray(0, length)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ModelFileError);
      expect(error).toMatchObject({ code: "damaged" });
    }
  });
});
