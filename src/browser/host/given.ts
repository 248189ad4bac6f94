// What the script of training workers has in place of all files called further.ts, extra.ts or frozen.ts: what stands before it, where the
// page has put it there.

import type * as Fills from "../../compiler/extra.ts";
import type * as ExtraOps from "../../compiler/ops/extra.ts";
import type * as Ops from "../../compiler/ops/further.ts";
import type * as Losses from "../../losses/extra.ts";
import type * as FurtherLosses from "../../losses/further.ts";
import type * as Metrics from "../../metrics/extra.ts";
import type * as Optim from "../../optim/extra.ts";
import type * as Host from "./extra.ts";
import type * as Frozen from "./frozen.ts";

/** Set by further-main.ts, extra-main.ts and frozen-main.ts. Without them none of these is asked for, but withFeatures(), where it is there. */
export const {
  FURTHER,
  EXTRA,
  fuseExtra = (graph) => graph,
  mixedTargets,
  penalties,
  fillFurther,
  constrainWeights,
  foldedFilter,
  sumMerger,
  isStill,
  EXTRA_METRICS,
  FURTHER_LOSSES,
  runnerOf,
  targetsFor,
  EXTRA_UPDATES,
  emitAccumulation,
  emitAverage,
  imported,
  withFeatures,
} = ((globalThis as { wasmgradFurther?: unknown }).wasmgradFurther ?? {}) as typeof Ops &
  typeof ExtraOps &
  typeof Fills &
  typeof Metrics &
  typeof Losses &
  typeof FurtherLosses &
  typeof Optim &
  typeof Host &
  typeof Frozen;
