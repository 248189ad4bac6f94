import { LIST_CHANNELS, PANEL, SHORT_RUN } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation } from "../planner.ts";
import { convGeometry, filterOf, paddedInput, padInput, prepareForward } from "./conv2d.ts";
import {
  algorithmName,
  type TileSize,
  transformFilter,
  winogradBlocks,
  winogradScratch,
  winogradTile,
} from "./winograd.ts";

/** Scratch that keeps a panel of convolution outputs in the L1 cache, in bytes. */
const PANEL_BYTES = 24 * 1024;
/** Entries that a list should have, so that starting and ending a sum costs little beside it. */
const LIST_ENTRIES = 96;

function geometry(op: OpOf<"convPool">) {
  const { conv, pool, convShape } = op.attributes;
  const g = convGeometry(op.inputs[0]!.shape, convShape, conv);
  const [PH, PW] = op.output.shape as readonly number[] as [number, number];
  const [poolH, poolW] = pool.kernel;
  const [poolStrideH, poolStrideW] = pool.strides;
  const { KH, KW, C } = g.args;
  return {
    ...g,
    // Patch rows are stored in whole vectors.
    patchBytes: 4 * KH * 4 * Math.ceil((KW * C) / 4),
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
function rowsUnder({ args }: Geometry, block: number): number {
  return Math.min(args.OH, (block - 1) * args.poolStrideH + args.poolH);
}

/** Columns of the convolution that a window reaches. */
function usedColumns({ args: { OW, PW, poolW, poolStrideW, poolLeft } }: Geometry): number {
  return Math.min(OW, (PW - 1) * poolStrideW - poolLeft + poolW);
}

/** Scratch for one limit a channel, in whole panels. */
const limitBytes = ({ args: { OC } }: Geometry) => 4 * PANEL * Math.ceil(OC / PANEL);

/** Direct products: pooled rows at once, so that their panel stays in the L1 cache. */
function directForward(g: Geometry, batch: number) {
  const { C, KW, OW, PH, poolH, poolStrideH } = g.args;
  const most = Math.floor((PANEL_BYTES / (4 * PANEL * OW) - poolH) / poolStrideH) + 1;
  const block = Math.max(1, Math.min(PH, most));
  const cells = rowsUnder(g, block) * OW;
  return {
    args: { block, m: 0, images: 1 },
    tasks: batch,
    scratch: limitBytes(g) + 4 * PANEL * cells + (KW * C < SHORT_RUN ? 4 * cells * g.K : 0),
    algorithm: "fused",
  };
}

/** Winograd's products: pooled rows at once, so that few rows of tiles are only partly used, and images. */
function winogradForward(g: Geometry, m: TileSize, batch: number) {
  const { C, PH, OH } = g.args;
  const columns = Math.ceil(usedColumns(g) / m);
  const tileRows = (block: number) => Math.ceil(rowsUnder(g, block) / m);
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
    scratch:
      limitBytes(g) + 4 * PANEL * m * m * rows * columns + winogradScratch(m, { images, rows, columns }, C),
    algorithm: `fused, ${algorithmName(m)}`,
  };
}

export const convPool: OpImplementation<"convPool"> = {
  readsInput: () => true,
  readsOutput: () => false,

  forward(p, op) {
    const g = geometry(op);
    const { filter, bias } = filterOf(p, op, op.attributes.conv, g.K);
    const { C, OC, PH } = g.args;
    const m = winogradTile(op.attributes.conv, [rowsUnder(g, PH), usedColumns(g)], C, OC);
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
        batch: p.batch,
      },
      { tasks: how.tasks, scratch: how.scratch, flops: p.batch * g.flops, algorithm: how.algorithm },
    );
  },

  backward(p, op) {
    const g = geometry(op);
    const [kernel, bias] = op.parameters;
    const { args, cells, places, patchBytes } = g;
    const argmax = p.kept(op, "argmax", 4 * p.count(op.output));
    const common = { ...args, y: p.outputGradient(op), argmax, bias: 0, filter: 0, batch: p.batch };
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
          scratch: LIST_CHANNELS * (8 * args.group * cells + patchBytes) + 4 * (places + 5),
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
