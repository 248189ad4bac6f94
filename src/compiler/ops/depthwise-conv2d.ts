import { DEPTHWISE_CHANNELS } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import { columnSum } from "./dense.ts";

/** Most groups of images whose filter gradients are summed apart: with few channels there would be few tasks. */
const GROUPS = 8;

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

/** Output rows in one task: batches have tasks enough, of a single image its rows are shared out. */
const rowsOf = (batch: number, OH: number) => (batch >= GROUPS ? OH : Math.ceil(OH / GROUPS));

export const depthwiseConv2d: OpImplementation<"depthwiseConv2d"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const { sizes, flops } = geometry(p, op);
    const [kernel, bias] = op.parameters;
    const grain = rowsOf(p.batch, sizes.OH);
    p.call(
      "depthwiseForward",
      {
        ...sizes,
        y: p.value(op.output),
        x: p.value(op.inputs[0]!),
        w: p.pointers.value(kernel!),
        bias: bias ? p.pointers.value(bias) : 0,
        grain,
      },
      { tasks: p.batch * Math.ceil(sizes.OH / grain), flops },
    );
  },

  backward(p, op) {
    const { sizes, taps, flops } = geometry(p, op);
    const [kernel, bias] = op.parameters;
    const input = op.inputs[0]!;
    const dy = p.outputGradient(op);
    const { OH, OW, H, W, KH, KW, strideH, strideW, dilationH, dilationW, top, left, multiplier } = sizes;
    const cols = sizes.C * multiplier;
    if (p.trains(kernel!)) {
      const dw = p.parameterGradient(kernel!);
      const grain = Math.ceil(p.batch / GROUPS);
      const groups = Math.ceil(p.batch / grain);
      const parts = groups > 1 ? p.tensor(4 * groups * taps * cols) : dw;
      p.call(
        "depthwiseBackwardFilter",
        { ...sizes, y: dy, x: p.value(input), w: parts, bias: 0, grain },
        { tasks: groups * Math.ceil(cols / DEPTHWISE_CHANNELS), flops },
      );
      if (parts !== dw) columnSum(p, parts as Tensor, dw, groups, taps * cols);
      if (bias) columnSum(p, dy, p.parameterGradient(bias), p.batch * OH * OW, cols);
    }
    if (!p.needsGradient(input)) return;
    const dx = p.gradient(input);
    const w = p.pointers.value(kernel!);
    if (strideH > 1 || strideW > 1 || multiplier > 1) {
      const args = { ...sizes, y: dy, x: dx, w, bias: 0, grain: 0 };
      p.call("depthwiseBackwardInput", args, { tasks: p.batch, flops });
      return;
    }
    const turned = p.tensor(4 * taps * cols);
    p.call("reverseTaps", { out: turned, w, taps, C: cols });
    const grain = rowsOf(p.batch, H);
    p.call(
      "depthwiseForward",
      {
        ...sizes,
        y: dx,
        x: dy,
        w: turned,
        bias: 0,
        H: OH,
        W: OW,
        OH: H,
        OW: W,
        top: (KH - 1) * dilationH - top,
        left: (KW - 1) * dilationW - left,
        grain,
      },
      { tasks: p.batch * Math.ceil(H / grain), flops },
    );
  },
};
