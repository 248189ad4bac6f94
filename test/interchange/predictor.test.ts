import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { layOut } from "../../src/interchange/predictor/layout.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import {
  add,
  concatenate,
  conv2dTranspose,
  createModel,
  dense,
  depthwiseConv2d,
  type ExportOptions,
  exportModel,
  flatten,
  globalAveragePooling2d,
  input,
  type Model,
  model as modelOf,
  multiply,
} from "../../src/node.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { NETS } from "../support/layer-nets.ts";

type Numbers = Uint8Array | Float32Array;
interface Module {
  predict(images: Numbers | readonly Numbers[]): Promise<Float32Array | Float32Array[]>;
  readonly classNames: readonly string[] | null;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
}

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-predictor-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The module that a model becomes, as whoever has the file imports it. */
async function predictorOf(model: Model, options: Omit<ExportOptions, "format"> = {}): Promise<Module> {
  const files = await exportModel(model, { format: "js", name: "m", ...options });
  expect(Object.keys(files)).toEqual(["m.js", "m.d.ts"]);
  const path = join(folder, `m${count++}.mjs`);
  await writeFile(path, files["m.js"]!);
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

async function compiled(model: Model): Promise<Model> {
  await model.compile({ seed: 7, threads: 2, loss: "meanSquaredError" });
  return model;
}

const bytesFor = (n: number) => Uint8Array.from(fixtureValues(n, 5, 1), (v) => 127.5 * (v + 1));
const bits = (numbers: Float32Array) => new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);

/** Of so many images at once: alone, a few, and more than go through at a time. */
async function expectSameBits(model: Model, counts = [1, 3, 37]): Promise<Set<string>> {
  const metadata = { preprocessing: { scale: 2 / 255, offset: -1 } };
  await model.compile({ seed: 7, threads: 2, loss: "meanSquaredError", ...metadata });
  const { predict } = await predictorOf(model, { metadata });
  const shape = model.inputShape;
  for (const n of counts)
    for (const images of [
      Float32Array.from(fixtureValues(n * elements(shape), 9, 2)),
      bytesFor(n * elements(shape)),
    ]) {
      const expected = await model.predict({ images, shape, count: n });
      expect(bits((await predict(images)) as Float32Array), `${n} images`).toEqual(bits(expected));
    }
  const { plan } = model.session.plan({ batch: 1, mode: "predict", inputs: ["floats"], targets: [] });
  const kernels = new Set(plan.calls.map(({ kernel }) => kernel));
  const many = model.session.plan({ batch: 32, mode: "predict", inputs: ["floats"], targets: [] });
  for (const { kernel } of many.plan.calls) kernels.add(kernel);
  model.dispose();
  return kernels;
}

/** Kernels that the builds called predict have. */
async function builtKernels(): Promise<string[]> {
  const text = await readFile(fileURLToPath(new URL("../../assembly/dispatch.ts", import.meta.url)), "utf8");
  return [...text.matchAll(/case \d+: (\w+)\(/g)].map(([, name]) => name!);
}

describe("gives the bits that predict() gives", () => {
  const called = new Set<string>();
  const types = Object.keys(LAYERS).filter((type) => !/^random|mixUp|cutMix/.test(type));
  test.each(types)("layer %s", async (type) => {
    for (const kernel of await expectSameBits(NETS[type]!())) called.add(kernel);
  });

  test.each([
    ["keras-mnist", [28, 28, 1]],
    ["lenet5", [28, 28, 1]],
    ["mlp", [28, 28, 1]],
    ["resnet8", [32, 32, 3]],
    ["inception", [32, 32, 3]],
    ["autoencoder", [32, 32, 1]],
    ["unet", [32, 32, 3]],
  ] as const)("model %s", async (name, shape) => {
    const outputs = name === "autoencoder" ? 1 : 10;
    for (const kernel of await expectSameBits(createModel(name, shape, outputs), [1, 33])) called.add(kernel);
  });

  test("squeeze and excite, whose factors repeat", async () => {
    const x = input({ shape: [8, 8, 6] });
    const squeezed = globalAveragePooling2d({ keepdims: true }).apply(x);
    const excited = multiply().apply([x, dense({ units: 6, activation: "sigmoid" }).apply(squeezed)]);
    for (const kernel of await expectSameBits(modelOf({ inputs: x, outputs: excited }))) called.add(kernel);
  });

  test("with the kernels that those call, and no other", async () => {
    const built = await builtKernels();
    expect([...called].filter((kernel) => !built.includes(kernel))).toEqual([]);
    expect(built.filter((kernel) => !called.has(kernel)).sort()).toEqual([]);
  });
});

test("weights are packed once, not for each batch", () => {
  const { graph } = createModel("resnet8", [32, 32, 3], 10);
  const { passes } = layOut(graph, 1024);
  expect(passes.map(({ batch }) => batch)).toEqual([32, 1]);
  // Of nine convolutions each the filter, and what normalizes folded into it.
  for (const { prepared, calls } of passes) {
    expect(prepared).toBeGreaterThanOrEqual(18);
    expect(prepared).toBeLessThan(calls);
  }
});

describe("a module", () => {
  test("says what the model takes and gives, and reads its types", async () => {
    const model = await compiled(createModel("lenet5", [28, 28, 1], 3));
    const metadata = { classNames: ["a", "b", "c"] };
    const made = await predictorOf(model, { metadata });
    expect(made).toMatchObject({
      classNames: ["a", "b", "c"],
      inputShape: [28, 28, 1],
      outputShape: [3],
    });
    const files = await exportModel(model, { format: "js", name: "m", metadata });
    expect(new TextDecoder().decode(files["m.d.ts"])).toContain(
      "export declare function predict(images: Uint8Array | Uint8ClampedArray | Float32Array): Promise<Float32Array>;",
    );
    expect(await exportModel(model, { format: "js", name: "m", metadata })).toEqual(files);
    model.dispose();
  });

  test("imports nothing, and runs in a process of its own", async () => {
    const model = await compiled(createModel("lenet5", [28, 28, 1], 3));
    const { "m.js": text } = await exportModel(model, { format: "js", name: "m" });
    const code = new TextDecoder().decode(text);
    // Not by toMatch(): what it prints where it fails is the whole of it.
    const lines = code.split("\n").filter((line) => !line.startsWith("//"));
    expect(lines.filter((line) => /\bimport\s*[({"*]|\bfrom\s*"|require\(/.test(line)).length).toBe(0);
    await writeFile(join(folder, "alone.mjs"), code);
    const script = `import { predict } from "./alone.mjs"; console.log(JSON.stringify([...await predict(new Uint8Array(784).fill(9))]))`;
    const run = (...flags: string[]) =>
      JSON.parse(
        execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
          cwd: folder,
          encoding: "utf8",
        }),
      );
    const expected = await model.predict({
      images: new Uint8Array(784).fill(9),
      shape: [28, 28, 1],
      count: 1,
    });
    expect(run()).toEqual([...expected]);
    model.dispose();
  });

  test("of several inputs and outputs takes and gives lists", async () => {
    const [a, b] = [input({ shape: [4, 4, 1], name: "a" }), input({ shape: [6], name: "b" })];
    const joined = concatenate().apply([flatten().apply(a), b]);
    const sum = add().apply([dense({ units: 5 }).apply(joined), dense({ units: 5 }).apply(b)]);
    const net = modelOf({
      inputs: [a, b],
      outputs: [sum, dense({ units: 2, activation: "softmax" }).apply(sum)],
    });
    await net.compile({ seed: 3, threads: 1, loss: "meanSquaredError" });
    const { predict } = await predictorOf(net);
    const images = [bytesFor(2 * 16), Float32Array.from(fixtureValues(12, 3, 1))];
    const expected = await net.predict<Float32Array[]>({ images, shape: [[4, 4, 1], [6]], count: 2 });
    expect(((await predict(images)) as Float32Array[]).map(bits)).toEqual(expected.map(bits));
    await expect(predict(images[0]!)).rejects.toThrow("expected 2 arrays, one an input");
    net.dispose();
  });

  test.each([
    ["f16", 0.55, 2e-3],
    ["int8", 0.3, 3e-2],
  ] as const)("with weights of %s is smaller, and about the same", async (weights, share, most) => {
    const model = await compiled(createModel("keras-mnist", [28, 28, 1], 10));
    const data = async (options: Partial<ExportOptions>) =>
      (await exportModel(model, { format: "js", ...options }))["keras-mnist.js"]!.length - 64_000;
    expect((await data({ weights })) / (await data({}))).toBeLessThan(share);
    const { predict } = await predictorOf(model, { weights });
    const images = bytesFor(5 * 784);
    const [given, exact] = [
      await predict(images),
      await model.predict({ images, shape: [28, 28, 1], count: 5 }),
    ];
    const differences = exact.map((value, i) => Math.abs(value - (given as Float32Array)[i]!));
    expect(Math.max(...differences)).toBeLessThan(most);
    expect(Math.max(...differences)).toBeGreaterThan(0);
    model.dispose();
  });

  test.each([
    ["depthwiseConv2d", () => depthwiseConv2d({ kernelSize: 3, useBias: false }), [2, 1]],
    ["conv2dTranspose", () => conv2dTranspose({ filters: 2, kernelSize: 3, useBias: false }), [2, 3]],
  ] as const)("weights of int8 have a scale for each output: %s", async (_, layer, [filters, inner]) => {
    const x = input({ shape: [6, 6, filters === 2 && inner === 1 ? 2 : 3] });
    const net = modelOf({ inputs: x, outputs: layer().apply(x) });
    await net.compile({ seed: 3, threads: 1, loss: "meanSquaredError" });
    const [kernel] = net.getWeights();
    // The first output's are a thousand times those of the second.
    const data = kernel!.data.map((value, i) =>
      Math.floor(i / inner) % filters === 0 ? 1000 * value : value,
    );
    net.setWeights([{ ...kernel!, data }]);
    const { predict } = await predictorOf(net, { weights: "int8" });
    const images = Float32Array.from(fixtureValues(elements(net.inputShape), 3, 1));
    const exact = await net.predict({ images, shape: net.inputShape, count: 1 });
    const given = (await predict(images)) as Float32Array;
    const second = (_: number, i: number) => i % 2 === 1;
    const largest = Math.max(...exact.filter(second).map(Math.abs));
    const differences = exact.map((value, i) => Math.abs(value - given[i]!)).filter(second);
    expect(Math.max(...differences) / largest).toBeLessThan(0.02);
    net.dispose();
  });

  test.each([1, 3] as const)("takes what a canvas gives, for %i channels", async (channels) => {
    const model = await compiled(createModel("mlp", [4, 5, channels], 3));
    const { predict } = await predictorOf(model);
    for (const behind of [255, 0]) {
      // Dark ink on half of it, or light ink on a quarter.
      const ink = (i: number) => (behind === 255 ? i : 255 - i);
      const opaque = behind === 255 ? 10 : 5;
      const data = Uint8ClampedArray.from({ length: 80 }, (_, i) =>
        i % 4 < 3 ? ink(i) : i < 4 * opaque ? 255 : 0,
      );
      const images = Uint8Array.from({ length: 20 * channels }, (_, i) => {
        const pixel = Math.floor(i / channels);
        const [r, g, b] = data.subarray(4 * pixel);
        const byte = channels === 1 ? 0.299 * r! + 0.587 * g! + 0.114 * b! : data[4 * pixel + (i % 3)]!;
        return pixel < opaque ? Math.round(byte) : behind;
      });
      const picture = { data, width: 5, height: 4 };
      expect(await predict(picture as unknown as Uint8Array)).toEqual(await predict(images));
      await expect(predict({ ...picture, width: 4, height: 5 } as unknown as Uint8Array)).rejects.toThrow(
        `predict: got a picture of 5 x 4, height x width, expected 4 x 5 x ${channels}. Draw it in that size`,
      );
    }
    model.dispose();
  });

  test("may stand between a page's tags, under a name that is no address, with any names of classes", async () => {
    const model = await compiled(createModel("lenet5", [28, 28, 1], 3));
    const classNames = ["</script>", "\u2028\"\n'`\\", "<!--"];
    const { "a#1?%20.js": text } = await exportModel(model, {
      format: "js",
      name: "a#1?%20",
      metadata: { classNames },
    });
    const code = new TextDecoder().decode(text);
    expect(/<\/script|<!--/.test(code)).toBe(false);
    await writeFile(join(folder, "a#1?%20.js"), code);
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    const [, line] = /\/\/ +(import .*)/.exec(code)!;
    const script = `${line!.replace("predict", "classNames, predict")} console.log(JSON.stringify(classNames), predict.name)`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(printed).toBe(`${JSON.stringify(classNames)} predict\n`);
    model.dispose();
  });

  test("says what is wrong with what it is given", async () => {
    const model = await compiled(createModel("lenet5", [28, 28, 1], 3));
    const { predict } = await predictorOf(model);
    await expect(predict(new Uint8Array(100))).rejects.toThrow(
      "predict: got 100 numbers, expected 28 x 28 x 1 for each image",
    );
    await expect(predict([1, 2] as unknown as Uint8Array)).rejects.toThrow(
      "predict: expected bytes, a Uint8Array, or a Float32Array",
    );
    await expect(predict(undefined as unknown as Uint8Array)).rejects.toThrow(/predict: expected/);
    expect(await predict(new Uint8Array())).toEqual(new Float32Array());
    model.dispose();
  });

  test("of other formats than this one has no weights to choose", async () => {
    const model = await compiled(createModel("lenet5", [28, 28, 1], 3));
    await expect(exportModel(model, { format: "npz", weights: "f16" })).rejects.toThrow(
      'exportModel: weights is "f16", and "npz" keeps them as they are',
    );
    model.dispose();
  });
});
