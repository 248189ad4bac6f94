import type { Conv2dAttributes, OpOf, Shape } from "../graph.ts";
import type { Planner, Tensor } from "../planner.ts";
import { backwardRelu } from "./activation.ts";
import { columnSum } from "./dense.ts";
import type { OpImplementation } from "./implementation.ts";

const PANEL = 16;

/** Input sizes with the padding around them, and what every convolution kernel is told. */
export function convGeometry(input: Shape, output: Shape, attributes: Conv2dAttributes) {
  const [height, width, channels] = input as [number, number, number];
  const [OH, OW] = output as [number, number, number];
  const { kernel, strides, dilation, pad, filters } = attributes;
  const H = height + pad.top + pad.bottom;
  const W = width + pad.left + pad.right;
  const K = kernel[0] * kernel[1] * channels;
  return {
    padded: H !== height || W !== width,
    pad,
    K,
    dilation: { dilationH: dilation[0], dilationW: dilation[1] },
    positions: kernel[0] * kernel[1],
    args: {
      H,
      W,
      C: channels,
      OH,
      OW,
      OC: filters,
      KH: kernel[0],
      KW: kernel[1],
      strideH: strides[0],
      strideW: strides[1],
      top: pad.top,
      left: pad.left,
      cropH: height,
      cropW: width,
    },
    /** Multiplications and additions for one image. */
    flops: 2 * OH * OW * filters * K,
  };
}

type ConvOp = OpOf<"conv2d"> | OpOf<"convPool">;
export type ConvGeometry = ReturnType<typeof convGeometry>;

/** The input inside its border of zeros, kept for backward; the input itself where there is no border. */
export function paddedInput(p: Planner, op: ConvOp, { padded, args }: ConvGeometry): Tensor {
  const x = p.value(op.inputs[0]!);
  return padded ? p.kept(op, "padded", 4 * p.batch * args.H * args.W * args.C) : x;
}

/** Emits what forward needs first: the padded input and the packed filter. */
export function prepareForward(p: Planner, op: ConvOp, g: ConvGeometry): { x: Tensor; w: Tensor } {
  const { args, K, padded, pad } = g;
  const x = paddedInput(p, op, g);
  if (padded) {
    const sizes = { H: args.cropH, W: args.cropW, C: args.C, ...pad };
    p.call("pad2d", { out: x, x: p.value(op.inputs[0]!), ...sizes }, { tasks: p.batch });
  }
  const panels = Math.ceil(args.OC / PANEL);
  const w = p.tensor(4 * panels * K * PANEL);
  const kernel = p.pointers.value(op.parameters[0]!);
  p.call("packFilter", { out: w, w: kernel, K, OC: args.OC, C: args.C }, { tasks: panels });
  return { x, w };
}

function geometry(op: OpOf<"conv2d">): ConvGeometry {
  return convGeometry(op.inputs[0]!.shape, op.output.shape, op.attributes);
}

export const conv2d: OpImplementation<"conv2d"> = {
  readsInput: () => true,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const g = geometry(op);
    const { K, args, dilation, flops } = g;
    const bias = op.parameters[1];
    p.call(
      "conv2dForward",
      {
        ...args,
        ...dilation,
        ...prepareForward(p, op, g),
        y: p.value(op.output),
        bias: bias ? p.pointers.value(bias) : 0,
        batch: p.batch,
        relu: Number(op.attributes.relu),
        rows: 0,
      },
      { tasks: p.batch, scratch: 4 * args.OW * K, flops: p.batch * flops },
    );
  },

  backward(p, op) {
    const g = geometry(op);
    const { K, args, dilation, flops, padded, positions } = g;
    const [kernel, bias] = op.parameters;
    const dy = p.outputGradient(op);
    if (op.attributes.relu) backwardRelu(p, op);
    const common = { ...args, ...dilation, y: dy, bias: 0, batch: p.batch, relu: 0 };
    // Eight tasks or so: each reads all of dy again.
    const rows = Math.max(2, 2 * Math.ceil(K / 16));
    p.call(
      "conv2dBackwardFilter",
      { ...common, x: paddedInput(p, op, g), w: p.pointers.gradient(kernel!), rows },
      { tasks: Math.ceil(K / rows), flops: p.batch * flops },
    );
    if (bias) columnSum(p, dy, p.pointers.gradient(bias), p.batch * args.OH * args.OW, args.OC);
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const panels = positions * Math.ceil(args.C / PANEL);
    const packed = p.tensor(4 * panels * args.OC * PANEL);
    p.call(
      "packFilterTransposed",
      { out: packed, w: p.pointers.value(kernel!), K, OC: args.OC, C: args.C },
      { tasks: panels },
    );
    p.call(
      "conv2dBackwardInput",
      { ...common, x: p.gradient(input), w: packed, rows: 0 },
      { tasks: p.batch, scratch: padded ? 4 * args.H * args.W * args.C : 0, flops: p.batch * flops },
    );
  },
};
