import type { Op, OpKind } from "../graph.ts";
import { activation } from "./activation.ts";
import { conv2d } from "./conv2d.ts";
import { convPool } from "./convpool.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import type { OpImplementation } from "./implementation.ts";
import { globalAveragePool2d, pool2d } from "./pool2d.ts";
import { reshape } from "./reshape.ts";
import { softmax } from "./softmax.ts";

const IMPLEMENTATIONS: { readonly [K in OpKind]: OpImplementation<K> } = {
  conv2d,
  convPool,
  dense,
  pool2d,
  globalAveragePool2d,
  activation,
  softmax,
  dropout,
  reshape,
};

export function implementationOf(op: Op): OpImplementation<OpKind> {
  return IMPLEMENTATIONS[op.kind] as OpImplementation<OpKind>;
}
