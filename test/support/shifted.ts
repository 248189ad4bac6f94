import type { Shape } from "../../src/compiler/graph.ts";
import { flatten, input } from "../../src/model/layers/index.ts";
import { defineLayer, type Layer, type LayerDefinition, makeLayer } from "../../src/model/layers/layer.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Session } from "../../src/train/session.ts";
import { all, sessionOf, type TestSessionOptions } from "./sessions.ts";

const SHIFT = defineLayer({
  type: "shift",
  options: {},
  lower: (graph, name, [x]) =>
    graph.op("binary", name, [x], { kind: "add" }, x.shape, [
      graph.parameter(`${name}/shift`, x.shape, "zeros"),
    ]),
});

/** Adds to each sample a parameter that is zero: its gradient is that of the value, summed over the samples. */
function shift(name: string, x: SymbolicTensor): SymbolicTensor {
  return makeLayer(SHIFT as unknown as LayerDefinition, { name }).apply(x);
}

/** A model of one layer, whose inputs have parameters to tell their gradients by, called in0, in1, ... */
export function shifted(layer: Layer, shapes: readonly Shape[]): Model {
  const inputs = shapes.map((shape) => input({ shape }));
  const values = inputs.map((x, i) => shift(`in${i}`, x));
  return model({ inputs, outputs: flatten().apply(layer.apply(values.length > 1 ? values : values[0]!)) });
}

/** The loss that is the sum of outputs times targets: what is given as targets is the gradient of the outputs. */
const dot = {
  name: "dot",
  compute({
    outputs,
    targets,
    losses,
    gradient,
    rows,
    cols,
  }: Parameters<NonNullable<import("../../src/losses/loss.ts").Loss["compute"]>>[0]) {
    for (let i = 0; i < rows * cols; i++) losses[Math.floor(i / cols)]! += outputs[i]! * targets[i]!;
    gradient?.set(targets);
  },
};

/** A session of the model with that loss, summed over `count` samples. */
export function dotSession(net: Model, count: number, options: TestSessionOptions = {}): Promise<Session> {
  return sessionOf(net, {
    outputs: net.outputs.map(({ name }) => ({ name, loss: dot, weight: count, metrics: [] })),
    preprocessing: { scale: 1, offset: 0 },
    ...options,
  });
}

/** Samples of those inputs, and of the gradient of each output. */
export function dotSamples(
  images: readonly Float32Array[],
  shapes: readonly Shape[],
  dy: Float32Array,
  count: number,
): Samples {
  return images.length > 1
    ? { images, shape: shapes.map((shape) => [...shape]), targets: dy, count }
    : { images: images[0]!, shape: [...shapes[0]!], targets: dy, count };
}

/** What the layer gives for all samples in inference, and what a step of training finds. */
export function resultsOf(session: Session, samples: Samples) {
  const y = new Float32Array(samples.count * session.graph.outputs[0]!.shape[0]!);
  session.predictStep(samples, all(samples), y);
  const { loss } = session.trainStep(samples, all(samples));
  const gradients = new Map(
    [...session.gradients()].map(({ parameter, data }) => [parameter.name, Float32Array.from(data)]),
  );
  return { y, loss, gradients };
}
