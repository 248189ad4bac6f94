import { gemmScratch, panelsOf, wholePanels } from "../../engine/abi.ts";
import type { OpOf, Relu } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { backwardRelu } from "./activation.ts";

interface Product {
  c: Tensor | number;
  a: Tensor | number;
  b: Tensor | number;
  bias?: number;
  M: number;
  N: number;
  K: number;
  transA?: boolean;
  transB?: boolean;
  relu?: Relu;
  beta?: number;
  /** Products of several matrices at once, so many bytes apart; and their multiplications and additions by the layer's definition. */
  several?: { count: number; cNext: number; aNext: number; bNext: number; flops: number };
}

const ONE = { count: 1, cNext: 0, aNext: 0, bNext: 0 };

/** Emits C = act(op(A) op(B) + beta C + bias), split so that two and more threads find work. */
export function product(p: Planner, { c, a, b, bias = 0, M, N, K, ...options }: Product): void {
  const { transA = false, transB = false, relu = false, beta = 0 } = options;
  const { count, flops, ...next } = options.several ?? { ...ONE, flops: 2 * M * N * K };
  // A panel of B is packed once for each block of rows, a block of A once for each block of columns. For a single row of C
  // B is read as it lies, unless that is transposed, in runs that are the longer the more columns a task has.
  const cols = Math.min(wholePanels(N), M < 2 && !transB ? 256 : transA || N >= 512 ? 64 : 32);
  const rows = Math.min(M, !transA && N >= 8 * cols ? 512 : 128);
  p.call(
    "gemm",
    {
      c,
      a,
      b,
      bias,
      M,
      N,
      K,
      transA: Number(transA),
      transB: Number(transB),
      beta,
      relu: Number(relu),
      rows,
      cols,
      ...next,
    },
    {
      tasks: count * Math.ceil(M / rows) * Math.ceil(N / cols),
      scratch: gemmScratch(rows, cols, transA),
      flops,
    },
  );
}

/** Emits out[N] = sum of the rows of x[M, N]. */
export function columnSum(p: Planner, x: Tensor, out: Tensor | number, M: number, N: number): void {
  p.call("columnSum", { out, x, M, N }, { tasks: panelsOf(N) });
}

/** Inputs and units of a dense op, and rows of them: what is before the last axis, the batch included. */
function sizes(p: Planner, op: OpOf<"dense">) {
  const inputs = op.inputs[0]!.shape.at(-1)!;
  return { inputs, units: op.attributes.units, rows: p.count(op.inputs[0]!) / inputs };
}

export const dense: OpImplementation<"dense"> = {
  readsInput: () => true,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const { inputs, units, rows } = sizes(p, op);
    const [kernel, bias] = op.parameters;
    product(p, {
      c: p.value(op.output),
      a: p.value(op.inputs[0]!),
      b: p.pointers.value(kernel!),
      bias: bias ? p.pointers.value(bias) : 0,
      M: rows,
      N: units,
      K: inputs,
      relu: op.attributes.relu,
    });
  },

  backward(p, op) {
    const { inputs, units, rows } = sizes(p, op);
    const [kernel, bias] = op.parameters;
    const x = p.value(op.inputs[0]!);
    const dy = op.attributes.relu ? backwardRelu(p, op) : p.outputGradient(op);
    if (p.trains(kernel!)) {
      const c = p.parameterGradient(kernel!);
      product(p, { c, a: x, b: dy, M: inputs, N: units, K: rows, transA: true });
      if (bias) columnSum(p, dy, p.parameterGradient(bias), rows, units);
    }
    if (!p.needsGradient(op.inputs[0]!)) return;
    product(p, {
      c: p.gradient(op.inputs[0]!),
      a: dy,
      b: p.pointers.value(kernel!),
      M: rows,
      N: inputs,
      K: units,
      transB: true,
    });
  },
};
