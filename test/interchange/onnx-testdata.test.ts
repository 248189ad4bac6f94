import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { elements } from "../../src/compiler/graph.ts";
import { ModelFileError, modelOfParts } from "../../src/formats/model-file.ts";
import { isElementwise } from "../../src/interchange/onnx/elementwise.ts";
import {
  decodeModel,
  encodeModel,
  type NewTensor,
  type OnnxModel,
  type OnnxTensor,
} from "../../src/interchange/onnx/messages.ts";
import { KNOWN } from "../../src/interchange/onnx/operators.ts";
import { read } from "../../src/interchange/onnx/read.ts";
import { type Constant, constantOf } from "../../src/interchange/onnx/tensors.ts";
import type { PortableModel } from "../../src/interchange/portable.ts";
import { modelFromConfig } from "../../src/train/functional.ts";

// ONNX's own tests of its operators: models with inputs and what comes of them (Debian's libonnx-testdata).
const ROOT = process.env.WASMGRAD_ONNX_TESTDATA ?? "/usr/share/libonnx-testdata/data";
const KINDS = ["node", "pytorch-converted", "pytorch-operator", "simple"];
const found = existsSync(ROOT);

/** What cannot be a model here, though the operators are known: names of cases, by what their refusal says. */
const REFUSED: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(new URL("../fixtures/onnx/testdata-refused.json", import.meta.url), "utf8"),
);
/** Those that train, and those that round to half floats: here is none of either. */
const OTHERWISE = /training_dropout(_default)?$|_to_FLOAT16|BFLOAT16/;

/** A tensor in a file of its own. */
function decodeTensor(bytes: Uint8Array): OnnxTensor {
  const graph = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(bytes).finish();
  const model = new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph).finish();
  return decodeModel(model).graph!.initializer[0]!;
}

/** The model with further inputs as weights: there they are given with each question. */
function withWeights(
  model: OnnxModel,
  inputs: readonly OnnxTensor[],
  weights: ReadonlySet<number>,
): Uint8Array<ArrayBuffer> {
  const graph = model.graph!;
  const names = graph.input
    .map(({ name }) => name!)
    .filter((name) => !graph.initializer.some((one) => one.name === name));
  const given = inputs.flatMap((tensor, i) => (weights.has(i) ? [{ ...tensor, name: names[i]! }] : []));
  return encodeModel({
    ...model,
    graph: {
      ...graph,
      input: graph.input.filter(({ name }) => !given.some((one) => one.name === name)),
      initializer: [...graph.initializer, ...given] as NewTensor[],
    },
  } as Parameters<typeof encodeModel>[0]);
}

/** A model of numbers in one row, which has no batch, as one of one sample. */
function ofOneSample(model: OnnxModel): OnnxModel {
  const graph = model.graph!;
  const dims = (value: (typeof graph.input)[number]) => value.type?.tensorType?.shape?.dim ?? [];
  if (
    !graph.node.every(({ opType }) => isElementwise(opType!)) ||
    !graph.input.every((value) => dims(value).length <= 1)
  )
    return model;
  const input = graph.input.map((value) => ({
    ...value,
    type: { tensorType: { ...value.type?.tensorType, shape: { dim: [{ dimValue: 1 }, ...dims(value)] } } },
  }));
  return {
    ...model,
    graph: {
      ...graph,
      input: input.map((value, i) => (dims(graph.input[i]!).length === 1 ? value : graph.input[i]!)),
    },
  } as OnnxModel;
}
const asSample = (constant: Constant): Constant =>
  constant.shape.length === 1 ? { ...constant, shape: [1, ...constant.shape] } : constant;

/** A model that learns nothing gets a layer behind each output that changes nothing. */
function withParameters({ config, tensors, metadata }: PortableModel): PortableModel {
  if (tensors.length > 0) return { config, tensors, metadata };
  const end = (name: string) => ({ type: "normalization", name, mean: 0, variance: 1 });
  const names = config.outputs?.map((_, i) => `end_${i}`) ?? ["end_0"];
  const layers = [
    ...config.layers,
    ...names.map((name, i) => ({ ...end(name), ...(config.outputs && { from: [config.outputs[i]!] }) })),
  ];
  return { config: { ...config, layers, ...(config.outputs && { outputs: names }) }, tensors: [], metadata };
}

/** Axes behind the batch moved: channels of [N, C, ...] to the end. */
function channelsLast({ shape, data }: Constant): Float32Array {
  const [N = 1, C = 1, ...rest] = shape;
  const places = elements(rest);
  const moved = new Float32Array(data.length);
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++)
      for (let i = 0; i < places; i++) moved[(n * places + i) * C + c] = data[(n * C + c) * places + i]!;
  return moved;
}
const arrangements = (constant: Constant) =>
  constant.shape.length > 2
    ? [
        { shape: [...constant.shape.slice(2), constant.shape[1]!], data: channelsLast(constant) },
        { shape: constant.shape.slice(1), data: Float32Array.from(constant.data) },
      ]
    : [{ shape: constant.shape.slice(1), data: Float32Array.from(constant.data) }];

const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!) / (1 + Math.abs(b[i]!))), 0);

/** The largest difference of a case; throws what refuses it. */
async function runCase(folder: string): Promise<number> {
  const model = ofOneSample(decodeModel(readFileSync(join(folder, "model.onnx"))));
  const data = join(folder, "test_data_set_0");
  const files = readdirSync(data);
  const tensors = (kind: string) =>
    files
      .filter((file) => file.startsWith(kind))
      .sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)))
      .map((file) => decodeTensor(readFileSync(join(data, file))));
  const inputs = tensors("input_");
  const outputs = tensors("output_").map((tensor) => asSample(constantOf(tensor, {})));
  // All are given with each sample; or all but the first are weights.
  const ways = inputs.length > 1 ? [[], inputs.slice(1).map((_, i) => i + 1)] : [[]];
  let refusal: unknown;
  for (const way of ways) {
    try {
      const portable = withParameters(await read({ "": withWeights(model, inputs, new Set(way)) }, {}));
      const loaded = weighed(portable);
      await loaded.compile({ threads: 1, loss: "meanSquaredError", preprocessing: { scale: 1, offset: 0 } });
      try {
        const asked = inputs.flatMap((tensor, i) =>
          way.includes(i) ? [] : [asSample(constantOf(tensor, {}))],
        );
        return await answers(loaded, asked, outputs);
      } finally {
        loaded.dispose();
      }
    } catch (error) {
      if (!(error instanceof ModelFileError)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function weighed({ config, tensors, metadata }: PortableModel) {
  if (tensors.length > 0) return modelOfParts(config, tensors, metadata, {}).model;
  const statistics = modelFromConfig(config).graph.parameters.map(({ name, shape }) => ({
    name,
    shape,
    data: new Float32Array(elements(shape)).fill(name.endsWith("variance") ? 1 : 0),
  }));
  return modelOfParts(config, statistics, metadata, {}).model;
}

async function answers(
  model: ReturnType<typeof weighed>,
  asked: readonly Constant[],
  outputs: readonly Constant[],
): Promise<number> {
  const fits = (shape: readonly number[], wanted: readonly number[]) => shape.join() === wanted.join();
  const given = asked
    .slice(0, model.inputs.length)
    .map((constant, i) => arrangements(constant).filter(({ shape }) => fits(shape, model.inputs[i]!.shape)));
  let best = Number.POSITIVE_INFINITY;
  for (const way of [0, 1]) {
    const images = given.map((ways) => (ways[way] ?? ways[0])!.data);
    const several = images.length > 1;
    const got = [
      await model.predict<Float32Array[]>({
        images: several ? images : images[0]!,
        shape: several ? model.inputs.map(({ shape }) => shape) : model.inputShape,
        count: asked[0]!.shape[0]!,
      } as never),
    ].flat();
    const worst = got.map((values, i) =>
      Math.min(
        ...arrangements(outputs[i]!)
          .filter(({ shape }) => fits(shape, model.outputs[i]!.shape))
          .map(({ data }) => difference(values, data)),
      ),
    );
    best = Math.min(best, Math.max(...worst));
  }
  return best;
}

const FOLDED = ["Constant", "Shape", "Identity"];
const ran: string[] = [];
/** What was refused, and with what words: WASMGRAD_SHOW=1 prints it, for the list of those that are to be. */
const refusals: [name: string, message: string][] = [];

describe.skipIf(!found)(`ONNX's tests of its operators, in ${ROOT} (Debian's libonnx-testdata)`, () => {
  describe.each(KINDS)("%s", (kind) => {
    const names = found ? readdirSync(join(ROOT, kind)).sort() : [];
    const cases = names.map((name) => {
      const { graph } = decodeModel(readFileSync(join(ROOT, kind, name, "model.onnx")));
      const types = graph!.node.map(({ opType = "" }) => opType);
      return { name, known: types.every((type) => KNOWN.includes(type) || FOLDED.includes(type)) };
    });
    const known = cases.flatMap(({ name, known }) => (known && !OTHERWISE.test(name) ? [name] : []));
    test.each(known)("%s", async (name) => {
      const outcome = await runCase(join(ROOT, kind, name)).catch((error: unknown) => error);
      if (outcome instanceof Error) refusals.push([name, outcome.message]);
      const refused = Object.entries(REFUSED).find(([, names]) => names.includes(name));
      if (refused) {
        expect(outcome).toBeInstanceOf(Error);
        expect((outcome as Error).message).toContain(refused[0]);
        return;
      }
      if (outcome instanceof Error) throw outcome;
      ran.push(name);
      expect(outcome).toBeLessThan(1e-5);
    });

    test("those of other operators are refused with an error of its own", async () => {
      for (const { name } of cases.filter(({ known }) => !known)) {
        const outcome = await runCase(join(ROOT, kind, name)).catch((error: unknown) => error);
        if (typeof outcome === "number") expect(outcome, name).toBeLessThan(1e-5);
        else expect(outcome, name).toBeInstanceOf(ModelFileError);
      }
    });
  });

  test("most of them are models here", () => {
    if (process.env.WASMGRAD_SHOW) console.log(`${ran.length} run\n${JSON.stringify(refusals)}`);
    expect(ran.length).toBeGreaterThan(290);
  });
});
