import type { OpOf, Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";

/** What the kernels are told: y of the shape `to` from x of the shape `from`. */
function geometry(p: Planner, from: Shape, to: Shape) {
  const [H, W, C] = from as [number, number, number];
  const [OH, OW] = to as [number, number, number];
  return { batch: p.batch, H, W, C, OH, OW, grain: 1 };
}

function upsampling(p: Planner, op: OpOf<"resample2d">, y: Tensor, x: Tensor) {
  const { top, left, rep } = op.attributes;
  return {
    y,
    x,
    ...geometry(p, op.inputs[0]!.shape, op.output.shape),
    top,
    left,
    repH: rep[0],
    repW: rep[1],
  };
}

export const resample2d: OpImplementation<"resample2d"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    const args = upsampling(p, op, p.value(op.output), p.value(op.inputs[0]!));
    if (op.attributes.bilinear) p.call("bilinear2dForward", args, { tasks: p.batch });
    else p.call("resample2d", args, { tasks: p.batch });
  },

  backward(p, op) {
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const { top, left, rep, bilinear } = op.attributes;
    const dy = p.outputGradient(op);
    const dx = p.gradient(input);
    const args = upsampling(p, op, dy, dx);
    if (bilinear) p.call("bilinear2dBackward", args, { tasks: p.batch });
    else if (rep[0] * rep[1] > 1) p.call("sumBlocks2d", args, { tasks: p.batch });
    else {
      // What was padded is cropped, and the other way round.
      const back = { ...geometry(p, op.output.shape, input.shape), top: -top, left: -left, repH: 1, repW: 1 };
      p.call("resample2d", { y: dx, x: dy, ...back }, { tasks: p.batch });
    }
  },
};
