import { elements, type OpOf, type Value } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { isBroadcast, sumOverPixels, withEachPixel } from "./broadcast.ts";

/** Emits z = x y for values of one shape. */
function product(p: Planner, value: Value, z: Tensor, x: Tensor, y: Tensor): void {
  const n = p.batch * elements(value.shape);
  p.call("multiplyForward", { z, x, y, n, relu: 0, grain: GRAIN }, { tasks: chunks(n) });
}

function emit(p: Planner, op: OpOf<"multiply">, z: Tensor, x: Tensor, y: Tensor): void {
  if (isBroadcast(op)) withEachPixel(p, "multiplyBroadcast", op, { z, x, y, relu: 0 });
  else product(p, op.output, z, x, y);
}

export const multiply: OpImplementation<"multiply"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const [a, b] = op.inputs;
    emit(p, op, p.valueInPlace(op, isBroadcast(op) ? [a!] : op.inputs), p.value(a!), p.value(b!));
  },

  backward(p, op) {
    const [a, b] = op.inputs;
    const dz = p.outputGradient(op);
    if (p.needsGradient(b!)) {
      const x = p.value(a!);
      if (isBroadcast(op)) sumOverPixels(p, op, { out: p.gradient(b!), x: dz, y: x });
      else product(p, op.output, p.gradient(b!), dz, x);
    }
    // Last, as it may overwrite the gradient of the output.
    if (p.needsGradient(a!)) emit(p, op, p.gradientInPlace(op, a!), dz, p.value(b!));
  },
};
