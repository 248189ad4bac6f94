// What models with an op of EXTRA_KINDS need, which is loaded where there is one: see browser/host/given.ts.
import type { ExtraKind } from "../graph.ts";
import type { Implementations } from "../planner.ts";
import { binary } from "./binary.ts";
import { depthwiseConv2d } from "./depthwise-conv2d.ts";
import { channelDropout, gaussian } from "./noise.ts";
import { permute } from "./permute.ts";
import { resample2d } from "./resample2d.ts";
import { unary } from "./unary.ts";

export const EXTRA: Pick<Implementations, ExtraKind> = {
  depthwiseConv2d,
  unary,
  binary,
  resample2d,
  permute,
  channelDropout,
  gaussian,
};
