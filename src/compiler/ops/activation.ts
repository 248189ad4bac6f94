import { ELU, LEAKY_RELU, RELU, SIGMOID, TANH } from "../../engine/abi.ts";
import { type ActivationKind, elements, type Op, type OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";

/** The kernels' numbers for activations. */
const KIND: Readonly<Record<ActivationKind, number>> = {
  relu: RELU,
  leakyRelu: LEAKY_RELU,
  elu: ELU,
  sigmoid: SIGMOID,
  tanh: TANH,
};

/** Emits the backward pass of a relu fused into an op. Returns the gradient before it. */
export function backwardRelu(p: Planner, op: Op): Tensor {
  const dy = p.outputGradient(op);
  const dx = p.ownGradient(op);
  const n = p.batch * elements(op.output.shape);
  p.call(
    "activationBackward",
    { dx, dy, y: p.value(op.output), n, kind: KIND.relu, alpha: 0, grain: GRAIN },
    { tasks: chunks(n) },
  );
  return dx;
}

function common(p: Planner, op: OpOf<"activation">) {
  const { kind, alpha } = op.attributes;
  return { n: p.count(op.output), kind: KIND[kind], alpha, grain: GRAIN };
}

export const activation: OpImplementation<"activation"> = {
  // Every derivative here follows from the output alone.
  readsInput: () => false,
  readsOutput: () => true,

  forward(p, op) {
    const x = p.value(op.inputs[0]!);
    const args = common(p, op);
    p.call("activationForward", { y: p.valueInPlace(op), x, ...args }, { tasks: chunks(args.n) });
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const args = common(p, op);
    p.call(
      "activationBackward",
      { dx: p.gradientInPlace(op), dy, y: p.value(op.output), ...args },
      { tasks: chunks(args.n) },
    );
  },
};
