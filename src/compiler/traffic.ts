import { UPDATED } from "../engine/abi.ts";
import { KERNELS, type KernelName } from "../engine/kernel-table.ts";
import type { Tensor } from "./tensor.ts";

/** Pointers to a few bytes, whatever the kernel's n. */
const SMALL = ["state", "step"];

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
  let bytes = 0;
  for (const [field, type] of KERNELS[kernel].fields) {
    const arg = args[field];
    if (type !== "pointer" || !arg || SMALL.includes(field)) continue;
    const size = typeof arg === "number" ? persistentBytes(arg) : arg.bytes;
    bytes += (UPDATED[kernel] as readonly string[] | undefined)?.includes(field) ? 2 * size : size;
  }
  return bytes;
}
