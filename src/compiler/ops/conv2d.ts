import {
  gatheredBytes,
  inputScratch,
  PANEL,
  panelsBytes,
  panelsOf,
  pointwiseScratch,
} from "../../engine/abi.ts";
import type { Conv2dAttributes, OpOf, Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { backwardRelu } from "./activation.ts";
import { columnSum } from "./dense.ts";
import { foldedFilter } from "./further.ts";
import { pointwiseBlocks, pointwiseParts } from "./pointwise.ts";
import {
  type TileSize,
  transformFilter,
  winogradConvolution,
  winogradFilterGradient,
  winogradTile,
} from "./winograd.ts";

/** Input sizes with the padding around them, and what every convolution kernel is told of a batch. */
export function convGeometry(batch: number, input: Shape, output: Shape, attributes: Conv2dAttributes) {
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
    positions: kernel[0] * kernel[1],
    args: {
      batch,
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
      dilationH: dilation[0],
      dilationW: dilation[1],
      top: pad.top,
      left: pad.left,
      cropH: height,
      cropW: width,
    },
    /** Multiplications and additions. */
    flops: 2 * batch * OH * OW * filters * K,
  };
}

type ConvOp = OpOf<"conv2d"> | OpOf<"convPool">;
export type ConvGeometry = ReturnType<typeof convGeometry>;

/** The input inside its border of zeros, kept for backward; the input itself where there is no border. */
export function paddedInput(p: Planner, op: ConvOp, { padded, args }: ConvGeometry): Tensor {
  const x = p.value(op.inputs[0]!);
  return padded ? p.kept(op, "padded", 4 * args.batch * args.H * args.W * args.C) : x;
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

function geometry(p: Planner, op: OpOf<"conv2d">): ConvGeometry {
  return convGeometry(p.batch, op.inputs[0]!.shape, op.output.shape, op.attributes);
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
    g.flops,
  );
}

/** Whether a convolution is a product of matrices as they are: see assembly/pointwise.ts. */
const isProduct = ({ positions, padded }: ConvGeometry) => positions === 1 && !padded;

const outputsOf = ({ args: { batch, OH, OW } }: ConvGeometry) => batch * OH * OW;

/** How a product with N columns is shared out; kernels that take patches are told `rows`, and a task is an image. */
function shares(g: ConvGeometry, N: number, rows: number) {
  if (isProduct(g)) return pointwiseBlocks(outputsOf(g), N);
  return { block: { rows, cols: 0 }, tasks: g.args.batch };
}

/** The same of the filter gradient: eight tasks or so, as each reads all of dy again. */
function filterShares(g: ConvGeometry) {
  const { K } = g;
  // Fewer channels don't pay for packing dy.
  if (isProduct(g) && K > 4) return pointwiseParts(outputsOf(g), K, g.args.OC);
  const rows = Math.max(2, 2 * Math.ceil(K / 16));
  return { parts: 1, block: { rows, cols: 0 }, tasks: Math.ceil(K / rows) };
}

/** Emits the gradients of the filter and, where there is one, the bias. */
function filterGradient(p: Planner, op: OpOf<"conv2d">, g: ConvGeometry, dy: Tensor): void {
  const { K, args, flops } = g;
  const { OH, OW, OC } = args;
  const [kernel, bias] = op.parameters;
  const dw = p.parameterGradient(kernel!);
  const m = winogradTile(op.attributes, [OH, OW], args.C, OC);
  if (m !== undefined) {
    const x = p.value(op.inputs[0]!);
    winogradFilterGradient(p, m, { ...unpadded(g), dw, x, dy }, flops);
  } else {
    const { parts, block, tasks } = filterShares(g);
    const w = parts > 1 ? p.tensor(4 * parts * K * OC) : dw;
    p.call(
      "conv2dBackwardFilter",
      {
        ...args,
        x: paddedInput(p, op, g),
        y: dy,
        w,
        bias: 0,
        relu: 0,
        ...block,
      },
      { tasks, scratch: block.cols && pointwiseScratch(block.cols), flops },
    );
    if (w !== dw) columnSum(p, w as Tensor, dw, parts, K * OC);
  }
  if (bias) columnSum(p, dy, p.parameterGradient(bias), outputsOf(g), OC);
}

export const conv2d: OpImplementation<"conv2d"> = {
  readsInput: () => true,
  readsOutput: (op) => op.attributes.relu,

  forward(p, op) {
    const g = geometry(p, op);
    const { K, args, flops } = g;
    const { filter, bias } = filterOf(p, op, op.attributes, K);
    const relu = Number(op.attributes.relu);
    const y = p.value(op.output);
    const m = winogradTile(op.attributes, [args.OH, args.OW], args.C, args.OC);
    if (m !== undefined) {
      const u = transformFilter(p, { w: filter, C: args.C, OC: args.OC, m });
      const x = p.value(op.inputs[0]!);
      winogradConvolution(p, m, { ...unpadded(g), x, u, y, bias, relu }, flops);
      return;
    }
    const { x, w } = prepareForward(p, op, g, filter);
    const { block, tasks } = shares(g, args.OC, 0);
    p.call(
      "conv2dForward",
      { ...args, x, w, y, bias, relu, ...block },
      { tasks, scratch: gatheredBytes(args.OW, K), flops },
    );
  },

  backward(p, op) {
    const g = geometry(p, op);
    const { K, args, flops, padded, positions } = g;
    const kernel = op.parameters[0];
    const dy = op.attributes.relu ? backwardRelu(p, op) : p.outputGradient(op);
    if (p.trains(kernel!)) filterGradient(p, op, g, dy);
    const weights = p.pointers.value(kernel!);
    const common = { ...args, y: dy, bias: 0, relu: 0 };
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const turned = winogradTile(op.attributes, [args.cropH, args.cropW], args.OC, args.C);
    if (turned !== undefined) {
      winogradInputGradient(p, op, g, turned);
      return;
    }
    // Few input channels fill a panel badly: the gradients of whole patches fill it.
    const patches = args.C < PANEL && args.dilationW === 1;
    const [depth, places] = patches ? [K, 1] : [args.C, positions];
    const panels = places * panelsOf(depth);
    const packed = p.tensor(panelsBytes(panels, args.OC));
    p.call("packFilterTransposed", { out: packed, w: weights, K, OC: args.OC, C: depth }, { tasks: panels });
    const { block, tasks } = shares(g, args.C, Number(patches));
    p.call(
      "conv2dBackwardInput",
      { ...common, x: p.gradient(input), w: packed, ...block },
      {
        tasks,
        scratch: inputScratch(args.H * args.W * args.C, args.OW, K, padded, patches),
        flops,
      },
    );
  },
};
