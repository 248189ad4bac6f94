import { type Graph, type Op, type OpOf, onlyReader, type Value } from "./graph.ts";
import { fuseExtra } from "./ops/extra.ts";
import { isStill, sumMerger } from "./ops/further.ts";

/**
 * Rewrites a graph into one that computes the same with fewer passes over memory:
 * - conv2d, dense, add and batchNorm each take a relu that follows, which their kernels apply before they store;
 * - batchNorm takes a sum that follows: what is added is its second input;
 * - conv2d (+ relu) + max pooling become convPool, where the pool is strided: see assembly/convpool.ts;
 * - outside training, and where they are frozen and nothing before them is trained, conv2d + batchNorm become a conv2d whose filter is scaled;
 * - with ops of ExtraKind what fuse-extra.ts tells.
 */
export function fuse(graph: Graph, training = true): Graph {
  const merged = new Set<Op>();
  const ops: Op[] = [];
  /** Where an op that was emitted is, by its output: one that is merged into a later op leaves its place. */
  const places = new Map<Value, number>();
  const merge = graph.ops.some(({ kind }) => kind === "add") ? sumMerger(graph, ops, places) : undefined;
  for (const original of graph.ops) {
    if (merged.has(original)) continue;
    let op = original;
    const take = (next: Op, change: object) => {
      op = { ...op, output: next.output, attributes: { ...op.attributes, ...change } } as Op;
      merged.add(next);
    };
    if (op.kind === "conv2d") {
      const next = onlyReader(graph, op.output);
      if (next?.kind === "batchNorm" && (!training || isStill(graph, next)))
        take(next, { norm: next.attributes.norm });
    }
    if (op.kind === "add") op = merge!(op);
    if ("relu" in op.attributes) {
      const next = onlyReader(graph, op.output);
      if (next?.kind === "activation" && next.attributes.kind === "relu") take(next, { relu: true });
    }
    if (op.kind === "conv2d") {
      const next = onlyReader(graph, op.output);
      if (next?.kind === "pool2d" && canPool(op, next)) {
        merged.add(next);
        op = {
          ...op,
          kind: "convPool",
          output: next.output,
          attributes: { conv: op.attributes, pool: next.attributes, convShape: op.output.shape },
        };
      }
    }
    places.set(op.output, ops.push(op) - 1);
  }
  return fuseExtra({ ...graph, ops: ops.filter((op, i) => places.get(op.output) === i) }, training);
}

/**
 * Where convPool wins. Its backward pass touches one convolution output a window, so windows must be fewer than
 * outputs: at stride 2x2 there are a quarter as many. Patch rows must be one run in memory: no dilation.
 */
function canPool(conv: OpOf<"conv2d">, pool: OpOf<"pool2d">): boolean {
  const { dilation } = conv.attributes;
  const { mode, strides } = pool.attributes;
  return mode === "max" && strides[0] * strides[1] >= 2 && dilation[0] === 1 && dilation[1] === 1;
}
