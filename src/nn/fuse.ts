import {
  elements,
  type Graph,
  type Op,
  type OpOf,
  onlyReader,
  type Parameter,
  producer,
  type Value,
} from "./graph.ts";

/**
 * Rewrites a graph into one that computes the same with fewer passes over memory:
 * - conv2d, dense, add and batchNorm each take a relu that follows, which their kernels apply before they store;
 * - batchNorm takes a sum that follows: what is added is its second input;
 * - conv2d (+ relu) + max pooling become convPool, where the pool is strided: see assembly/convpool.ts;
 * - outside training conv2d + batchNorm become a conv2d whose filter is scaled.
 */
export function fuse(graph: Graph, training = true): Graph {
  const merged = new Set<Op>();
  const apart = sharedStatistics(graph);
  const ops: Op[] = [];
  /** Where an op that was emitted is, by its output: one that is merged into a later op leaves its place. */
  const places = new Map<Value, number>();
  for (const original of graph.ops) {
    if (merged.has(original)) continue;
    let op = original;
    const take = (next: Op, change: object) => {
      op = { ...op, output: next.output, attributes: { ...op.attributes, ...change } } as Op;
      merged.add(next);
    };
    if (!training && op.kind === "conv2d") {
      const next = onlyReader(graph, op.output);
      if (next?.kind === "batchNorm") take(next, { norm: next.attributes.norm });
    }
    if (op.kind === "add") {
      const norm = normBefore(graph, ops, places, op, apart);
      if (norm) {
        places.delete(norm.output);
        op = withResidual(norm, op);
      }
    }
    if (op.kind === "conv2d" || op.kind === "dense" || op.kind === "add" || op.kind === "batchNorm") {
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
  return { ...graph, ops: ops.filter((op, i) => places.get(op.output) === i) };
}

/** Moving statistics of normalizations that are called several times: they move in the order of the calls, which stays. */
function sharedStatistics({ ops }: Graph): Set<Parameter> {
  const once = new Set<Parameter>();
  const shared = new Set<Parameter>();
  for (const op of ops)
    if (op.kind === "batchNorm") {
      const { movingMean } = op.attributes.norm;
      (once.has(movingMean) ? shared : once).add(movingMean);
    }
  return shared;
}

/** A normalization that can add the sum's other value itself: the last of those that the sum alone reads. */
function normBefore(
  graph: Graph,
  ops: readonly Op[],
  places: ReadonlyMap<Value, number>,
  sum: OpOf<"add">,
  apart: ReadonlySet<Parameter>,
): OpOf<"batchNorm"> | undefined {
  const [a, b] = sum.inputs;
  if (a === b || elements(a!.shape) !== elements(b!.shape)) return undefined;
  const found = sum.inputs.flatMap((value) => {
    const at = places.get(value);
    const op = at === undefined ? undefined : ops[at];
    const fits = op?.kind === "batchNorm" && !op.attributes.relu && !op.attributes.residual;
    return fits &&
      !apart.has(op.attributes.norm.movingMean) &&
      onlyReader(graph, value) === producer(graph, sum.output)
      ? [{ op, at: at! }]
      : [];
  });
  return found.sort((x, y) => y.at - x.at)[0]?.op;
}

function withResidual(norm: OpOf<"batchNorm">, sum: OpOf<"add">): Op {
  const other = sum.inputs.find((value) => value !== norm.output)!;
  return {
    ...norm,
    inputs: [...norm.inputs, other],
    output: sum.output,
    attributes: { ...norm.attributes, residual: true },
  };
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
