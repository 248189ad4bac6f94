// What models with an op of FURTHER_KINDS need. Only ops/index.ts, fuse.ts and conv2d.ts import it: in the script of training
// workers browser/host/given.ts stands in for it, and the page adds it where the model has such an op.
import type { FurtherKind } from "../graph.ts";
import type { Implementations } from "../planner.ts";
import { add } from "./add.ts";
import { batchNorm } from "./batch-norm.ts";
import { concatenate } from "./concatenate.ts";
import { multiply } from "./multiply.ts";

export { sumMerger } from "../fuse-sums.ts";
export { isStill } from "../still.ts";
export { foldedFilter } from "./batch-norm.ts";

export const FURTHER: Pick<Implementations, FurtherKind> = { add, multiply, concatenate, batchNorm };
