// Mutated ONNX files: what comes is a model or an error of ours, and soon. WASMGRAD_FUZZ=20000 makes as many mutations of each file,
// WASMGRAD_FUZZ_SEED=2 others.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { MemoryError } from "../../src/engine/memory-error.ts";
import { ModelFileError } from "../../src/formats/model-file.ts";
import { decodeModel, encodeModel, type NewNode } from "../../src/interchange/onnx/messages.ts";
import { createModel, exportModel, loadModel } from "../../src/node.ts";
import { EXTREME_NUMBERS, mutateBytes, randomOf } from "../support/mutate.ts";

const ALL = process.env.WASMGRAD_TESTS === "all";
const RUNS = Number(process.env.WASMGRAD_FUZZ ?? (ALL ? 2000 : 60));
const SEED = Number(process.env.WASMGRAD_FUZZ_SEED ?? 1);
/** Bytes that no file of these few kilobytes may make the process take at once, beside what it had. */
const MOST_BYTES = 256 * 2 ** 20;

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/onnx/${name}.onnx`, import.meta.url)));
const files = new Map<string, Uint8Array>(
  ["chain-traced", "residual-exported", "depthwise-traced", "activations-traced", "activations-exported"].map(
    (name) => [name, fixture(name)],
  ),
);

beforeAll(async () => {
  const model = createModel("resnet8", [8, 8, 1], 3);
  await model.compile({ threads: 1 });
  files.set("own", Object.values(await exportModel(model, { format: "onnx" }))[0]!);
  model.dispose();
});

/** Reads it. Throws where what comes is neither a model nor an error of ours. */
async function tried(bytes: Uint8Array, what: string): Promise<void> {
  const before = process.memoryUsage();
  try {
    await loadModel(bytes);
  } catch (error) {
    if (!(error instanceof ModelFileError || error instanceof MemoryError))
      throw new Error(`${what}: ${error}`, { cause: error });
    expect(error.message.length, what).toBeLessThan(30_000);
  }
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers, what).toBeLessThan(MOST_BYTES);
}

describe.each([
  "chain-traced",
  "residual-exported",
  "depthwise-traced",
  "activations-traced",
  "activations-exported",
  "own",
])("%s", (name) => {
  test("with bytes changed", { timeout: 600_000 }, async () => {
    const below = randomOf(SEED);
    for (let i = 0; i < RUNS; i++)
      await tried(mutateBytes(files.get(name)!, below), `${name}, mutation ${i} of seed ${SEED}`);
  });

  test("with nodes, names and numbers changed", { timeout: 600_000 }, async () => {
    const below = randomOf(SEED + 1);
    for (let i = 0; i < RUNS; i++)
      await tried(mutateModel(files.get(name)!, below), `${name}, change ${i} of seed ${SEED}`);
  });
});

const OPERATORS = (
  "Conv ConvTranspose Gemm MatMul Reshape Transpose Concat Slice Split Pad Resize Gather Shape Unsqueeze Squeeze Expand ConstantOfShape Range " +
  "Flatten DepthToSpace SpaceToDepth Softmax ReduceMean LayerNormalization InstanceNormalization GroupNormalization BatchNormalization Clip Pow Where Mul Identity"
).split(" ");

/** The file with a few of its names, numbers, attributes and nodes changed: it stays a message of ONNX's. */
function mutateModel(bytes: Uint8Array, below: (n: number) => number): Uint8Array {
  const model = decodeModel(bytes);
  const graph = structuredClone(model.graph!) as unknown as {
    node: (NewNode & {
      opType: string;
      input: string[];
      output: string[];
      attribute: Record<string, unknown>[];
    })[];
    initializer: { name: string; dims: number[]; int64Data: number[]; dataType: number }[];
    input: { type: { tensorType: { shape: { dim: { dimValue?: number | undefined }[] } } } }[];
  };
  const whole = () => Math.trunc(EXTREME_NUMBERS[below(EXTREME_NUMBERS.length)]! % 2 ** 53);
  const names = [
    ...graph.node.flatMap(({ input, output }) => [...input, ...output]),
    ...graph.initializer.map(({ name }) => name),
  ];
  for (let i = below(4); i >= 0; i--) {
    const node = graph.node[below(graph.node.length)]!;
    const attribute = node.attribute[below(Math.max(1, node.attribute.length))];
    const tensor = graph.initializer[below(Math.max(1, graph.initializer.length))];
    switch (below(8)) {
      case 0:
        node.opType = OPERATORS[below(OPERATORS.length)]!;
        break;
      case 1:
        node.input[below(node.input.length + 1)] = names[below(names.length)]!;
        node.input = Array.from(node.input, (name) => name ?? "");
        break;
      case 2:
        if (attribute?.ints && attribute.ints.length > 0)
          Object.assign(attribute, { ints: attribute.ints.map((n) => (below(2) ? whole() : n)) });
        break;
      case 3:
        if (attribute) Object.assign(attribute, { i: whole(), f: Math.fround(whole()) });
        break;
      case 4:
        if (tensor) tensor.dims = tensor.dims.map((n) => (below(2) ? whole() : n));
        break;
      case 5: {
        const dims = graph.input[0]!.type.tensorType.shape.dim;
        dims[below(dims.length)]!.dimValue = [whole(), 1 + below(40), 2 ** 20, 2 ** 31][below(4)]!;
        break;
      }
      case 6:
        graph.node.splice(below(graph.node.length), below(2), node);
        break;
      case 7: {
        const value = [whole(), whole(), below(9)];
        graph.initializer.push({ name: `n${i}`, dims: [value.length], int64Data: value, dataType: 7 });
        node.input[below(3)] = `n${i}`;
        node.input = Array.from(node.input, (name) => name ?? "");
      }
    }
  }
  return encodeModel({ ...model, graph } as unknown as Parameters<typeof encodeModel>[0]);
}

test("a chain of constants that double is refused before it fills the memory", async () => {
  const node: NewNode[] = [
    {
      opType: "Concat",
      name: "c0",
      input: ["w", "w"],
      output: ["d0"],
      attribute: [{ name: "axis", i: 0, type: 2 }],
    },
    ...Array.from({ length: 60 }, (_, i) => ({
      opType: "Concat",
      name: `c${i + 1}`,
      input: [`d${i}`, `d${i}`],
      output: [`d${i + 1}`],
      attribute: [{ name: "axis", i: 0, type: 2 }],
    })),
    { opType: "Relu", name: "r", input: ["x"], output: ["y"] },
  ];
  const dim = [{ dimParam: "N" }, { dimValue: 4 }];
  const file = encodeModel({
    irVersion: 8,
    producerName: "t",
    graph: {
      name: "g",
      node,
      initializer: [{ name: "w", dims: [64], dataType: 1, rawData: new Uint8Array(256) }],
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim } } } }],
      output: [{ name: "y" }],
    },
    opsetImport: [{ version: 17 }],
  });
  await expect(loadModel(file)).rejects.toMatchObject({ code: "too-large" });
});

test("values that double at each node, and graphs that lie in each other, are no endless work", async () => {
  const dim = [{ dimParam: "N" }, { dimValue: 4 }];
  const chain = (opType: string, count: number, twice: boolean): NewNode[] =>
    Array.from({ length: count }, (_, i) => ({
      opType,
      name: `n${i}`,
      input: twice ? [`v${i}`, `v${i}`] : [`v${i}`],
      output: [`v${i + 1}`],
      attribute: opType === "Concat" ? [{ name: "axis", i: 1, type: 2 }] : [],
    }));
  for (const node of [
    chain("Add", 200, true),
    chain("Mul", 3000, true),
    chain("Concat", 200, true),
    chain("Tanh", 20_000, false),
    chain("Erf", 5000, false),
  ]) {
    const file = encodeModel({
      irVersion: 8,
      producerName: "t",
      graph: {
        name: "g",
        node,
        input: [{ name: "v0", type: { tensorType: { elemType: 1, shape: { dim } } } }],
        output: [{ name: `v${node.length}` }],
      },
      opsetImport: [{ version: 17 }],
    });
    await tried(file, `${node.length} of ${node[0]!.opType}`);
  }
});
