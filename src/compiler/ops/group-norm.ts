import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { columnSum } from "./dense.ts";

/** Most partial sums of a gradient: what samples add to it is summed in so many parts, whatever the number of threads. */
const PARTS = 16;

function sizesOf(p: Planner, op: OpOf<"groupNorm">) {
  const { positions: P, channels: C, groups: G, epsilon } = op.attributes;
  const N = p.count(op.output) / (P * C);
  return { N, P, C, G, epsilon };
}

function parametersOf(p: Planner, { attributes: { scale, center }, parameters }: OpOf<"groupNorm">) {
  const gamma = scale ? parameters[0] : undefined;
  const beta = center ? parameters.at(-1) : undefined;
  return {
    gamma,
    beta,
    pointers: { gamma: gamma ? p.pointers.value(gamma) : 0, beta: beta ? p.pointers.value(beta) : 0 },
  };
}

export const groupNorm: OpImplementation<"groupNorm"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const sizes = sizesOf(p, op);
    const grain = Math.max(1, Math.floor(GRAIN / (sizes.P * sizes.C)));
    const statistics = p.kept(op, "statistics", 8 * sizes.N * sizes.G);
    const args = { y: p.value(op.output), x: p.value(op.inputs[0]!), dx: 0, statistics, dgamma: 0 };
    p.call(
      "groupNormForward",
      { ...args, ...parametersOf(p, op).pointers, ...sizes, grain },
      { tasks: Math.ceil(sizes.N / grain) },
    );
  },

  backward(p, op) {
    const sizes = sizesOf(p, op);
    const { gamma, beta, pointers } = parametersOf(p, op);
    const { N, P, C } = sizes;
    const dy = p.outputGradient(op);
    const statistics = p.kept(op, "statistics", 8 * N * sizes.G);
    const common = { y: dy, x: p.value(op.inputs[0]!), statistics, ...pointers, ...sizes };
    if (gamma && p.trains(gamma)) {
      const grain = Math.ceil(N / PARTS);
      const parts = Math.ceil(N / grain);
      const sums = p.tensor(4 * parts * C);
      p.call("groupNormGamma", { ...common, dx: 0, dgamma: sums, grain }, { tasks: parts });
      columnSum(p, sums, p.parameterGradient(gamma), parts, C);
    }
    if (beta && p.trains(beta)) columnSum(p, dy, p.parameterGradient(beta), N * P, C);
    if (!p.needsGradient(op.inputs[0]!)) return;
    const grain = Math.max(1, Math.floor(GRAIN / (P * C)));
    const dx: Tensor = p.gradientInPlace(op);
    p.call("groupNormBackward", { ...common, dx, dgamma: 0, grain }, { tasks: Math.ceil(N / grain) });
  },
};
