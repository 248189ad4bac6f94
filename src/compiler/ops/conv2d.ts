import { gatheredBytes, inputScratch, PANEL, panelsBytes, panelsOf, SHORT_RUN } from "../../engine/abi.ts";
import type { Conv2dAttributes, OpOf, Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { backwardRelu } from "./activation.ts";
import { columnSum } from "./dense.ts";
import { foldedFilter } from "./further.ts";
import {
  type TileSize,
  transformFilter,
  winogradConvolution,
  winogradFilterGradient,
  winogradTile,
} from "./winograd.ts";

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

/** The filter and the bias (0: none) of a convolution; those that a folded normalization makes of them are emitted. */
export function filterOf(
  p: Planner,
  op: ConvOp,
  { norm, filters }: Conv2dAttributes,
  K: number,
): { filter: Tensor | number; bias: Tensor | number } {
  const [kernel, bias] = op.parameters;
  const own = { filter: p.pointers.value(kernel!), bias: bias ? p.pointers.value(bias) : 0 };
  return norm ? foldedFilter(p, own, norm, K, filters) : own;
}

/** Emits what a forward of direct products needs first: the padded input and the packed filter. */
export function prepareForward(
  p: Planner,
  op: ConvOp,
  g: ConvGeometry,
  filter: Tensor | number,
): { x: Tensor; w: Tensor } {
  const { args, K } = g;
  const x = padInput(p, op, g);
  const panels = panelsOf(args.OC);
  const w = p.tensor(panelsBytes(panels, K));
  p.call("packFilter", { out: w, w: filter, K, OC: args.OC, C: args.C }, { tasks: panels });
  return { x, w };
}

/** Emits the padding of the input, where there is any. */
export function padInput(p: Planner, op: ConvOp, g: ConvGeometry): Tensor {
  const { args, padded, pad } = g;
  const x = paddedInput(p, op, g);
  if (padded) {
    const sizes = { H: args.cropH, W: args.cropW, C: args.C, ...pad };
    p.call("pad2d", { out: x, x: p.value(op.inputs[0]!), ...sizes }, { tasks: p.batch });
  }
  return x;
}

function geometry(op: OpOf<"conv2d">): ConvGeometry {
  return convGeometry(op.inputs[0]!.shape, op.output.shape, op.attributes);
}

/** Sizes of a convolution without the padding around its input, as Winograd's kernels take them. */
function unpadded({ args, pad }: ConvGeometry) {
  const { cropH: H, cropW: W, C, OH, OW, OC } = args;
  return { H, W, C, OH, OW, OC, top: pad.top, left: pad.left };
}

/** Emits dx: a convolution of dy, padded by 2 less the layer's own padding, with the filter turned around. */
function winogradInputGradient(p: Planner, op: OpOf<"conv2d">, g: ConvGeometry, m: TileSize): void {
  const { args, pad } = g;
  const w = p.pointers.value(op.parameters[0]!);
  winogradConvolution(
    p,
    m,
    {
      y: p.gradient(op.inputs[0]!),
      x: p.outputGradient(op),
      u: transformFilter(p, { w, C: args.OC, OC: args.C, m, rotate: true }),
      bias: 0,
      relu: 0,
      H: args.OH,
      W: args.OW,
      C: args.OC,
      OH: args.cropH,
      OW: args.cropW,
      OC: args.C,
      top: 2 - pad.top,
      left: 2 - pad.left,
    },
    p.batch * g.flops,
  );
}

/** How conv2dForward goes about patch rows of so many numbers: see assembly/conv2d.ts. */
function forwardAlgorithm(run: number, dilationW: number): string {
  if (dilationW > 1) return "gathered patches";
  return run < SHORT_RUN ? "four short patches at once" : "patches in place";
}

/** Emits the gradients of the filter and, where there is one, the bias. */
function filterGradient(p: Planner, op: OpOf<"conv2d">, g: ConvGeometry, dy: Tensor): void {
  const { K, args, dilation, flops } = g;
  const [kernel, bias] = op.parameters;
  const gradient = p.parameterGradient(kernel!);
  const m = winogradTile(op.attributes, [args.OH, args.OW], args.C, args.OC);
  if (m !== undefined) {
    const x = p.value(op.inputs[0]!);
    winogradFilterGradient(p, m, { ...unpadded(g), dw: gradient, x, dy }, p.batch * flops);
  } else {
    // Eight tasks or so: each reads all of dy again.
    const rows = Math.max(2, 2 * Math.ceil(K / 16));
    const common = { ...args, ...dilation, y: dy, bias: 0, batch: p.batch, relu: 0 };
    p.call(
      "conv2dBackwardFilter",
      { ...common, x: paddedInput(p, op, g), w: gradient, rows },
      { tasks: Math.ceil(K / rows), flops: p.batch * flops, algorithm: "patches in place" },
    );
  }
  if (bias) columnSum(p, dy, p.parameterGradient(bias), p.batch * args.OH * args.OW, args.OC);
}

export const conv2d: OpImplementation<"conv2d"> = {
  readsInput: () => true,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const g = geometry(op);
    const { K, args, dilation, flops } = g;
    const { filter, bias } = filterOf(p, op, op.attributes, K);
    const relu = Number(op.attributes.relu);
    const y = p.value(op.output);
    const m = winogradTile(op.attributes, [args.OH, args.OW], args.C, args.OC);
    if (m !== undefined) {
      const u = transformFilter(p, { w: filter, C: args.C, OC: args.OC, m });
      const x = p.value(op.inputs[0]!);
      winogradConvolution(p, m, { ...unpadded(g), x, u, y, bias, relu }, p.batch * flops);
      return;
    }
    const { x, w } = prepareForward(p, op, g, filter);
    p.call(
      "conv2dForward",
      { ...args, ...dilation, x, w, y, bias, relu, batch: p.batch, rows: 0 },
      {
        tasks: p.batch,
        scratch: gatheredBytes(args.OW, K),
        flops: p.batch * flops,
        algorithm: forwardAlgorithm(args.KW * args.C, dilation.dilationW),
      },
    );
  },

  backward(p, op) {
    const g = geometry(op);
    const { K, args, dilation, flops, padded, positions } = g;
    const kernel = op.parameters[0];
    const dy = op.attributes.relu ? backwardRelu(p, op) : p.outputGradient(op);
    if (p.trains(kernel!)) filterGradient(p, op, g, dy);
    const weights = p.pointers.value(kernel!);
    const common = { ...args, ...dilation, y: dy, bias: 0, batch: p.batch, relu: 0 };
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const turned = winogradTile(op.attributes, [args.cropH, args.cropW], args.OC, args.C);
    if (turned !== undefined) {
      winogradInputGradient(p, op, g, turned);
      return;
    }
    // Few input channels fill a panel badly: the gradients of whole patches fill it.
    const patches = args.C < PANEL && dilation.dilationW === 1;
    const [depth, places] = patches ? [K, 1] : [args.C, positions];
    const panels = places * panelsOf(depth);
    const packed = p.tensor(panelsBytes(panels, args.OC));
    p.call("packFilterTransposed", { out: packed, w: weights, K, OC: args.OC, C: depth }, { tasks: panels });
    p.call(
      "conv2dBackwardInput",
      { ...common, x: p.gradient(input), w: packed, rows: Number(patches) },
      {
        tasks: p.batch,
        scratch: inputScratch(args.H * args.W * args.C, args.OW, K, padded, patches),
        flops: p.batch * flops,
        algorithm: patches ? "whole patches, then added" : "place by place of the filter",
      },
    );
  },
};
