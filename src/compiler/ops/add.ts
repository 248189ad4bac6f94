import { elements, type OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import { backwardRelu } from "./activation.ts";
import { isBroadcast, sumOverPixels, withEachPixel } from "./broadcast.ts";

/** How a sum is emitted: both values of one shape, or the second for each pixel of the first. */
function emitSum(p: Planner, op: OpOf<"add">): void {
  const [a, b] = op.inputs;
  const [x, y] = [p.value(a!), p.value(b!)];
  const relu = Number(op.attributes.relu);
  const z = p.valueInPlace(op, isBroadcast(op) ? [a!] : op.inputs);
  if (isBroadcast(op)) {
    withEachPixel(p, "addBroadcast", op, { z, x, y, relu });
    return;
  }
  const n = p.batch * elements(a!.shape);
  p.call("addForward", { z, x, y, n, relu, grain: GRAIN }, { tasks: chunks(n) });
}

export const add: OpImplementation<"add"> = {
  readsInput: () => false,
  readsOutput: (op) => op.attributes.relu,

  forward: emitSum,

  backward(p, op) {
    const [a, b] = op.inputs;
    const dz = op.attributes.relu ? backwardRelu(p, op) : p.outputGradient(op);
    if (p.needsGradient(b!)) {
      if (isBroadcast(op)) sumOverPixels(p, op, { out: p.gradient(b!), x: dz, y: 0 });
      else p.passGradient(op, b!);
    }
    if (p.needsGradient(a!)) p.passGradient(op, a!);
  },
};
