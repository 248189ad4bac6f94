import type { Implementations } from "../planner.ts";
import { activation } from "./activation.ts";
import { conv2d } from "./conv2d.ts";
import { convPool } from "./convpool.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import { EXTRA } from "./extra.ts";
import { FURTHER } from "./further.ts";
import { globalAveragePool2d, pool2d } from "./pool2d.ts";
import { reshape } from "./reshape.ts";
import { softmax } from "./softmax.ts";

/** What does each kind of op. */
export const IMPLEMENTATIONS: Implementations = {
  conv2d,
  convPool,
  dense,
  pool2d,
  globalAveragePool2d,
  activation,
  softmax,
  dropout,
  reshape,
  ...FURTHER,
  ...EXTRA,
};
