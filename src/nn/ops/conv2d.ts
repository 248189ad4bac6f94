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

/**
 * Whether Winograd's products beat direct ones: 16 products do for 36, but tiles are transformed channel by channel
 * and panel by panel, so both need some channels to spread that over.
 */
export function winogradPays(conv: Conv2dAttributes, inChannels: number): boolean {
  const { kernel, strides, dilation, filters } = conv;
  const plain = [...kernel, ...strides, ...dilation].join() === "3,3,1,1,1,1";
  return plain && inChannels >= 16 && filters >= 16;
}

/** Emits what forward needs first: the padded input and the packed filter. */
export function prepareForward(
  p: Planner,
  op: ConvOp,
  g: ConvGeometry,
  winograd: boolean,
): { x: Tensor; w: Tensor } {
  const { args, K, padded, pad } = g;
  const x = paddedInput(p, op, g);
  if (padded) {
    const sizes = { H: args.cropH, W: args.cropW, C: args.C, ...pad };
    p.call("pad2d", { out: x, x: p.value(op.inputs[0]!), ...sizes }, { tasks: p.batch });
  }
  const panels = Math.ceil(args.OC / PANEL);
  const kernel = p.pointers.value(op.parameters[0]!);
  if (winograd) {
    const u = p.tensor(4 * panels * 16 * args.C * PANEL);
    p.call("winogradFilter", { u, w: kernel, C: args.C, OC: args.OC, rotate: 0 }, { tasks: panels });
    return { x, w: u };
  }
  const w = p.tensor(4 * panels * K * PANEL);
  p.call("packFilter", { out: w, w: kernel, K, OC: args.OC, C: args.C }, { tasks: panels });
  return { x, w };
}

function geometry(op: OpOf<"conv2d">): ConvGeometry {
  return convGeometry(op.inputs[0]!.shape, op.output.shape, op.attributes);
}

/** Bytes of transformed tiles that a block of rows should stay below, to be read again from the L2 cache. */
const TILE_BYTES = 256 * 1024;

interface WinogradConvolution {
  y: Tensor;
  x: Tensor;
  u: Tensor;
  bias: number;
  relu: number;
  H: number;
  W: number;
  C: number;
  OH: number;
  OW: number;
  OC: number;
}

function winogradForward(p: Planner, conv: WinogradConvolution, flops: number): void {
  const { y, x, u, bias, relu, H, W, C, OH, OW, OC } = conv;
  const columns = Math.ceil(OW / 2);
  const tileRows = Math.min(Math.ceil(OH / 2), Math.max(1, Math.floor(TILE_BYTES / (64 * C * columns))));
  p.call(
    "winogradForward",
    { y, x, u, bias, relu, H, W, C, OH, OW, OC, block: 2 * tileRows },
    {
      tasks: p.batch,
      scratch: 64 * tileRows * columns * (C + PANEL),
      flops,
      algorithm: "Winograd F(2x2, 3x3)",
    },
  );
}

/** dx is a convolution of dy, padded by 2 less the layer's own padding, with the filter turned around. */
function backwardInputWinograd(p: Planner, op: OpOf<"conv2d">, g: ConvGeometry): void {
  const { args, pad, flops } = g;
  const [height, width] = [args.cropH, args.cropW];
  const top = 2 - pad.top;
  const left = 2 - pad.left;
  const bottom = height + 2 - args.OH - top;
  const right = width + 2 - args.OW - left;
  const dy = p.outputGradient(op);
  const [H, W] = [args.OH + top + bottom, args.OW + left + right];
  const padded = p.tensor(4 * p.batch * H * W * args.OC);
  p.call(
    "pad2d",
    { out: padded, x: dy, H: args.OH, W: args.OW, C: args.OC, top, bottom, left, right },
    { tasks: p.batch },
  );
  const panels = Math.ceil(args.C / PANEL);
  const u = p.tensor(4 * panels * 16 * args.OC * PANEL);
  const w = p.pointers.value(op.parameters[0]!);
  p.call("winogradFilter", { u, w, C: args.OC, OC: args.C, rotate: 1 }, { tasks: panels });
  winogradForward(
    p,
    {
      y: p.gradient(op.inputs[0]!),
      x: padded,
      u,
      bias: 0,
      relu: 0,
      H,
      W,
      C: args.OC,
      OH: height,
      OW: width,
      OC: args.C,
    },
    p.batch * flops,
  );
}

export const conv2d: OpImplementation<"conv2d"> = {
  readsInput: () => true,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const g = geometry(op);
    const { K, args, dilation, flops } = g;
    const bias = op.parameters[1] ? p.pointers.value(op.parameters[1]) : 0;
    const winograd = winogradPays(op.attributes, args.C);
    const { x, w } = prepareForward(p, op, g, winograd);
    const y = p.value(op.output);
    const relu = Number(op.attributes.relu);
    if (winograd) {
      winogradForward(p, { ...args, x, u: w, y, bias, relu }, p.batch * flops);
      return;
    }
    p.call(
      "conv2dForward",
      { ...args, ...dilation, x, w, y, bias, relu, batch: p.batch, rows: 0 },
      {
        tasks: p.batch,
        scratch: 4 * args.OW * K,
        flops: p.batch * flops,
        algorithm: args.KW * args.C < 16 || dilation.dilationW > 1 ? "gathered patches" : "patches in place",
      },
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
      { tasks: Math.ceil(K / rows), flops: p.batch * flops, algorithm: "patches in place" },
    );
    if (bias) columnSum(p, dy, p.pointers.gradient(bias), p.batch * args.OH * args.OW, args.OC);
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    if (winogradPays(op.attributes, args.C)) {
      backwardInputWinograd(p, op, g);
      return;
    }
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
      {
        tasks: p.batch,
        scratch: padded ? 4 * args.H * args.W * args.C : 0,
        flops: p.batch * flops,
        algorithm: "place by place of the filter",
      },
    );
  },
};
