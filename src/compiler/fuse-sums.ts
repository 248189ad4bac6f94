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
 * Merges sums into normalizations before them: gives the normalization with the sum as its residual, which leaves its place
 * among the ops, or the sum as it is. `places`: where in `ops` each output is made.
 */
export function sumMerger(
  graph: Graph,
  ops: readonly Op[],
  places: Map<Value, number>,
): (sum: OpOf<"add">) => Op {
  const apart = sharedStatistics(graph);
  return (sum) => {
    const norm = normBefore(graph, ops, places, sum, apart);
    if (!norm) return sum;
    places.delete(norm.output);
    return withResidual(norm, sum);
  };
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
