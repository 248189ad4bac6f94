import {
  columnsUnder,
  directScratch,
  filterListScratch,
  inputListScratch,
  LIST_CHANNELS,
  PANEL_ROW,
  patchBytes,
  rowsUnder,
  windowScratch,
} from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { convGeometry, filterOf, paddedInput, padInput, prepareForward } from "./conv2d.ts";
import { type TileSize, transformFilter, winogradBlocks, winogradTile } from "./winograd.ts";

/** Scratch that keeps a panel of convolution outputs in the L1 cache, in bytes. */
const PANEL_BYTES = 24 * 1024;
/** Entries that a list should have, so that starting and ending a sum costs little beside it. */
const LIST_ENTRIES = 96;

function geometry(p: Planner, op: OpOf<"convPool">) {
  const { conv, pool, convShape } = op.attributes;
  const g = convGeometry(p.batch, op.inputs[0]!.shape, convShape, conv);
  const [PH, PW] = op.output.shape as readonly number[] as [number, number];
  const [poolH, poolW] = pool.kernel;
  const [poolStrideH, poolStrideW] = pool.strides;
  const { KW, C, OW } = g.args;
  return {
    ...g,
    run: KW * C,
    columns: columnsUnder(OW, PW, poolStrideW, pool.pad.left, poolW),
    cells: PH * PW,
    places: poolH * poolW,
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
      block: 1,
      m: 0,
      images: 1,
      group: Math.max(1, Math.ceil(LIST_ENTRIES / (PH * PW))),
    },
  };
}

type Geometry = ReturnType<typeof geometry>;

/** Rows of the convolution under `block` rows of the pool. */
const rowsOf = ({ args: { OH, poolStrideH, poolH } }: Geometry, block: number) =>
  rowsUnder(OH, block, poolStrideH, poolH);

/** Direct products: pooled rows at once, so that their panel stays in the L1 cache. */
function directForward(g: Geometry, batch: number) {
  const { OC, OW, PH, poolH, poolStrideH } = g.args;
  const most = Math.floor((PANEL_BYTES / (PANEL_ROW * OW) - poolH) / poolStrideH) + 1;
  const block = Math.max(1, Math.min(PH, most));
  return {
    args: { block, m: 0, images: 1 },
    tasks: batch,
    scratch: directScratch(OC, rowsOf(g, block) * OW, g.run, g.K),
  };
}

/** Winograd's products: pooled rows at once, so that few rows of tiles are only partly used, and images. */
function winogradForward(g: Geometry, m: TileSize, batch: number) {
  const { C, OC, PH, OH } = g.args;
  const columns = Math.ceil(g.columns / m);
  const tileRows = (block: number) => Math.ceil(rowsOf(g, block) / m);
  const most = winogradBlocks(m, C, batch, Math.ceil(OH / m), columns).block;
  let block = 1;
  for (let b = 2; b <= PH && tileRows(b) <= most; b++) {
    const total = (n: number) => Math.ceil(PH / n) * tileRows(n);
    if (total(b) <= total(block)) block = b;
  }
  const rows = tileRows(block);
  const { images } = block === PH ? winogradBlocks(m, C, batch, rows, columns) : { images: 1 };
  return {
    args: { block, m, images },
    tasks: Math.ceil(batch / images),
    scratch: windowScratch(m, images, rows, columns, C, OC),
  };
}

export const convPool: OpImplementation<"convPool"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const g = geometry(p, op);
    const { filter, bias } = filterOf(p, op, op.attributes.conv, g.K);
    const { C, OC, PH } = g.args;
    const m = winogradTile(op.attributes.conv, [rowsOf(g, PH), g.columns], C, OC);
    const how = m === undefined ? directForward(g, p.batch) : winogradForward(g, m, p.batch);
    const inputs =
      m === undefined
        ? prepareForward(p, op, g, filter)
        : { x: padInput(p, op, g), w: transformFilter(p, { w: filter, C, OC, m }) };
    p.call(
      "convPoolForward",
      {
        ...g.args,
        ...how.args,
        ...inputs,
        y: p.value(op.output),
        argmax: p.needsGradient(op.output) ? p.kept(op, "argmax", 4 * p.count(op.output)) : 0,
        bias,
        filter,
      },
      { tasks: how.tasks, scratch: how.scratch, flops: g.flops },
    );
  },

  backward(p, op) {
    const g = geometry(p, op);
    const [kernel, bias] = op.parameters;
    const { args, cells, places, run } = g;
    const argmax = p.kept(op, "argmax", 4 * p.count(op.output));
    const common = { ...args, y: p.outputGradient(op), argmax, bias: 0, filter: 0 };
    if (p.trains(kernel!))
      p.call(
        "convPoolBackwardFilter",
        {
          ...common,
          x: paddedInput(p, op, g),
          w: p.parameterGradient(kernel!),
          bias: bias ? p.parameterGradient(bias) : 0,
        },
        {
          tasks: Math.ceil(args.OC / LIST_CHANNELS),
          scratch: filterListScratch(args.group * cells, args.KH, run, places),
          flops: g.flops,
        },
      );
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    const packed = p.tensor(args.OC * patchBytes(args.KH, run));
    p.call(
      "packFilterRows",
      { ...common, y: packed, x: 0, w: p.pointers.value(kernel!) },
      { tasks: args.OC },
    );
    p.call(
      "convPoolBackwardInput",
      { ...common, x: p.gradient(input), w: packed },
      {
        tasks: p.batch,
        scratch: inputListScratch(places, args.OC, args.H * args.W * args.C, run, g.padded),
        flops: g.flops,
      },
    );
  },
};
