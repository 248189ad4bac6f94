import type { OpOf } from "../graph.ts";
import { convGeometry, paddedInput, prepareForward, winogradPays } from "./conv2d.ts";
import type { OpImplementation } from "./implementation.ts";

/** Scratch that keeps a panel of convolution outputs in the L1 cache, in bytes. */
const PANEL_BYTES = 24 * 1024;
/** Output channels in one task of the filter gradient, see assembly/convpool.ts. */
const CHANNELS = 8;
/** Entries that a list should have, so that starting and ending a sum costs little beside it. */
const LIST_ENTRIES = 96;

function geometry(op: OpOf<"convPool">) {
  const { conv, pool, convShape } = op.attributes;
  const g = convGeometry(op.inputs[0]!.shape, convShape, conv);
  const [PH, PW] = op.output.shape as readonly number[] as [number, number];
  const [poolH, poolW] = pool.kernel;
  const [poolStrideH, poolStrideW] = pool.strides;
  const { KH, KW, C, OW, OH } = g.args;
  const block = Math.max(1, Math.min(PH, Math.floor((PANEL_BYTES / (64 * OW) - poolH) / poolStrideH) + 1));
  const winograd = winogradPays(conv, C);
  const blockRows = Math.min(OH, (block - 1) * poolStrideH + poolH);
  return {
    ...g,
    // Patch rows are stored in whole vectors.
    patchBytes: 4 * KH * 4 * Math.ceil((KW * C) / 4),
    cells: PH * PW,
    places: poolH * poolW,
    winograd,
    forwardScratch:
      64 * blockRows * OW +
      (winograd
        ? 64 * Math.ceil(blockRows / 2) * Math.ceil(OW / 2) * (C + 16)
        : KW * C < 16
          ? 4 * blockRows * OW * g.K
          : 0),
    args: {
      ...g.args,
      relu: Number(conv.relu),
      PH,
      PW,
      poolH,
      poolW,
      poolStrideH,
      poolStrideW,
      poolTop: pool.pad.top,
      poolLeft: pool.pad.left,
      block,
      winograd: Number(winograd),
      group: Math.max(1, Math.ceil(LIST_ENTRIES / (PH * PW))),
    },
  };
}

export const convPool: OpImplementation<"convPool"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const g = geometry(op);
    const bias = op.parameters[1];
    const inputs = prepareForward(p, op, g, g.winograd);
    p.call(
      "convPoolForward",
      {
        ...g.args,
        ...inputs,
        y: p.value(op.output),
        argmax: p.needsGradient(op.output) ? p.kept(op, "argmax", 4 * p.count(op.output)) : 0,
        bias: bias ? p.pointers.value(bias) : 0,
        batch: p.batch,
      },
      {
        tasks: p.batch,
        scratch: g.forwardScratch,
        flops: p.batch * g.flops,
        algorithm: g.winograd ? "fused, Winograd F(2x2, 3x3)" : "fused",
      },
    );
  },

  backward(p, op) {
    const g = geometry(op);
    const [kernel, bias] = op.parameters;
    const { args, cells, places, patchBytes } = g;
    const argmax = p.kept(op, "argmax", 4 * p.count(op.output));
    const common = { ...args, y: p.outputGradient(op), argmax, bias: 0, batch: p.batch };
    p.call(
      "convPoolBackwardFilter",
      {
        ...common,
        x: paddedInput(p, op, g),
        w: p.pointers.gradient(kernel!),
        bias: bias ? p.pointers.gradient(bias) : 0,
      },
      {
        tasks: Math.ceil(args.OC / CHANNELS),
        scratch: CHANNELS * (8 * args.group * cells + patchBytes) + 4 * (places + 5),
        flops: p.batch * g.flops,
        algorithm: "non-zeros only",
      },
    );
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const packed = p.tensor(args.OC * patchBytes);
    p.call(
      "packFilterRows",
      { ...common, y: packed, x: 0, w: p.pointers.value(kernel!) },
      { tasks: args.OC },
    );
    const apart = g.padded || (args.KW * args.C) % 4 !== 0;
    p.call(
      "convPoolBackwardInput",
      { ...common, x: p.gradient(input), w: packed },
      {
        tasks: p.batch,
        scratch: 8 + places * (8 * args.OC + 4) + 24 + (apart ? 4 * args.H * args.W * args.C + 64 : 0),
        flops: p.batch * g.flops,
        algorithm: "non-zeros only",
      },
    );
  },
};
