import {
  BOUNDED_RELU,
  EXPONENTIAL,
  GELU,
  GELU_APPROXIMATE,
  HARD_SIGMOID,
  HARD_SILU,
  LINEAR,
  MISH,
  SELU,
  SILU,
  SOFTPLUS,
  SOFTSIGN,
} from "../../engine/abi.ts";
import type { OpOf, UnaryKind } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";

/** The kernel's number of each, and the numbers a, b and c that it takes. */
const KINDS: Readonly<Record<UnaryKind, readonly [kind: number, a?: number, b?: number, c?: number]>> = {
  linear: [LINEAR],
  boundedRelu: [BOUNDED_RELU],
  relu6: [BOUNDED_RELU, 0, 6],
  silu: [SILU],
  swish: [SILU],
  gelu: [GELU],
  geluApproximate: [GELU_APPROXIMATE],
  softplus: [SOFTPLUS],
  softsign: [SOFTSIGN],
  // Klambauer et al. 2017: scale, and scale times alpha.
  selu: [SELU, 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772],
  hardSigmoid: [HARD_SIGMOID],
  hardSilu: [HARD_SILU],
  hardSwish: [HARD_SILU],
  exponential: [EXPONENTIAL],
  mish: [MISH],
};

function common(p: Planner, op: OpOf<"unary">) {
  const [kind, ...own] = KINDS[op.attributes.kind];
  const [a = 0, b = 0, c = 0] = op.attributes.numbers ?? own;
  return { n: p.count(op.output), kind, a, b, c, grain: GRAIN };
}

export const unary: OpImplementation<"unary"> = {
  // A straight line's slope is the same everywhere.
  readsInput: (op) => op.attributes.kind !== "linear",
  readsOutput: () => false,

  forward(p, op) {
    const x = p.value(op.inputs[0]!);
    const args = common(p, op);
    p.call("unaryForward", { y: p.valueInPlace(op), x, ...args }, { tasks: chunks(args.n) });
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const args = common(p, op);
    // Of a straight line dy stands in for x, which may be gone.
    const x = args.kind === LINEAR ? dy : p.value(op.inputs[0]!);
    p.call("unaryBackward", { dx: p.gradientInPlace(op), dy, x, ...args }, { tasks: chunks(args.n) });
  },
};
