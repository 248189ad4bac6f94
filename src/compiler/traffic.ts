import { FEW_BYTES, UPDATED } from "../engine/abi.ts";
import { KERNELS, type KernelName } from "../engine/kernel-table.ts";
import { elements, isTrained } from "./graph.ts";
import type { Planner } from "./planner.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Bytes that a call reads and writes, each of its tensors taken whole and once. `parameters`: bytes behind the pointers
 * of parameters and their gradients. Other persistent memory is the optimizer's: vectors of the kernel's n f32.
 */
export function bytesMoved(
  kernel: KernelName,
  args: Readonly<Record<string, number | Tensor>>,
  parameters: ReadonlyMap<number, number>,
): number {
  // It alone touches a part of each row.
  if (kernel === "copyColumns") return 2 * 4 * (args.rows as number) * (args.cols as number);
  const { n } = args;
  const persistentBytes = (pointer: number) =>
    typeof n === "number" ? 4 * n : (parameters.get(pointer) ?? 0);
  const marked = (marks: typeof UPDATED) => marks[kernel] as readonly string[] | undefined;
  const [few, updated] = [marked(FEW_BYTES), marked(UPDATED)];
  let bytes = 0;
  for (const [field, type] of KERNELS[kernel].fields) {
    const arg = args[field];
    if (type !== "pointer" || !arg || few?.includes(field)) continue;
    const size = typeof arg === "number" ? persistentBytes(arg) : arg.bytes;
    bytes += updated?.includes(field) ? 2 * size : size;
  }
  return bytes;
}

/** Bytes that each call of a plan reads and writes: what a cache too small for any tensor would have to move. */
export function trafficOf({ graph, pointers, calls }: Planner): number[] {
  const parameters = new Map<number, number>();
  for (const parameter of graph.parameters) {
    const bytes = 4 * elements(parameter.shape);
    parameters.set(pointers.value(parameter), bytes);
    if (isTrained(parameter)) parameters.set(pointers.gradient(parameter), bytes);
  }
  return calls.map(({ kernel, args }) => bytesMoved(kernel, args, parameters));
}
