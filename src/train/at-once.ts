import { elements } from "../compiler/graph.ts";
import type { Session } from "./session.ts";

/** Bytes that an op reads and writes of all images at once: so much stays in a processor's caches. */
const BYTES = 4 * 2 ** 20;
/** No fewer images, and for each thread: the weights are read once for as many, and threads find work. */
const LEAST = 8;
const EACH = 2;

/**
 * How many of a batch of images predict() computes at once: few enough that what is between two layers is still in the caches when the next reads it.
 * A divisor of the batch, if there is one that is not much smaller, so that one plan does for all.
 */
export function atOnce({ graph, engine }: Pick<Session, "graph" | "engine">, batch: number): number {
  if (batch <= LEAST) return batch;
  const bytes = graph.ops.map(
    ({ inputs, output }) => 4 * [...inputs, output].reduce((sum, { shape }) => sum + elements(shape), 0),
  );
  const most = Math.max(LEAST, EACH * engine.threads, Math.floor(BYTES / Math.max(...bytes)));
  if (batch <= most) return batch;
  for (let size = most; 2 * size >= most; size--) if (batch % size === 0) return size;
  return most;
}
