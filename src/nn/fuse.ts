import { consumers, type Graph, type Op } from "./graph.ts";

/**
 * Rewrites a graph into one that computes the same with fewer passes over memory:
 * conv2d + relu and dense + relu become one op, whose kernel applies max(0, .) before it stores.
 */
export function fuse(graph: Graph): Graph {
  const ops: Op[] = [];
  const merged = new Set<Op>();
  for (const op of graph.ops) {
    if (merged.has(op)) continue;
    const readers = consumers(graph, op.output);
    const next = readers.length === 1 && op.output !== graph.output ? readers[0] : undefined;
    if (next?.kind === "activation" && next.attributes.kind === "relu") {
      if (op.kind === "conv2d") {
        ops.push({ ...op, output: next.output, attributes: { ...op.attributes, relu: true } });
        merged.add(next);
        continue;
      }
      if (op.kind === "dense") {
        ops.push({ ...op, output: next.output, attributes: { ...op.attributes, relu: true } });
        merged.add(next);
        continue;
      }
    }
    ops.push(op);
  }
  return { ...graph, ops };
}
