import { requireMemory } from "../engine/memory-limit.ts";
import { DEFAULT_MAX_MEMORY } from "../engine/memory-sizes.ts";
import { fuse } from "./fuse.ts";
import { elements, type Graph, type Op, type OpKind } from "./graph.ts";

/**
 * Linear memory that a fused graph needs at the least for a batch, in bytes: its parameters, and the largest op's input
 * and output. Plain arithmetic on sizes that may be anything a file says: nothing is allocated, and a sum that is too
 * large for whole numbers is still larger than any limit. What a plan takes is known, and held to the limit, when it is made.
 */
export function leastBytes(graph: Graph, batch: number): number {
  const parameters = graph.parameters.reduce((sum, { shape }) => sum + elements(shape), 0);
  const inputs = graph.inputs.reduce((sum, { shape }) => sum + elements(shape), 0);
  const values = graph.ops.reduce((most, op) => Math.max(most, valuesOf(op)), inputs);
  return 4 * (parameters + batch * values);
}

/** Numbers that an op reads and writes for one image; one that may work in place writes where it reads. */
function valuesOf({ kind, inputs, output }: Op): number {
  const read = [...new Set(inputs)].reduce((sum, { shape }) => sum + elements(shape), 0);
  const written = elements(output.shape);
  return IN_PLACE.includes(kind) ? Math.max(read, written) : read + written;
}

const IN_PLACE: readonly OpKind[] = [
  "activation",
  "add",
  "batchNorm",
  "dropout",
  "multiply",
  "reshape",
  "softmax",
  "unary",
];

/**
 * Throws MemoryError where a model cannot do even one image within the limit: before anything is made for it.
 * `write` makes the line that would allow it.
 */
export function requireRoom(
  graph: Graph,
  limit = DEFAULT_MAX_MEMORY,
  write: (bytes: string) => string,
): void {
  requireMemory("the model, for one image,", leastBytes(fuse(graph), 1), limit, write);
}
