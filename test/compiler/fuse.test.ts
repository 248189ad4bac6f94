import { describe, expect, test } from "vitest";
import { fuse } from "../../src/compiler/fuse.ts";
import { type Graph, GraphBuilder, type Op } from "../../src/compiler/graph.ts";
import {
  activation,
  add,
  averagePooling2d,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  input,
  type Layer,
  leakyRelu,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { model } from "../../src/train/functional.ts";
import { sequential } from "../../src/train/sequential.ts";

const conv = (options: Partial<Parameters<typeof conv2d>[0]> = {}) =>
  conv2d({ filters: 4, kernelSize: 3, inputShape: [12, 12, 2], ...options });
const relu = () => activation({ activation: "relu" });
const end = [flatten(), dense({ units: 2, activation: "softmax" })];

/** An op in one word: its kind, and whether relu is in it. */
function word(op: Op): string {
  if (op.kind === "convPool") return op.attributes.conv.relu ? "convReluPool" : "convPool";
  if (op.kind === "conv2d" || op.kind === "dense") return op.attributes.relu ? `${op.kind}Relu` : op.kind;
  return op.kind === "activation" ? op.attributes.kind : op.kind;
}

const fused = (...layers: Layer[]) => fuse(sequential(layers).graph).ops.map(word).join(" ");

describe("fuse()", () => {
  test.each<[string, Layer[], string]>([
    ["conv + relu + max pool", [conv({ activation: "relu" }), maxPooling2d()], "convReluPool"],
    ["conv + relu layer + max pool", [conv(), relu(), maxPooling2d()], "convReluPool"],
    ["conv + max pool", [conv(), maxPooling2d()], "convPool"],
    ["conv + max pool + relu", [conv(), maxPooling2d(), relu()], "convPool relu"],
    ["overlapping windows", [conv(), maxPooling2d({ poolSize: 3, strides: 2 })], "convPool"],
    ["a stride on one axis", [conv(), maxPooling2d({ strides: [1, 2] })], "convPool"],
    ["same padding, strides", [conv({ padding: "same", strides: 2 }), maxPooling2d()], "convPool"],
    ["a pool with same padding", [conv(), maxPooling2d({ padding: "same", poolSize: 3 })], "convPool"],
    ["no bias", [conv({ useBias: false, activation: "relu" }), maxPooling2d()], "convReluPool"],
    ["conv + relu", [conv({ activation: "relu" })], "conv2dRelu"],
    ["conv + relu + relu", [conv({ activation: "relu" }), relu(), maxPooling2d()], "conv2dRelu relu pool2d"],
    ["two blocks", [conv(), relu(), maxPooling2d(), conv(), maxPooling2d()], "convReluPool convPool"],
  ])("merges %s", (_, layers, expected) => {
    const bare = layers.map((layer, i) => (i === 0 ? layer : { ...layer, inputShape: undefined }));
    expect(fused(...bare, ...end)).toBe(`${expected} reshape dense softmax`);
  });

  test.each<[string, Layer[], string]>([
    ["dilation", [conv({ dilationRate: 2, activation: "relu" }), maxPooling2d()], "conv2dRelu pool2d"],
    ["dilation on one axis", [conv({ dilationRate: [1, 2] }), maxPooling2d()], "conv2d pool2d"],
    ["average pooling", [conv({ activation: "relu" }), averagePooling2d()], "conv2dRelu pool2d"],
    ["a pool of stride 1", [conv({ activation: "relu" }), maxPooling2d({ strides: 1 })], "conv2dRelu pool2d"],
    ["another activation", [conv({ activation: "tanh" }), maxPooling2d()], "conv2d tanh pool2d"],
    ["leakyRelu", [conv(), leakyRelu(), maxPooling2d()], "conv2d leakyRelu pool2d"],
    ["dropout between", [conv(), dropout({ rate: 0.5 }), relu()], "conv2d dropout relu"],
    [
      "dropout behind relu",
      [conv({ activation: "relu" }), dropout({ rate: 0.5 }), maxPooling2d()],
      "conv2dRelu dropout pool2d",
    ],
    ["two pools", [conv(), maxPooling2d(), maxPooling2d()], "convPool pool2d"],
    ["flatten between conv and relu", [conv(), flatten(), relu()], "conv2d reshape relu"],
  ])("does not merge what it must not: %s", (_, layers, expected) => {
    expect(fused(...layers, ...end)).toBe(`${expected} reshape dense softmax`);
  });

  test("dense + relu, not dense + sigmoid", () => {
    const layers = [
      dense({ units: 3, activation: "relu", inputShape: [4] }),
      dense({ units: 3 }),
      relu(),
      dense({ units: 3, activation: "sigmoid" }),
    ];
    expect(fused(...layers)).toBe("denseRelu denseRelu dense sigmoid");
  });

  test("relu as the model's output is merged, the op before it is then the output", () => {
    const graph = fuse(sequential([dense({ units: 3, inputShape: [4], activation: "relu" })]).graph);
    expect(graph.ops.map(word)).toEqual(["denseRelu"]);
    expect(graph.ops[0]!.output).toBe(graph.outputs[0]);
  });

  test("leaves the graph it was given as it was", () => {
    const { graph } = sequential([conv({ activation: "relu" }), maxPooling2d(), ...end]);
    const before = structuredClone(graph);
    const after = fuse(graph);
    expect(graph).toEqual(before);
    expect([after.inputs, after.outputs, after.parameters]).toEqual([
      graph.inputs,
      graph.outputs,
      graph.parameters,
    ]);
  });

  test("keeps parameters, shapes and the layer's name", () => {
    const [op] = fuse(sequential([conv({ name: "c" }), maxPooling2d(), ...end]).graph).ops;
    expect(op).toMatchObject({ kind: "convPool", layer: "c", attributes: { convShape: [10, 10, 4] } });
    expect(op!.parameters.map((p) => p.name)).toEqual(["c/kernel", "c/bias"]);
    expect(op!.output.shape).toEqual([5, 5, 4]);
  });

  describe("normalizations", () => {
    const bare = { filters: 4, kernelSize: 3, padding: "same" } as const;
    /** An op in one word, with what was merged into it. */
    const words = (graph: Graph, training: boolean) =>
      fuse(graph, training).ops.map((op) => {
        const { relu, residual, norm } = op.attributes as {
          relu?: boolean;
          residual?: boolean;
          norm?: object;
        };
        const folded = op.kind !== "batchNorm" && norm ? "+norm" : "";
        return `${op.kind}${folded}${residual ? "+sum" : ""}${relu ? "+relu" : ""}`;
      });
    const normed = (x: SymbolicTensor) => batchNormalization().apply(conv2d(bare).apply(x));
    const rectified = (x: SymbolicTensor) => relu().apply(x);
    const graphOf = (write: (x: SymbolicTensor) => SymbolicTensor | SymbolicTensor[]) => {
      const x = input({ shape: [8, 8, 4] });
      return model({ inputs: x, outputs: write(x) }).graph;
    };

    test.each<[string, (x: SymbolicTensor) => SymbolicTensor | SymbolicTensor[], string, string]>([
      ["relu", (x) => rectified(normed(x)), "conv2d batchNorm+relu", "conv2d+norm+relu"],
      [
        "a sum and relu",
        (x) => rectified(add().apply([normed(x), x])),
        "conv2d batchNorm+sum+relu",
        "conv2d+norm add+relu",
      ],
      [
        "a sum, the other way round",
        (x) => add().apply([x, normed(x)]),
        "conv2d batchNorm+sum",
        "conv2d+norm add",
      ],
      [
        "the later of two in a sum",
        (x) => add().apply([normed(x), normed(x)]),
        "conv2d batchNorm conv2d batchNorm+sum",
        "conv2d+norm conv2d+norm add",
      ],
      [
        "not a sum of one with itself",
        (x) => {
          const y = normed(x);
          return add().apply([y, y]);
        },
        "conv2d batchNorm add",
        "conv2d+norm add",
      ],
      [
        "not a sum whose part is needed elsewhere",
        (x) => {
          const y = normed(x);
          return [add().apply([y, x]), rectified(y)];
        },
        "conv2d batchNorm add activation",
        "conv2d+norm add activation",
      ],
      [
        "not after relu",
        (x) => add().apply([rectified(normed(x)), x]),
        "conv2d batchNorm+relu add",
        "conv2d+norm+relu add",
      ],
      [
        "no convolution that is needed elsewhere",
        (x) => {
          const y = conv2d(bare).apply(x);
          return [batchNormalization().apply(y), y];
        },
        "conv2d batchNorm",
        "conv2d batchNorm",
      ],
      [
        "what is pooled",
        (x) => maxPooling2d().apply(rectified(normed(x))),
        "conv2d batchNorm+relu pool2d",
        "convPool",
      ],
    ])("%s", (_, write, training, inference) => {
      expect(words(graphOf(write), true).join(" ")).toBe(training);
      expect(words(graphOf(write), false).join(" ")).toBe(inference);
    });

    test("the sum's other part is made before it is added", () => {
      const graph = fuse(graphOf((x) => add().apply([normed(x), normed(x)])));
      const made = new Set(graph.inputs);
      for (const op of graph.ops) {
        for (const value of op.inputs) expect(made.has(value)).toBe(true);
        made.add(op.output);
      }
    });
  });

  describe("a value that someone else needs, too", () => {
    /** conv -> relu -> pool, built by hand. */
    function chain() {
      const builder = new GraphBuilder();
      const image = builder.input([12, 12, 2]);
      const lower = (layer: Layer, value = image) => layer.lower(builder, layer.type, [value])[0]!;
      const c = lower(conv());
      const r = lower(relu(), c);
      return { builder, lower, c, r, pool: lower(maxPooling2d(), r) };
    }

    test("a second reader of the convolution", () => {
      const { builder, lower, c, pool } = chain();
      expect(fuse(builder.build([pool, lower(flatten(), c)])).ops.map(word)).toEqual([
        "conv2d",
        "relu",
        "pool2d",
        "reshape",
      ]);
    });

    test("a second reader of relu", () => {
      const { builder, lower, r, pool } = chain();
      expect(fuse(builder.build([pool, lower(flatten(), r)])).ops.map(word)).toEqual([
        "conv2dRelu",
        "pool2d",
        "reshape",
      ]);
    });

    test("an output of the model, which another one is made of", () => {
      const { builder, c, r, pool } = chain();
      expect(fuse(builder.build([pool, c])).ops.map(word)).toEqual(["conv2d", "relu", "pool2d"]);
      expect(fuse(builder.build([pool, r])).ops.map(word)).toEqual(["conv2dRelu", "pool2d"]);
    });

    test("what leads to no output is left out", () => {
      for (const [output, expected] of [
        ["c", ["conv2d"]],
        ["r", ["conv2dRelu"]],
        ["pool", ["convReluPool"]],
      ] as const) {
        const { builder, ...values } = chain();
        expect(fuse(builder.build([values[output]])).ops.map(word)).toEqual(expected);
      }
    });
  });
});
