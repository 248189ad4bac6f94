import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import {
  add,
  batchNormalization,
  conv2d,
  createModel,
  dense,
  depthwiseConv2d,
  exportModel,
  globalAveragePooling2d,
  input,
  type Model,
  model as modelOf,
  relu,
  type SymbolicTensor,
} from "../../src/node.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { NETS } from "../support/onnx-nets.ts";
import { type OnnxRuntime, onnxRuntime, runOnnx } from "../support/onnx-runtime.ts";
import { findPython, runPython } from "../support/python.ts";

const node = onnxRuntime("node");
const web = onnxRuntime("web");
const python = findPython("onnx");
const COUNT = 2;

/** By name, each net's file, and the largest difference from what onnxruntime makes of it. */
const files = new Map<string, Uint8Array>();

test("every layer is in a net here", () => {
  expect(Object.keys(NETS).sort()).toEqual(Object.keys(LAYERS).sort());
});

/** The weights, each with numbers of its own: moving variances and the like above 0. */
function varied(model: Model): void {
  model.setWeights(
    model.getWeights().map((tensor, i) => ({
      ...tensor,
      data: /[vV]ariance$/.test(tensor.name)
        ? fixtureValues(tensor.data.length, i, 0.5).map((v) => 1 + v)
        : fixtureValues(tensor.data.length, i, 0.5),
    })),
  );
}

async function difference(runtime: OnnxRuntime, file: Uint8Array, model: Model): Promise<number> {
  const inputs = model.inputs.map(({ shape }, i) => ({
    data: fixtureValues(COUNT * elements(shape), 90 + i, 1),
    dims: [COUNT, ...shape],
  }));
  const images = inputs.map(({ data }) => data);
  const ours = [
    await model.predict<Float32Array[]>({
      images: images.length > 1 ? images : images[0]!,
      shape: model.inputs.length > 1 ? model.inputs.map(({ shape }) => shape) : model.inputShape,
      count: COUNT,
    } as never),
  ].flat();
  const theirs = await runOnnx(runtime, file, inputs);
  expect(theirs.map(({ dims }) => dims)).toEqual(model.outputs.map(({ shape }) => [COUNT, ...shape]));
  return Math.max(
    ...theirs.map(({ data }, i) =>
      data.reduce((most, v, j) => Math.max(most, Math.abs(v - ours[i]![j]!)), 0),
    ),
  );
}

describe.skipIf(!node)(
  "onnxruntime gives what the model gives (node scripts/counterparts.mjs installs it)",
  () => {
    describe.each(Object.keys(NETS))("%s", (type) => {
      test.each(NETS[type]!.map((net, i) => [i + 1, net] as const))("%s", async (i, net) => {
        const model = net();
        await model.compile({
          seed: 1,
          threads: 1,
          loss: "meanSquaredError",
          preprocessing: { scale: 1, offset: 0 },
        });
        varied(model);
        const file = Object.values(await exportModel(model, { format: "onnx" }))[0]!;
        files.set(`${type}-${i}`, file);
        expect(await difference(node!, file, model)).toBeLessThan(1e-5);
        if (web) expect(await difference(web, file, model)).toBeLessThan(1e-5);
        model.dispose();
      });
    });
  },
);

/** Two inverted residual blocks as MobileNetV2's, and what is around them. */
function mobile(): Model {
  const convolved = (x: SymbolicTensor, filters: number, kernelSize: number, strides = 1) =>
    batchNormalization().apply(
      conv2d({ filters, kernelSize, strides, padding: "same", useBias: false }).apply(x),
    );
  const relu6 = (x: SymbolicTensor) => relu({ maxValue: 6 }).apply(x);
  const block = (x: SymbolicTensor, filters: number, strides: number) => {
    const wide = relu6(convolved(x, 6 * x.shape[2]!, 1));
    const deep = depthwiseConv2d({ kernelSize: 3, strides, padding: "same", useBias: false });
    const y = convolved(relu6(batchNormalization().apply(deep.apply(wide))), filters, 1);
    return strides === 1 && filters === x.shape[2] ? add().apply([x, y]) : y;
  };
  const x = input({ shape: [28, 28, 1] });
  const y = block(block(block(relu6(convolved(x, 8, 3, 2)), 8, 1), 12, 2), 12, 1);
  const ended = dense({ units: 10, activation: "softmax" }).apply(globalAveragePooling2d().apply(y));
  return modelOf({ inputs: x, outputs: ended, name: "mobile" });
}

describe.skipIf(!node)("whole models, after a bit of training", () => {
  const named = ["lenet5", "keras-mnist", "resnet8", "resnet20", "inception", "unet", "autoencoder"];
  test.each([...named, "mobile"])("%s", async (name) => {
    const model =
      name === "mobile"
        ? mobile()
        : createModel(name, [28, 28, 1], name === "unet" ? 3 : name === "autoencoder" ? 1 : 10);
    await model.compile({ seed: 2, threads: 1, loss: "meanSquaredError" });
    const [shape, n] = [model.inputShape, 32];
    const images = fixtureValues(n * elements(shape), 3, 1);
    const targets = fixtureValues(n * elements(model.outputShape), 4, 0.5).map((v) => v + 0.5);
    await model.fit({ images, targets, shape, count: n }, { epochs: 2, batchSize: 8 });
    const file = Object.values(await exportModel(model, { format: "onnx" }))[0]!;
    files.set(name, file);
    expect(await difference(node!, file, model)).toBeLessThan(1e-5);
    model.dispose();
  });
});

test.skipIf(!python)("onnx.checker accepts every file, shapes included", () => {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-onnx-"));
  try {
    for (const [name, file] of files) writeFileSync(join(folder, `${name}.onnx`), file);
    const script = `
import glob, json, onnx, sys
bad = {}
for path in glob.glob(sys.argv[1] + "/*.onnx"):
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:
        bad[path] = str(error)
print(json.dumps(bad))`;
    expect(runPython(python!, script, [folder])).toEqual({});
  } finally {
    rmSync(folder, { recursive: true });
  }
});
