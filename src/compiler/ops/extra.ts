// What models with an op of ExtraKind need, which is loaded where there is one: see browser/host/given.ts.
import type { ExtraKind } from "../graph.ts";
import type { Implementations } from "../planner.ts";
import { mixImages, randomAffine, randomColor, randomCrop, randomErasing } from "./augment.ts";
import { binary } from "./binary.ts";
import { conv2dTranspose } from "./conv2d-transpose.ts";
import { depthwiseConv2d } from "./depthwise-conv2d.ts";
import { groupNorm } from "./group-norm.ts";
import { groupedConv2d } from "./grouped-conv2d.ts";
import { channelDropout, gaussian } from "./noise.ts";
import { activityPenalty } from "./penalties.ts";
import { permute } from "./permute.ts";
import { resample2d } from "./resample2d.ts";
import { unary } from "./unary.ts";

export { fuseExtra } from "../fuse-extra.ts";
export { mixedTargets } from "./augment.ts";
export { constrainWeights, penalties } from "./penalties.ts";

export const EXTRA: Pick<Implementations, ExtraKind> = {
  depthwiseConv2d,
  conv2dTranspose,
  groupedConv2d,
  groupNorm,
  randomAffine,
  randomCrop,
  randomColor,
  randomErasing,
  mixImages,
  unary,
  binary,
  resample2d,
  permute,
  channelDropout,
  gaussian,
  activityPenalty,
};
