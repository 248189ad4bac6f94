// Every layer, and whole models, as PyTorch computes them from what is written for it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import * as api from "../../src/node.ts";
import { exportModel, loadModel, type Model, type ModelConfig, modelFromConfig } from "../../src/node.ts";
import { findPython, runPython } from "../support/python.ts";
import {
  difference,
  inFolder,
  numbers,
  randomized,
  runHere,
  runInTorch,
  type TorchCase,
} from "../support/torch.ts";

const python = findPython("torch");

type Entry = Readonly<Record<string, unknown>> & { readonly type: string };

/** A model of one layer, behind a prelu: a model needs something to learn. */
function alone(layer: Entry, shapes: readonly (readonly number[])[]): Model {
  const inputs = shapes.map((_, i) => `in${i}`);
  return modelFromConfig({
    inputs,
    outputs: ["it"],
    layers: [
      ...shapes.map((shape, i) => ({ type: "input", name: `in${i}`, shape })),
      ...shapes.map((shape, i) => ({
        type: "prelu",
        name: `prelu${i}`,
        sharedAxes: shape.map((_, axis) => axis + 1),
        from: [`in${i}`],
      })),
      { ...layer, name: "it", from: shapes.map((_, i) => `prelu${i}`) },
    ],
  } as ModelConfig);
}

const FIXTURE = JSON.parse(readFileSync(new URL("../fixtures/layers.json", import.meta.url), "utf8")) as {
  cases: { layer: Entry; inputs: { shape: number[] }[] }[];
};

/** What the fixture, which Keras computed, has none of. */
const FURTHER: readonly (readonly [Entry, ...(readonly number[])[]])[] = [
  [
    { type: "conv2d", filters: 4, kernelSize: [3, 2], strides: [2, 3], padding: "same", activation: "relu" },
    [7, 8, 3],
  ],
  [{ type: "conv2d", filters: 6, kernelSize: 3, groups: 3, padding: "same", useBias: false }, [5, 6, 3]],
  [{ type: "conv2d", filters: 6, kernelSize: 3, groups: 2, dilationRate: 2, padding: "same" }, [5, 6, 4]],
  [{ type: "conv2d", filters: 4, kernelSize: 4, padding: "same", activation: "softmax" }, [6, 5, 2]],
  [{ type: "depthwiseConv2d", kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }, [6, 7, 3]],
  [
    { type: "separableConv2d", filters: 5, kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 },
    [6, 6, 3],
  ],
  ...[1, 2, 3].flatMap((strides) =>
    ["same", "valid"].flatMap((padding) =>
      [1, 2, 3, 4, [2, 5]].map(
        (kernelSize) =>
          [{ type: "conv2dTranspose", filters: 3, kernelSize, strides, padding }, [4, 5, 2]] as const,
      ),
    ),
  ),
  [
    { type: "conv2dTranspose", filters: 3, kernelSize: 3, strides: 2, padding: "same", outputPadding: 1 },
    [4, 5, 2],
  ],
  [
    {
      type: "conv2dTranspose",
      filters: 3,
      kernelSize: 3,
      strides: 2,
      padding: "valid",
      outputPadding: [0, 1],
    },
    [4, 5, 2],
  ],
  [{ type: "conv2dTranspose", filters: 3, kernelSize: 3, dilationRate: 2, padding: "same" }, [4, 5, 2]],
  ...["maxPooling2d", "averagePooling2d"].flatMap((type) =>
    [2, 3, [3, 4]].flatMap((poolSize) =>
      [1, 2, [2, 1]].map((strides) => [{ type, poolSize, strides, padding: "same" }, [7, 6, 3]] as const),
    ),
  ),
  [{ type: "averagePooling1d", poolSize: 3, strides: 2, padding: "same" }, [8, 3]],
  [{ type: "dense", units: 4, activation: "softmax" }, [3, 2, 5]],
  [{ type: "flatten" }, [3, 4, 5]],
  [{ type: "flatten" }, [6]],
  [{ type: "reshape", targetShape: [5, 12] }, [3, 4, 5]],
  [{ type: "reshape", targetShape: [3, 2, 10] }, [60]],
  [{ type: "reshape", targetShape: [-1] }, [3, 4, 5]],
  ...[
    [1, 2, 3],
    [3, 1, 2],
    [2, 3, 1],
    [2, 1, 3],
    [3, 2, 1],
  ].map((dims) => [{ type: "permute", dims }, [3, 4, 5]] as const),
  [{ type: "permute", dims: [2, 1] }, [3, 4]],
  [{ type: "permute", dims: [1] }, [3]],
  [{ type: "permute", dims: [4, 2, 1, 3] }, [2, 3, 2, 4]],
  ...["add", "subtract", "multiply", "average", "maximum", "minimum"].flatMap((type) => [
    [{ type }, [3, 4, 5], [5]] as const,
    [{ type }, [3, 4, 5], [4, 5]] as const,
    [{ type }, [3, 1, 5], [3, 4, 1]] as const,
    [{ type }, [6], [6]] as const,
  ]),
  [{ type: "add" }, [3, 4, 5], [3, 4, 5], [1, 1, 5]],
  ...[-1, 1, 2, 3].map((axis) => [{ type: "concatenate", axis }, [3, 4, 5], [3, 4, 5]] as const),
  [{ type: "concatenate" }, [3], [4], [5]],
  ...[-1, [2, 3], [1, 2, 3]].map((axis) => [{ type: "layerNormalization", axis }, [3, 4, 5]] as const),
  [{ type: "layerNormalization", center: false }, [3, 4]],
  [{ type: "layerNormalization", scale: false, center: false }, [6]],
  [{ type: "layerNormalization", scale: false, axis: [1, 2, 3] }, [3, 4, 5]],
  [{ type: "batchNormalization", scale: false }, [3, 4, 5]],
  [{ type: "batchNormalization", center: false, epsilon: 0.01 }, [4, 5]],
  [{ type: "batchNormalization", center: false, scale: false }, [5]],
  [{ type: "batchNormalization" }, [2, 2, 3, 4]],
  [{ type: "groupNormalization", groups: 3 }, [3, 4, 6]],
  [{ type: "groupNormalization", groups: -1, scale: false }, [4, 6]],
  [{ type: "groupNormalization", groups: 2 }, [6]],
  [{ type: "prelu" }, [3, 4, 5]],
  [{ type: "prelu", sharedAxes: [1, 2] }, [3, 4, 5]],
  [{ type: "prelu", sharedAxes: [3] }, [3, 4, 5]],
  [{ type: "prelu" }, [5]],
  [{ type: "relu", maxValue: 0.5, negativeSlope: 0.1, threshold: 0.2 }, [3, 4, 5]],
  [{ type: "relu", maxValue: 0.5 }, [3, 4, 5]],
  [{ type: "relu", threshold: 0.2 }, [3, 4, 5]],
  [{ type: "upSampling2d", size: [2, 3] }, [3, 4, 2]],
  [{ type: "upSampling2d", size: [3, 2], interpolation: "bilinear" }, [3, 4, 2]],
  [
    {
      type: "zeroPadding2d",
      padding: [
        [1, 2],
        [0, 3],
      ],
    },
    [3, 4, 2],
  ],
  [
    {
      type: "cropping2d",
      cropping: [
        [1, 0],
        [1, 2],
      ],
    },
    [4, 5, 2],
  ],
  [{ type: "leakyRelu", alpha: 0.1 }, [4, 4, 3]],
  [{ type: "elu", alpha: 0.7 }, [4]],
  [{ type: "dropout", rate: 0.3 }, [4, 4, 3]],
  [{ type: "spatialDropout2d", rate: 0.3 }, [4, 4, 3]],
  [{ type: "gaussianNoise", stddev: 0.3 }, [4, 3]],
  [{ type: "gaussianDropout", rate: 0.3 }, [4, 4, 3]],
  ...["Flip", "Contrast", "Brightness", "Rotation", "Translation", "Zoom"].map(
    (name) =>
      [
        {
          type: `random${name}`,
          ...(/Fl|T|Z/.test(name) ? {} : { factor: 0.2 }),
          ...(/T|Z/.test(name) && { heightFactor: 0.1, widthFactor: 0.1 }),
        },
        [4, 4, 3],
      ] as const,
  ),
  [{ type: "randomErasing" }, [4, 4, 3]],
  [{ type: "cutMix" }, [4, 4, 3]],
  [{ type: "randomCrop", height: 3, width: 2 }, [6, 7, 3]],
  [{ type: "mixUp" }, [4, 4, 3]],
  [{ type: "globalMaxPooling2d", keepdims: true }, [3, 4, 5]],
];

/** Models in which what is flattened, and what weights are in its order, is not next to each other. */
function models(): Record<string, Model> {
  const { conv2d, dense, flatten, batchNormalization, dropout, input, concatenate, add, reshape, permute } =
    api;
  const conv = (filters: number) => conv2d({ filters, kernelSize: 3, activation: "relu" });
  const from = (shape: number[], ...layers: api.Layer[]) => {
    const [first, ...others] = layers;
    const x = input({ shape });
    return { x, y: others.reduce((value, layer) => layer.apply(value), first!.apply(x)) };
  };
  const graph = (...layers: api.Layer[]) => {
    const { x, y } = from([6, 7, 2], ...layers);
    return api.model({ inputs: x, outputs: y });
  };
  const x = input({ shape: [6, 7, 2] });
  const left = flatten().apply(conv(3).apply(x));
  const right = flatten().apply(conv(4).apply(x));
  const shared = dense({ units: 60 });
  const a = input({ shape: [5, 4, 3] });
  const b = input({ shape: [7] });
  const rows = flatten().apply(conv(3).apply(a));
  return {
    behind: graph(
      conv(3),
      flatten(),
      batchNormalization(),
      dropout({ rate: 0.2 }),
      api.prelu(),
      dense({ units: 4 }),
    ),
    norms: graph(
      conv(3),
      flatten(),
      api.layerNormalization(),
      api.normalization({ mean: 0.1, variance: 2 }),
      dense({ units: 4 }),
    ),
    joined: api.model({
      inputs: x,
      outputs: dense({ units: 3 }).apply(
        concatenate().apply([left, right, api.globalAveragePooling2d().apply(x)]),
      ),
    }),
    summed: api.model({
      inputs: x,
      outputs: dense({ units: 3 }).apply(add().apply([left, flatten().apply(conv(3).apply(x))])),
    }),
    unlike: api.model({
      inputs: x,
      outputs: add().apply([left, shared.apply(left), shared.apply(api.relu().apply(left))]),
    }),
    two: api.model({
      inputs: [a, b],
      outputs: [dense({ units: 3 }).apply(concatenate().apply([b, rows])), rows, a],
    }),
    decoder: graph(
      flatten(),
      dense({ units: 24, activation: "relu" }),
      batchNormalization(),
      reshape({ targetShape: [3, 4, 2] }),
      conv(3),
    ),
    bothways: graph(
      conv(3),
      flatten(),
      dense({ units: 40 }),
      reshape({ targetShape: [4, 5, 2] }),
      conv(2),
      flatten(),
      dense({ units: 3 }),
    ),
    twice: graph(
      flatten(),
      dense({ units: 24 }),
      api.softmax(),
      reshape({ targetShape: [3, 4, 2] }),
      reshape({ targetShape: [4, 3, 2] }),
      flatten(),
      dense({ units: 2 }),
    ),
    first: graph(conv(3), permute({ dims: [3, 1, 2] }), api.relu(), flatten(), dense({ units: 4 })),
    back: graph(conv(3), permute({ dims: [3, 1, 2] }), permute({ dims: [2, 3, 1] }), conv(2)),
    // What looks at the channels has them first, also where they are held as here.
    ...Object.fromEntries(
      [api.activation({ activation: "softmax" }), api.randomFlip()].map((layer, i) => [
        `turned${i}`,
        graph(conv(3), permute({ dims: [3, 1, 2] }), layer, conv(2), flatten(), dense({ units: 4 })),
      ]),
    ),
    named: named(),
    tokens: graph(
      conv(4),
      reshape({ targetShape: [-1, 4] }),
      api.layerNormalization(),
      dense({ units: 3 }),
      api.conv1d({ filters: 2, kernelSize: 3 }),
      flatten(),
      dense({ units: 2 }),
    ),
    excite: excite(),
    frozen: graph(
      conv2d({ filters: 3, kernelSize: 3, trainable: false, name: "a.b" }),
      batchNormalization({ trainable: false, name: "a.c" }),
      flatten(),
      dense({ units: 2, name: "lambda" }),
    ),
    lenet5: api.createModel("lenet5", [28, 28, 1], 10),
    resnet8: api.createModel("resnet8", [32, 32, 3], 10),
    unet: api.createModel("unet", [16, 24, 3], 4),
    autoencoder: api.createModel("autoencoder", [14, 10, 1], 1),
    inception: api.createModel("inception", [28, 28, 3], 5),
  };
}

/** A squeeze and excitation, and a layer that is called twice. */
function excite(): Model {
  const x = api.input({ shape: [6, 6, 8] });
  const conv = api.conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "silu" });
  const y = conv.apply(conv.apply(x));
  const pooled = api.reshape({ targetShape: [1, 1, 8] }).apply(api.globalAveragePooling2d().apply(y));
  const gate = api
    .dense({ units: 8, activation: "sigmoid" })
    .apply(api.dense({ units: 2, activation: "relu" }).apply(pooled));
  return api.model({ inputs: x, outputs: api.multiply().apply([y, gate]) });
}

/** Layers that are called as what the module calls. */
function named(): Model {
  const x = api.input({ shape: [5, 5, 2], name: "float" });
  const conv = api.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "channels_last" }).apply(x);
  const window = { poolSize: 2, strides: 1, padding: "same" } as const;
  const mean = api.averagePooling2d({ ...window, name: "mean_of_cells" }).apply(conv);
  const most = api.maxPooling2d(window).apply(mean);
  const first = api.dense({ units: 2, name: "channels_first" }).apply(most);
  const other = api.dense({ units: 2 }).apply(first);
  return api.model({ inputs: x, outputs: api.add().apply([x, conv, mean, first, other]) });
}

describe.skipIf(!python)("as PyTorch computes them, from what is written for it", () => {
  test("every layer, and models of many", { timeout: 300_000 }, async () => {
    const cases: TorchCase[] = [];
    const add = async (name: string, model: Model) => {
      await randomized(model, cases.length + 1);
      const inputs = model.graph.inputs.map(({ shape }, i) => numbers(elements(shape), 77 + i));
      cases.push({ name, model, inputs });
    };
    const layers: [Entry, ...(readonly number[])[]][] = [
      ...FIXTURE.cases.map(
        ({ layer, inputs }) => [layer, ...inputs.map(({ shape }) => shape)] as [Entry, ...number[][]],
      ),
      ...(FURTHER as [Entry, ...(readonly number[])[]][]),
    ];
    for (const [i, [layer, ...shapes]] of layers.entries())
      await add(`${String(i).padStart(3, "0")}_${layer.type}`, alone(layer, shapes));
    for (const [name, model] of Object.entries(models())) await add(`net_${name}`, model);
    const there = await runInTorch(python!, cases);
    let worst = 0;
    const wrong: string[] = [];
    for (const one of cases) {
      const { outputs, shapes, error } = there[one.name]!;
      const here = await runHere(one);
      const said = layers[Number(one.name.slice(0, 3))] ?? "";
      if (error !== undefined) {
        wrong.push(`${one.name} ${JSON.stringify(said)}: ${error}`);
        continue;
      }
      here.forEach((values, i) => {
        const far = difference(values, outputs[i]!);
        worst = Math.max(worst, far);
        if (!(far < 1e-5) || shapes[i]!.join() !== one.model.graph.outputs[i]!.shape.join())
          wrong.push(`${one.name} ${JSON.stringify(said)}: ${far}, ${shapes[i]}`);
      });
      // And back: the same weights, to the bit.
      const bytes = Object.values(await exportModel(one.model, { format: "pytorch" }))[0]!;
      expect((await loadModel(bytes, { model: one.model })).tensors, one.name).toEqual(
        one.model.getWeights(),
      );
      one.model.dispose();
    }
    expect(wrong.join("\n")).toBe("");
    const types = new Set(layers.map(([{ type }]) => type));
    expect(Object.keys(LAYERS).filter((type) => !types.has(type) && type !== "input")).toEqual([]);
  });

  test("what is random is so in train() alone, and as much", { timeout: 100_000 }, () =>
    inFolder(async (folder) => {
      const layers = [
        { type: "dropout", rate: 0.3 },
        { type: "spatialDropout2d", rate: 0.3 },
        { type: "gaussianNoise", stddev: 0.3 },
        { type: "gaussianDropout", rate: 0.2 },
      ];
      for (const layer of layers) {
        const model = alone(layer, [[8, 8, 16]]);
        await model.compile({ threads: 1, loss: "meanSquaredError" });
        const files = await exportModel(model, { format: "pytorch", name: layer.type });
        for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
        model.dispose();
      }
      const told = runPython(
        python!,
        `import importlib, json, sys, torch
sys.path.insert(0, sys.argv[1])
torch.manual_seed(1)
told = {}
for name in sys.argv[2:]:
    model = importlib.import_module(name).load()
    x = torch.ones(200, 16, 8, 8)
    still = bool((model(x) == x).all())
    y = model.train()(x).detach()
    told[name] = [still, y.mean().item(), y.std().item(), (y == 0).float().mean().item(),
                  bool(((y == 0).float().mean((2, 3)) % 1 == 0).all())]
print(json.dumps(told))`,
        [folder, ...layers.map(({ type }) => type)],
      );
      for (const [i, [mean, deviation, zeros, channels]] of [
        [1, Math.sqrt(0.3 / 0.7), 0.3, false],
        [1, Math.sqrt(0.3 / 0.7), 0.3, true],
        [1, 0.3, 0, true],
        [1, Math.sqrt(0.2 / 0.8), 0, true],
      ].entries()) {
        const [still, ...got] = told[layers[i]!.type];
        expect(still).toBe(true);
        expect(got[0]).toBeCloseTo(mean as number, 1);
        expect(got[1]).toBeCloseTo(deviation as number, 1);
        expect(got[2]).toBeCloseTo(zeros as number, 1);
        expect(got[3]).toBe(channels);
      }
    }),
  );
});
