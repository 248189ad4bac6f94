import { consumers, type Graph, type Op, type OpOf } from "./graph.ts";

/**
 * Rewrites a graph into one that computes the same with fewer passes over memory:
 * - conv2d + relu and dense + relu become one op, whose kernel applies max(0, .) before it stores;
 * - conv2d (+ relu) + max pooling become convPool, where the pool is strided: see assembly/convpool.ts.
 */
export function fuse(graph: Graph): Graph {
  const merged = new Set<Op>();
  /** The only reader of an op's output, unless that is the model's own output. */
  const onlyReader = (op: Op): Op | undefined => {
    const readers = consumers(graph, op.output);
    return readers.length === 1 && op.output !== graph.output ? readers[0] : undefined;
  };
  const ops: Op[] = [];
  for (const original of graph.ops) {
    if (merged.has(original)) continue;
    let op = original;
    if (op.kind === "conv2d" || op.kind === "dense") {
      const next = onlyReader(op);
      if (next?.kind === "activation" && next.attributes.kind === "relu") {
        op = { ...op, output: next.output, attributes: { ...op.attributes, relu: true } } as Op;
        merged.add(next);
      }
    }
    if (op.kind === "conv2d") {
      const next = onlyReader(op);
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
    ops.push(op);
  }
  return { ...graph, ops };
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
