import { dense, flatten, input, type Layer } from "../../src/model/layers/index.ts";
import { defineLayer } from "../../src/model/layers/own.ts";
import { model } from "../../src/train/functional.ts";
import { all, sessionOf, type TestSessionOptions } from "./sessions.ts";

const shaped = defineLayer({
  type: "shapedForTest",
  options: {
    shape: {
      expected: "a shape",
      accepts: (value: unknown): value is readonly number[] => Array.isArray(value),
      needed: true as const,
    },
  },
  lower: (graph, name, [value], { shape }) => graph.op("reshape", name, [value!], {}, shape),
});

/** What a layer gives, and the gradients of its inputs and its trained parameters. */
export interface LayerResult {
  readonly y: Float32Array;
  readonly dx: readonly Float32Array[];
  readonly dw: readonly Float32Array[];
}

interface Case {
  readonly batch: number;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
  /** Of the layer's parameters, in their order; states, too. */
  readonly weights: readonly Float32Array[];
  /** The gradient of the output, batch and all. */
  readonly dy: Float32Array;
}

/**
 * Runs a single layer forward and backward in training. Its inputs are weights themselves, looked up by samples that each have a single
 * one: so the gradients of the inputs are there, too.
 */
export async function runLayer(
  layer: Layer,
  { batch, inputs, weights, dy }: Case,
  options: TestSessionOptions = {},
): Promise<LayerResult> {
  const sample = input({ shape: [batch], name: "sample" });
  const given = inputs.map(({ shape }, i) => {
    const numbers = shape.reduce((a, b) => a * b, 1);
    const row = dense({ units: numbers, useBias: false, name: `given${i}` }).apply(sample);
    return shaped({ shape, name: `shaped${i}` }).apply(row);
  });
  const output = layer.apply(given.length === 1 ? given[0]! : given);
  const net = model({ inputs: sample, outputs: flatten().apply(output) });
  let y: Float32Array | undefined;
  const session = await sessionOf(net, {
    preprocessing: { scale: 1, offset: 0 },
    metrics: [],
    loss: {
      name: "of the gradient",
      takes: "numbers",
      compute({ outputs, gradient }) {
        y ??= outputs.slice();
        // A sample's share of the mean.
        gradient?.set(dy.map((d) => d * batch));
      },
    },
    ...options,
  });
  const own = [...inputs.map(({ values }) => values), ...weights];
  for (const [i, { data }] of [...session.weights()].entries()) data.set(own[i]!);
  const cols = dy.length / batch;
  const images = Float32Array.from({ length: batch * batch }, (_, i) => Number(i % (batch + 1) === 0));
  const samples = { images, shape: [batch], count: batch, targets: new Float32Array(batch * cols) };
  session.trainStep(samples, all(samples));
  const gradients = [...session.gradients()].map(({ data }) => data.slice());
  return { y: y!, dx: gradients.slice(0, inputs.length), dw: gradients.slice(inputs.length) };
}
