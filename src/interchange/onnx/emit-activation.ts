import type { OpOf, UnaryKind } from "../../compiler/graph.ts";
import type { Emitter } from "./emitter.ts";

/** Nodes that apply a function to each number of the tensor x. */
type Apply = (e: Emitter, layer: string, x: string, numbers: readonly number[]) => string;

const SIXTH = Math.fround(1 / 6);

const node =
  (opType: string, attributes = {}): Apply =>
  (e, layer, x) =>
    e.node(layer, opType, [x], attributes);
const silu: Apply = (e, layer, x) => e.node(layer, "Mul", [x, e.node(layer, "Sigmoid", [x])]);
const hardSwish = node("HardSwish");

/** Least and greatest value: Clip leaves out what is undefined. */
function clip(e: Emitter, layer: string, x: string, low: number | undefined, high: number): string {
  const inputs = [x, low === undefined ? "" : e.constant(layer, low)];
  return e.node(layer, "Clip", Number.isFinite(high) ? [...inputs, e.constant(layer, high)] : inputs);
}

const UNARY: Readonly<Record<UnaryKind, Apply>> = {
  relu6: (e, layer, x) => clip(e, layer, x, 0, 6),
  silu,
  swish: silu,
  // x (1 + erf(x / sqrt 2)) / 2: operator set 17 has no Gelu.
  gelu(e, layer, x) {
    const erf = e.node(layer, "Erf", [e.node(layer, "Mul", [x, e.constant(layer, Math.SQRT1_2)])]);
    const half = e.node(layer, "Mul", [x, e.constant(layer, 0.5)]);
    return e.node(layer, "Mul", [half, e.node(layer, "Add", [erf, e.constant(layer, 1)])]);
  },
  geluApproximate(e, layer, x) {
    const square = e.node(layer, "Mul", [x, x]);
    const factor = e.node(layer, "Add", [
      e.node(layer, "Mul", [square, e.constant(layer, 0.7978845608028654 * 0.044715)]),
      e.constant(layer, 0.7978845608028654),
    ]);
    const tanh = e.node(layer, "Tanh", [e.node(layer, "Mul", [x, factor])]);
    const half = e.node(layer, "Mul", [x, e.constant(layer, 0.5)]);
    return e.node(layer, "Mul", [half, e.node(layer, "Add", [tanh, e.constant(layer, 1)])]);
  },
  softplus: node("Softplus"),
  softsign: node("Softsign"),
  selu: node("Selu", { alpha: 1.6732632423543772, gamma: 1.0507009873554805 }),
  hardSigmoid: node("HardSigmoid", { alpha: SIXTH, beta: 0.5 }),
  hardSilu: hardSwish,
  hardSwish,
  exponential: node("Exp"),
  mish: (e, layer, x) => e.node(layer, "Mul", [x, e.node(layer, "Tanh", [e.node(layer, "Softplus", [x])])]),
  linear(e, layer, x, [scale = 1, offset = 0]) {
    const scaled = scale === 1 ? x : e.node(layer, "Mul", [x, e.constant(layer, scale)]);
    return offset === 0 && scaled !== x ? scaled : e.node(layer, "Add", [scaled, e.constant(layer, offset)]);
  },
  boundedRelu(e, layer, x, [slope = 0, most = 0, threshold = 0]) {
    if (slope === 0 && threshold === 0) return clip(e, layer, x, 0, most);
    const above =
      threshold === 0
        ? e.node(layer, "Relu", [x])
        : e.node(layer, "ThresholdedRelu", [x], { alpha: threshold });
    const bounded = Number.isFinite(most) ? clip(e, layer, above, undefined, most) : above;
    if (slope === 0) return bounded;
    const beyond = threshold === 0 ? x : e.node(layer, "Sub", [x, e.constant(layer, threshold)]);
    const below = clip(e, layer, beyond, undefined, 0);
    return e.node(layer, "Add", [bounded, e.node(layer, "Mul", [below, e.constant(layer, slope)])]);
  },
};

export function emitUnary(e: Emitter, { layer, attributes }: OpOf<"unary">, x: string): string {
  return UNARY[attributes.kind](e, layer, x, attributes.numbers ?? []);
}

export function emitActivation(e: Emitter, { layer, attributes }: OpOf<"activation">, x: string): string {
  const { kind, alpha } = attributes;
  const [opType, own] = (
    {
      relu: ["Relu", {}],
      leakyRelu: ["LeakyRelu", { alpha }],
      elu: ["Elu", { alpha }],
      sigmoid: ["Sigmoid", {}],
      tanh: ["Tanh", {}],
    } as const
  )[kind];
  return e.node(layer, opType, [x], own);
}
