import { gatheredBytes, inputScratch, PANEL, panelsBytes, panelsOf } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { convGeometry } from "./conv2d.ts";
import { columnSum } from "./dense.ts";

/** The convolution that it turns around: from what it gives to what it takes. */
function turned(p: Planner, { inputs, output, attributes }: OpOf<"conv2dTranspose">) {
  const input = inputs[0]!.shape;
  return convGeometry(p.batch, output.shape, input, { ...attributes, filters: input[2]!, relu: false });
}

/** The gradient of the output inside of the border that the convolution has. */
function paddedGradient(p: Planner, dy: Tensor, { padded, args, pad }: ReturnType<typeof turned>): Tensor {
  if (!padded) return dy;
  const out = p.tensor(4 * p.batch * args.H * args.W * args.C);
  p.call("pad2d", { out, x: dy, H: args.cropH, W: args.cropW, C: args.C, ...pad }, { tasks: p.batch });
  return out;
}

export const conv2dTranspose: OpImplementation<"conv2dTranspose"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const { K, args, flops, padded, positions } = turned(p, op);
    const [kernel, bias] = op.parameters;
    // Few output channels fill a panel badly: whole patches fill it.
    const patches = args.C < PANEL && args.dilationW === 1;
    const [depth, places] = patches ? [K, 1] : [args.C, positions];
    const panels = places * panelsOf(depth);
    const packed = p.tensor(panelsBytes(panels, args.OC));
    const w = p.pointers.value(kernel!);
    p.call("packFilterTransposed", { out: packed, w, K, OC: args.OC, C: depth }, { tasks: panels });
    const y = p.value(op.output);
    p.call(
      "conv2dBackwardInput",
      {
        ...args,
        y: p.value(op.inputs[0]!),
        x: y,
        w: packed,
        bias: 0,
        relu: 0,
        rows: Number(patches),
        cols: 0,
      },
      {
        tasks: p.batch,
        scratch: inputScratch(args.H * args.W * args.C, args.OW, K, padded, patches),
        flops,
      },
    );
    if (!bias) return;
    const inner = p.batch * args.cropH * args.cropW;
    const grain = Math.max(1, Math.floor(GRAIN / args.C));
    const sum = { z: y, x: y, y: p.pointers.value(bias), relu: 0, batch: 1, inner, C: args.C, grain };
    p.call("addBroadcast", sum, { tasks: Math.ceil(inner / grain) });
  },

  backward(p, op) {
    const g = turned(p, op);
    const { K, args, flops } = g;
    const [kernel, bias] = op.parameters;
    const input = op.inputs[0]!;
    const dy = p.outputGradient(op);
    const common = { ...args, bias: 0, relu: 0 };
    if (bias && p.trains(bias))
      columnSum(p, dy, p.parameterGradient(bias), p.batch * args.cropH * args.cropW, args.C);
    if (!p.trains(kernel!) && !p.needsGradient(input)) return;
    const x = paddedGradient(p, dy, g);
    if (p.trains(kernel!)) {
      const rows = Math.max(2, 2 * Math.ceil(K / 16));
      p.call(
        "conv2dBackwardFilter",
        { ...common, x, y: p.value(input), w: p.parameterGradient(kernel!), rows, cols: 0 },
        { tasks: Math.ceil(K / rows), flops },
      );
    }
    if (!p.needsGradient(input)) return;
    const panels = panelsOf(args.OC);
    const w = p.tensor(panelsBytes(panels, K));
    p.call(
      "packFilter",
      { out: w, w: p.pointers.value(kernel!), K, OC: args.OC, C: args.C },
      { tasks: panels },
    );
    p.call(
      "conv2dForward",
      { ...common, x, w, y: p.gradient(input), rows: 0, cols: 0 },
      { tasks: p.batch, scratch: gatheredBytes(args.OW, K), flops },
    );
  },
};
