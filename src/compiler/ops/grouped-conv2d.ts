import { gatheredBytes, inputScratch, PANEL, panelsBytes, panelsOf } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { convGeometry } from "./conv2d.ts";
import { columnSum } from "./dense.ts";

/** The convolution of one group. */
function ofGroup(p: Planner, { inputs, output, attributes }: OpOf<"groupedConv2d">) {
  const [H, W, C] = inputs[0]!.shape as readonly number[] as [number, number, number];
  const [OH, OW] = output.shape as readonly number[] as [number, number];
  const { groups, filters } = attributes;
  const own = { ...attributes, filters: filters / groups, relu: false };
  return {
    ...convGeometry(p.batch, [H, W, C / groups], [OH, OW, filters / groups], own),
    C,
    filters,
    groups,
  };
}

/** Emits the copy of some columns of rows of `width` numbers, or into some. */
function copy(
  p: Planner,
  out: { readonly at: Tensor | number; readonly width: number; readonly column: number },
  from: { readonly at: Tensor | number; readonly width: number; readonly column: number },
  rows: number,
  cols: number,
): void {
  const grain = Math.max(1, Math.floor(GRAIN / cols));
  const args = {
    rows,
    cols,
    outCols: out.width,
    at: out.column,
    xCols: from.width,
    from: from.column,
    grain,
  };
  p.call("copyColumns", { out: out.at, x: from.at, ...args }, { tasks: chunks(rows, grain) });
}

/** Emits a copy of a group's columns of a tensor of rows, all of them side by side. */
function columnsOf(
  p: Planner,
  at: Tensor | number,
  rows: number,
  width: number,
  group: number,
  cols: number,
): Tensor {
  const out = p.tensor(4 * rows * cols);
  copy(p, { at: out, width: cols, column: 0 }, { at, width, column: group * cols }, rows, cols);
  return out;
}

/** Emits a group's input inside its border. */
function inputOf(
  p: Planner,
  op: OpOf<"groupedConv2d">,
  g: ReturnType<typeof ofGroup>,
  group: number,
): Tensor {
  const { args, padded, pad } = g;
  const x = columnsOf(p, p.value(op.inputs[0]!), p.batch * args.cropH * args.cropW, g.C, group, args.C);
  if (!padded) return x;
  const out = p.tensor(4 * p.batch * args.H * args.W * args.C);
  p.call("pad2d", { out, x, H: args.cropH, W: args.cropW, C: args.C, ...pad }, { tasks: p.batch });
  return out;
}

/** Each group by the kernels of whole convolutions, on copies of its channels. */
export const groupedConv2d: OpImplementation<"groupedConv2d"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const g = ofGroup(p, op);
    const { K, args, flops, groups, filters } = g;
    const [kernel, bias] = op.parameters;
    const rows = p.batch * args.OH * args.OW;
    for (let group = 0; group < groups; group++) {
      const x = inputOf(p, op, g, group);
      const own = columnsOf(p, p.pointers.value(kernel!), K, filters, group, args.OC);
      const panels = panelsOf(args.OC);
      const w = p.tensor(panelsBytes(panels, K));
      p.call("packFilter", { out: w, w: own, K, OC: args.OC, C: args.C }, { tasks: panels });
      const y = p.tensor(4 * rows * args.OC);
      const shift = bias ? p.pointers.value(bias) + 4 * group * args.OC : 0;
      p.call(
        "conv2dForward",
        { ...args, x, w, y, bias: shift, relu: 0, rows: 0, cols: 0 },
        { tasks: p.batch, scratch: gatheredBytes(args.OW, K), flops },
      );
      const to = { at: p.value(op.output), width: filters, column: group * args.OC };
      copy(p, to, { at: y, width: args.OC, column: 0 }, rows, args.OC);
    }
  },

  backward(p, op) {
    const g = ofGroup(p, op);
    const { K, args, flops, padded, positions, groups, filters } = g;
    const [kernel, bias] = op.parameters;
    const input = op.inputs[0]!;
    const dy = p.outputGradient(op);
    const rows = p.batch * args.OH * args.OW;
    if (bias && p.trains(bias)) columnSum(p, dy, p.parameterGradient(bias), rows, filters);
    const dw = p.trains(kernel!) ? p.parameterGradient(kernel!) : undefined;
    const dx = p.needsGradient(input) ? p.gradient(input) : undefined;
    for (let group = 0; group < groups; group++) {
      const y = columnsOf(p, dy, rows, filters, group, args.OC);
      const common = { ...args, y, bias: 0, relu: 0 };
      if (dw !== undefined) {
        const part = p.tensor(4 * K * args.OC);
        const each = Math.max(2, 2 * Math.ceil(K / 16));
        p.call(
          "conv2dBackwardFilter",
          { ...common, x: inputOf(p, op, g, group), w: part, rows: each, cols: 0 },
          { tasks: Math.ceil(K / each), flops },
        );
        const to = { at: dw, width: filters, column: group * args.OC };
        copy(p, to, { at: part, width: args.OC, column: 0 }, K, args.OC);
      }
      if (!dx) continue;
      const own = columnsOf(p, p.pointers.value(kernel!), K, filters, group, args.OC);
      const patches = args.C < PANEL && args.dilationW === 1;
      const [depth, places] = patches ? [K, 1] : [args.C, positions];
      const panels = places * panelsOf(depth);
      const packed = p.tensor(panelsBytes(panels, args.OC));
      p.call("packFilterTransposed", { out: packed, w: own, K, OC: args.OC, C: depth }, { tasks: panels });
      const part = p.tensor(4 * p.batch * args.cropH * args.cropW * args.C);
      p.call(
        "conv2dBackwardInput",
        { ...common, x: part, w: packed, rows: Number(patches), cols: 0 },
        {
          tasks: p.batch,
          scratch: inputScratch(args.H * args.W * args.C, args.OW, K, padded, patches),
          flops,
        },
      );
      const to = { at: dx, width: g.C, column: group * args.C };
      copy(p, to, { at: part, width: args.C, column: 0 }, p.batch * args.cropH * args.cropW, args.C);
    }
  },
};
