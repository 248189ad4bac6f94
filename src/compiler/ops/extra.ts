// What models with an op of EXTRA_KINDS need, which is loaded where there is one: see browser/host/given.ts.
import type { ExtraKind } from "../graph.ts";
import type { Implementations } from "../planner.ts";
import { depthwiseConv2d } from "./depthwise-conv2d.ts";

export const EXTRA: Pick<Implementations, ExtraKind> = { depthwiseConv2d };
