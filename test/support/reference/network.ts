// A chain of layers, forward, in f64: each layer as its formula says, nothing fused, nothing in place.

import type { LossName } from "../../../src/losses/names.ts";
import type { Layer } from "../../../src/model/layers/index.ts";
import { averagePool2d, conv2d, maxPool2d, type Window, windowOf } from "./conv.ts";
import * as reference from "./losses.ts";
import { type RowLoss, rowLosses } from "./losses.ts";
import { gemm, softmax } from "./matrix.ts";

type Numbers = ArrayLike<number>;

const LOSSES: Record<LossName, RowLoss> = {
  ...reference,
  sparseCategoricalCrossentropy: reference.categoricalCrossentropy,
  huber: reference.huber(),
  binaryFocalCrossentropy: reference.binaryFocalCrossentropy(),
  categoricalFocalCrossentropy: reference.categoricalFocalCrossentropy(),
};

const ALPHA: Record<string, number> = { leakyRelu: 0.2, elu: 1 };

function activate(x: Float64Array, kind: string, cols: number, alpha = ALPHA[kind] ?? 0): Float64Array {
  switch (kind) {
    case "linear":
      return x;
    case "relu":
      return x.map((v) => Math.max(v, 0));
    case "leakyRelu":
      return x.map((v) => (v > 0 ? v : alpha * v));
    case "elu":
      return x.map((v) => (v > 0 ? v : alpha * Math.expm1(v)));
    case "sigmoid":
      return x.map((v) => 1 / (1 + Math.exp(-v)));
    case "tanh":
      return x.map(Math.tanh);
    case "softmax":
      return softmax(x, x.length / cols, cols);
    default:
      throw new Error(`the reference knows no activation '${kind}'`);
  }
}

export const addBias = (x: Float64Array, bias: Numbers | undefined, cols: number) =>
  bias ? x.map((v, i) => v + bias[i % cols]!) : x;

/** The layer's window, its options given as one number or two. */
export function windowFor(
  config: Record<string, unknown>,
  size: string,
  [H, W, C]: number[],
  batch: number,
): Window {
  const two = (value: unknown) => (Array.isArray(value) ? value : [value, value]) as [number, number];
  const [KH, KW] = two(config[size]);
  const [strideH, strideW] = two(config.strides);
  const [dilationH, dilationW] = two(config.dilationRate ?? 1);
  const padding = config.padding as "valid" | "same";
  return windowOf({ batch, H: H!, W: W!, C: C!, KH, KW, strideH, strideW, dilationH, dilationW, padding });
}

/**
 * Outputs `[count, ...]` for inputs x. `weights` are the parameters in the order of the layers; dropout does nothing,
 * as in inference.
 */
export function outputs(
  layers: readonly Layer[],
  weights: readonly Numbers[],
  x: Numbers,
  count: number,
): Float64Array {
  let value: Float64Array = Float64Array.from(x);
  let shape = [...layers[0]!.inputShape!];
  let next = 0;
  for (const { type, config } of layers) {
    const kernel = () => weights[next++]!;
    const bias = () => (config.useBias === false ? undefined : weights[next++]!);
    const cells = () => value.length / count;
    switch (type) {
      case "conv2d": {
        const g = windowFor(config, "kernelSize", shape, count);
        const filters = config.filters as number;
        value = addBias(conv2d(value, kernel(), g, filters), bias(), filters);
        shape = [g.OH, g.OW, filters];
        break;
      }
      case "maxPooling2d":
      case "averagePooling2d": {
        const g = windowFor(config, "poolSize", shape, count);
        value = type === "maxPooling2d" ? maxPool2d(value, g).y : averagePool2d(value, g);
        shape = [g.OH, g.OW, g.C];
        break;
      }
      case "globalAveragePooling2d": {
        const [H, W, C] = shape as [number, number, number];
        value = averagePool2d(value, windowOf({ batch: count, H, W, C, KH: H, KW: W }));
        shape = [C];
        break;
      }
      case "dense": {
        const units = config.units as number;
        value = addBias(gemm(value, kernel(), [count, units, cells()]), bias(), units);
        shape = [units];
        break;
      }
      case "flatten":
        shape = [cells()];
        break;
    }
    const kind = type === "leakyRelu" || type === "elu" ? type : (config.activation as string | undefined);
    if (kind) value = activate(value, kind, shape.at(-1)!, config.alpha as number | undefined);
  }
  return value;
}

/** Mean loss over the batch, against targets `[count, outputs]`. */
export function lossOf(loss: LossName, y: Float64Array, targets: Numbers, count: number): number {
  const losses = rowLosses(LOSSES[loss], y, targets, count, y.length / count);
  return losses.reduce((a, b) => a + b, 0) / count;
}

/** Gradients of the loss by central differences in f64: errors of about 1e-10, and kinks only within 1e-5. */
export function gradients(
  layers: readonly Layer[],
  weights: readonly Numbers[],
  loss: LossName,
  x: Numbers,
  targets: Numbers,
  count: number,
): Float64Array[] {
  const H = 1e-5;
  const at = weights.map((w) => Float64Array.from(w));
  const f = () => lossOf(loss, outputs(layers, at, x, count), targets, count);
  return at.map((w) =>
    w.map((_, i) => {
      const kept = w[i]!;
      w[i] = kept + H;
      const above = f();
      w[i] = kept - H;
      const below = f();
      w[i] = kept;
      return (above - below) / (2 * H);
    }),
  );
}
