// Training steps of a chain of layers in f64, by the chain rule: each layer as its formula says, nothing fused.
import type { Layer } from "../../../src/model/layers/index.ts";
import { conv2d, conv2dGradients, maxPool2d } from "./conv.ts";
import { columnSum, gemm, softmax } from "./matrix.ts";
import { addBias, windowFor } from "./network.ts";

/** A layer's gradients with respect to its input and to its parameters, from those of its output; `dy` may be changed. */
type Backward = (dy: Float64Array) => { dx: Float64Array; gradients: Float64Array[] };

/**
 * Mean categorical cross-entropy of `count` inputs x against class ids, and its gradient for every parameter, in the
 * order of the layers. Knows conv2d, maxPooling2d, flatten and dense with relu, softmax as the last activation alone.
 */
export function lossAndGradients(
  layers: readonly Layer[],
  weights: readonly Float64Array[],
  x: ArrayLike<number>,
  labels: ArrayLike<number>,
): { loss: number; gradients: Float64Array[] } {
  const count = labels.length;
  let value: Float64Array<ArrayBufferLike> = Float64Array.from(x);
  let shape = [...layers[0]!.inputShape!];
  let next = 0;
  const backward: Backward[] = [];
  for (const { type, config } of layers) {
    const input = value;
    if (type === "conv2d") {
      const g = windowFor(config, "kernelSize", shape, count);
      const OC = config.filters as number;
      const [kernel, bias] = [weights[next++]!, weights[next++]!];
      value = addBias(conv2d(input, kernel, g, OC), bias, OC);
      shape = [g.OH, g.OW, OC];
      backward.push((dy) => {
        const { dw, dx } = conv2dGradients(input, kernel, dy, g, OC);
        return { dx, gradients: [dw, columnSum(dy, dy.length / OC, OC)] };
      });
    } else if (type === "maxPooling2d") {
      const g = windowFor(config, "poolSize", shape, count);
      const { y, winner } = maxPool2d(input, g);
      value = y;
      shape = [g.OH, g.OW, g.C];
      backward.push((dy) => {
        const dx = new Float64Array(input.length);
        for (const [i, cell] of winner.entries()) dx[cell]! += dy[i]!;
        return { dx, gradients: [] };
      });
    } else if (type === "dense") {
      const [units, inputs] = [config.units as number, input.length / count];
      const [kernel, bias] = [weights[next++]!, weights[next++]!];
      value = addBias(gemm(input, kernel, [count, units, inputs]), bias, units);
      shape = [units];
      backward.push((dy) => ({
        dx: gemm(dy, kernel, [count, inputs, units], { transB: true }),
        gradients: [gemm(input, dy, [inputs, units, count], { transA: true }), columnSum(dy, count, units)],
      }));
    } else if (type === "flatten") shape = [input.length / count];
    else throw new Error(`the reference knows no gradient of layer '${type}'`);
    if (config.activation === "relu") {
      const y = value.map((v) => Math.max(v, 0));
      value = y;
      backward.push((dy) => ({ dx: dy.map((d, i) => (y[i]! > 0 ? d : 0)), gradients: [] }));
    }
  }
  const classes = shape[0]!;
  const y = softmax(value, count, classes);
  let loss = 0;
  let dy: Float64Array<ArrayBufferLike> = y.map((p) => p / count);
  for (let i = 0; i < count; i++) {
    const at = i * classes + labels[i]!;
    loss -= Math.log(y[at]!) / count;
    dy[at]! -= 1 / count;
  }
  const gradients: Float64Array[] = [];
  for (const step of backward.toReversed()) {
    const result = step(dy);
    dy = result.dx;
    gradients.unshift(...result.gradients);
  }
  return { loss, gradients };
}
