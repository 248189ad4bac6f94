import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";

function geometry(p: Planner, op: OpOf<"pool2d">) {
  const [H, W, C] = op.inputs[0]!.shape as readonly number[] as [number, number, number];
  const [OH, OW] = op.output.shape as readonly number[] as [number, number];
  const { kernel, strides, pad } = op.attributes;
  return {
    batch: p.batch,
    H,
    W,
    C,
    OH,
    OW,
    KH: kernel[0],
    KW: kernel[1],
    strideH: strides[0],
    strideW: strides[1],
    top: pad.top,
    left: pad.left,
    grain: 1,
  };
}

export const pool2d: OpImplementation<"pool2d"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    const max = op.attributes.mode === "max";
    const argmax = max && p.needsGradient(op.inputs[0]!) ? p.kept(op, "argmax", 4 * p.count(op.output)) : 0;
    const args = { y: p.value(op.output), x: p.value(op.inputs[0]!), argmax, ...geometry(p, op) };
    p.call(max ? "maxPool2dForward" : "averagePool2dForward", args, { tasks: p.batch });
  },

  backward(p, op) {
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const max = op.attributes.mode === "max";
    const argmax = max ? p.kept(op, "argmax", 4 * p.count(op.output)) : 0;
    const args = { y: p.outputGradient(op), x: p.gradient(input), argmax, ...geometry(p, op) };
    p.call(max ? "maxPool2dBackward" : "averagePool2dBackward", args, { tasks: p.batch });
  },
};

export const globalAveragePool2d: OpImplementation<"globalAveragePool2d"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    const input = op.inputs[0]!;
    const [H, W, C] = input.shape as readonly number[] as [number, number, number];
    p.call(
      "globalAveragePool2dForward",
      { y: p.value(op.output), x: p.value(input), batch: p.batch, positions: H * W, C, grain: 1 },
      { tasks: p.batch },
    );
  },

  backward(p, op) {
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const [H, W, C] = input.shape as readonly number[] as [number, number, number];
    p.call(
      "globalAveragePool2dBackward",
      { y: p.outputGradient(op), x: p.gradient(input), batch: p.batch, positions: H * W, C, grain: 1 },
      { tasks: p.batch },
    );
  },
};
