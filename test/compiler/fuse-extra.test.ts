import { describe, expect, test } from "vitest";
import { fuse } from "../../src/compiler/fuse.ts";
import { elements, type Graph, type WindowAttributes } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  cropping2d,
  dense,
  depthwiseConv2d,
  flatten,
  input,
  type Layer,
  relu,
  separableConv2d,
  zeroPadding2d,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf } from "../support/sessions.ts";

const SHAPE = [9, 9, 8];
const same = { kernelSize: 3, padding: "same" } as const;
const valid = { kernelSize: 3 } as const;
const relu6 = () => activation({ activation: "relu6" });
const rectifier = () => activation({ activation: "relu" });
const frozen = { trainable: false };
const norm = batchNormalization;

function modelOf(write: (x: SymbolicTensor) => SymbolicTensor | SymbolicTensor[]): Model {
  const inputs = input({ shape: SHAPE });
  return model({ inputs, outputs: write(inputs) });
}

const chain = (...layers: Layer[]) => modelOf((x) => layers.reduce((value, layer) => layer.apply(value), x));

/** The ops in a word each, with what was merged into them, and in front the zeros that they lay around their input. */
function words(graph: Graph, training: boolean): string {
  const ops = fuse(graph, training).ops.map(({ kind, attributes }) => {
    const told = attributes as { relu?: boolean | 2; norm?: object; pad?: WindowAttributes["pad"] };
    const zeros = told.pad && Object.values(told.pad).some((count) => count > 0);
    const folded = kind !== "batchNorm" && told.norm ? "+norm" : "";
    const bound = told.relu === 2 ? "+relu6" : told.relu ? "+relu" : "";
    return `${zeros ? "zeros+" : ""}${kind}${folded}${bound}`;
  });
  return ops.join(" ");
}

describe("fuse() of ops that few models have", () => {
  test.each<[string, () => Model, training: string, asked: string]>([
    [
      "a normalization, and relu6",
      () => chain(depthwiseConv2d(same), norm(), relu6()),
      "zeros+depthwiseConv2d batchNorm unary",
      "zeros+depthwiseConv2d+norm+relu6",
    ],
    [
      "a normalization with relu",
      () => chain(depthwiseConv2d(valid), norm(), rectifier()),
      "depthwiseConv2d batchNorm+relu",
      "depthwiseConv2d+norm+relu",
    ],
    [
      "relu, in training as well",
      () => chain(depthwiseConv2d(valid), rectifier()),
      "depthwiseConv2d+relu",
      "depthwiseConv2d+relu",
    ],
    [
      "relu6 behind a convolution and behind a dense layer",
      () =>
        chain(
          conv2d({ filters: 3, kernelSize: 1 }),
          norm(),
          relu6(),
          flatten(),
          dense({ units: 2 }),
          relu6(),
        ),
      "conv2d batchNorm unary reshape dense unary",
      "conv2d+norm+relu6 reshape dense+relu6",
    ],
    [
      "the layer called relu, where it is relu6",
      () => chain(conv2d({ filters: 3, kernelSize: 1 }), relu({ maxValue: 6 })),
      "conv2d unary",
      "conv2d+relu6",
    ],
    [
      "no other bound",
      () => chain(conv2d({ filters: 3, kernelSize: 1 }), relu({ maxValue: 5 })),
      "conv2d unary",
      "conv2d unary",
    ],
    [
      "no slope",
      () => chain(depthwiseConv2d(valid), relu({ maxValue: 6, negativeSlope: 0.1 })),
      "depthwiseConv2d unary",
      "depthwiseConv2d unary",
    ],
    [
      "not behind Winograd's products",
      () => chain(conv2d({ filters: 16, ...same }), relu6()),
      "zeros+conv2d unary",
      "zeros+conv2d unary",
    ],
    [
      "a separable convolution",
      () => chain(separableConv2d({ filters: 4, ...valid }), norm(), relu6()),
      "depthwiseConv2d conv2d batchNorm unary",
      "depthwiseConv2d conv2d+norm+relu6",
    ],
    [
      "zeros before a depthwise convolution",
      () =>
        chain(
          zeroPadding2d({
            padding: [
              [0, 1],
              [2, 1],
            ],
          }),
          depthwiseConv2d({ ...valid, strides: 2 }),
        ),
      "resample2d depthwiseConv2d",
      "zeros+depthwiseConv2d",
    ],
    [
      "zeros before what trains, where there is a layer that does",
      () => chain(dense({ units: 8 }), zeroPadding2d(), depthwiseConv2d(valid)),
      "dense resample2d depthwiseConv2d",
      "dense zeros+depthwiseConv2d",
    ],
    [
      "zeros before Winograd's products",
      () => chain(dense({ units: 8 }), zeroPadding2d(), conv2d({ filters: 16, ...valid })),
      "dense resample2d conv2d",
      "dense zeros+conv2d",
    ],
    [
      "no zeros that are copied either way",
      () => chain(dense({ units: 8 }), zeroPadding2d(), conv2d({ filters: 16, ...valid, strides: 2 })),
      "dense resample2d conv2d",
      "dense resample2d conv2d",
    ],
    [
      "nothing that is cropped",
      () => chain(dense({ units: 8 }), cropping2d({ cropping: 1 }), depthwiseConv2d(valid)),
      "dense resample2d depthwiseConv2d",
      "dense resample2d depthwiseConv2d",
    ],
    [
      "no zeros that others read",
      () =>
        modelOf((x) => {
          const y = zeroPadding2d().apply(dense({ units: 8 }).apply(x));
          return [depthwiseConv2d(valid).apply(y), y];
        }),
      "dense resample2d depthwiseConv2d",
      "dense resample2d depthwiseConv2d",
    ],
    [
      "no normalization that a sum is in",
      () => modelOf((x) => add().apply([norm().apply(depthwiseConv2d(same).apply(x)), x])),
      "zeros+depthwiseConv2d batchNorm",
      "zeros+depthwiseConv2d batchNorm",
    ],
    [
      "in training, too, what is frozen",
      () =>
        chain(
          depthwiseConv2d({ ...valid, ...frozen }),
          norm(frozen),
          relu6(),
          conv2d({ filters: 2, ...valid }),
          relu6(),
        ),
      "depthwiseConv2d+norm+relu6 conv2d unary",
      "depthwiseConv2d+norm+relu6 conv2d+relu6",
    ],
  ])("%s", (_, write, training, asked) => {
    const { graph } = write();
    expect(words(graph, true)).toBe(training);
    expect(words(graph, false)).toBe(asked);
  });
});

/** What a model gives for some samples. */
async function outputs(net: Model, options: Parameters<typeof sessionOf>[1]): Promise<Float32Array> {
  const session = await sessionOf(net, { loss: "meanSquaredError", metrics: [], ...options });
  for (const { parameter, data } of session.weights()) {
    const seed = parameter.name.length + parameter.name.charCodeAt(parameter.name.length - 1);
    const values = fixtureValues(data.length, seed, 2);
    data.set(parameter.name.includes("variance") ? values.map((v) => 0.5 + Math.abs(v)) : values);
  }
  const count = 3;
  const samples = { images: fixtureValues(count * elements(SHAPE), 5, 3), shape: SHAPE, count };
  const out = new Float32Array(count * elements(net.graph.outputs[0]!.shape));
  session.predictStep(samples, all(samples), out);
  return out;
}

describe.each(BACKENDS)("what is merged gives the same (%s)", (backend) => {
  const convolution = (strides: number) => conv2d({ filters: 17, kernelSize: 3, strides });
  test.each<[string, () => Model]>([
    [
      "depthwise",
      () => chain(zeroPadding2d({ padding: 2 }), depthwiseConv2d({ ...valid, strides: 2 }), relu6()),
    ],
    [
      "depthwise, two outputs a channel",
      () => chain(depthwiseConv2d({ ...same, depthMultiplier: 2 }), relu6()),
    ],
    ["depthwise 5x5, relu", () => chain(depthwiseConv2d({ kernelSize: 5, padding: "same" }), rectifier())],
    ["one cell", () => chain(conv2d({ filters: 21, kernelSize: 1 }), relu6())],
    ["patches", () => chain(convolution(2), relu6())],
    ["short patches", () => chain(conv2d({ filters: 1, kernelSize: 1 }), convolution(2), relu6())],
    ["dense", () => chain(flatten(), dense({ units: 19 }), relu({ maxValue: 6 }))],
  ])("bits: %s", async (_, net) => {
    const plain = await outputs(net(), { backend, fuse: false });
    expect(await outputs(net(), { backend })).toEqual(plain);
    expect(plain.some((v) => v === 6)).toBe(!_.includes("relu"));
    expect(plain.some((v) => v === 0)).toBe(true);
  });

  test("a folded normalization, to rounding", async () => {
    const net = () =>
      chain(
        depthwiseConv2d({ ...same, depthMultiplier: 2 }),
        norm(),
        relu6(),
        depthwiseConv2d({ ...valid, strides: 2 }),
        norm(),
      );
    const plain = await outputs(net(), { backend, fuse: false });
    expectClose(await outputs(net(), { backend, threads: 3 }), plain, { atol: 2e-5, rtol: 1e-5 });
  });
});
