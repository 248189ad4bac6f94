import { DEPTHWISE_CHANNELS, inPlanes, PLANE_CHANNELS, planesScratch } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, PlannedArgs, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { backwardRelu } from "./activation.ts";
import { foldedFilter } from "./batch-norm.ts";
import { columnSum } from "./dense.ts";

/** Most groups of images whose filter gradients are summed apart: with few channels there would be few tasks. */
const GROUPS = 8;

type Sizes = ReturnType<typeof geometry>["sizes"];

function geometry(p: Planner, { inputs, output, attributes }: OpOf<"depthwiseConv2d">) {
  const [H, W, C] = inputs[0]!.shape as readonly number[] as [number, number, number];
  const [OH, OW] = output.shape as readonly number[] as [number, number];
  const { kernel, strides, dilation, pad, multiplier } = attributes;
  const sizes = {
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
    dilationH: dilation[0],
    dilationW: dilation[1],
    top: pad.top,
    left: pad.left,
    multiplier,
  };
  return {
    sizes,
    taps: kernel[0] * kernel[1],
    flops: 2 * p.batch * OH * OW * C * multiplier * kernel[0] * kernel[1],
  };
}

/** Emits a convolution. Batches have tasks enough; of a few images channels are shared out, and where those are few, rows. */
function convolve(
  p: Planner,
  args: Omit<PlannedArgs<"depthwiseForward">, "grain" | "channels">,
  flops: number,
): void {
  const { batch, C, OH, OW, KH, KW, strideH, strideW, dilationH, dilationW, left, multiplier } =
    args as Readonly<Record<string, number>> as Sizes;
  const OC = C * multiplier;
  const blocks = Math.ceil(OC / PLANE_CHANNELS);
  const wanted = Math.ceil(GROUPS / batch);
  const across = Math.min(blocks, wanted);
  const channels = across > 1 ? PLANE_CHANNELS * Math.ceil(blocks / across) : OC;
  const grain = Math.ceil(OH / Math.ceil(wanted / Math.ceil(OC / channels)));
  const planes = inPlanes(KW, strideW, Math.max(dilationH, dilationW), multiplier, left);
  p.call(
    "depthwiseForward",
    { ...args, grain, channels },
    {
      tasks: batch * Math.ceil(OH / grain) * Math.ceil(OC / channels),
      scratch: planes ? planesScratch(OW, KH, KW, strideH, strideW, grain) : 0,
      flops,
    },
  );
}

export const depthwiseConv2d: OpImplementation<"depthwiseConv2d"> = {
  readsInput: () => true,
  readsOutput: ({ attributes }) => attributes.relu ?? false,

  forward(p, op) {
    const { sizes, taps, flops } = geometry(p, op);
    const { norm, relu = false, multiplier } = op.attributes;
    const [kernel, bias] = op.parameters;
    const own = { filter: p.pointers.value(kernel!), bias: bias ? p.pointers.value(bias) : 0 };
    const { filter, bias: shift } = norm ? foldedFilter(p, own, norm, taps, sizes.C * multiplier) : own;
    const [y, x] = [p.value(op.output), p.value(op.inputs[0]!)];
    convolve(p, { ...sizes, y, x, w: filter, bias: shift, relu: Number(relu) }, flops);
  },

  backward(p, op) {
    const { sizes, taps, flops } = geometry(p, op);
    const [kernel, bias] = op.parameters;
    const input = op.inputs[0]!;
    const dy = op.attributes.relu ? backwardRelu(p, op) : p.outputGradient(op);
    const { OH, OW, H, W, KH, KW, strideH, strideW, dilationH, dilationW, top, left, multiplier } = sizes;
    const cols = sizes.C * multiplier;
    if (p.trains(kernel!)) {
      const dw = p.parameterGradient(kernel!);
      const grain = Math.ceil(p.batch / GROUPS);
      const groups = Math.ceil(p.batch / grain);
      const parts = groups > 1 ? p.tensor(4 * groups * taps * cols) : dw;
      p.call(
        "depthwiseBackwardFilter",
        { ...sizes, y: dy, x: p.value(input), w: parts, bias: 0, relu: 0, grain, channels: 0 },
        { tasks: groups * Math.ceil(cols / DEPTHWISE_CHANNELS), flops },
      );
      if (parts !== dw) columnSum(p, parts as Tensor, dw, groups, taps * cols);
      if (bias) columnSum(p, dy, p.parameterGradient(bias), p.batch * OH * OW, cols);
    }
    if (!p.needsGradient(input)) return;
    const dx = p.gradient(input);
    const w = p.pointers.value(kernel!);
    if (strideH > 1 || strideW > 1 || multiplier > 1) {
      const args = { ...sizes, y: dy, x: dx, w, bias: 0, relu: 0, grain: 0, channels: 0 };
      p.call("depthwiseBackwardInput", args, { tasks: p.batch, flops });
      return;
    }
    const turned = p.tensor(4 * taps * cols);
    p.call("reverseTaps", { out: turned, w, taps, C: cols });
    const around = { top: (KH - 1) * dilationH - top, left: (KW - 1) * dilationW - left };
    const turn = { ...sizes, H: OH, W: OW, OH: H, OW: W, ...around };
    convolve(p, { ...turn, y: dx, x: dy, w: turned, bias: 0, relu: 0 }, flops);
  },
};
