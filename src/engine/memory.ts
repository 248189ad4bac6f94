import { ALIGNMENT, CALL } from "./abi.ts";
import { KERNELS, type KernelArgs, type KernelName } from "./kernel-table.ts";

export { ALIGNMENT, type KernelArgs, type KernelName };

/** Bytes of one call record in a program. */
export const CALL_BYTES = CALL.bytes;

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Bytes of a kernel's argument struct. */
export function structBytes(kernel: KernelName): number {
  return 4 * KERNELS[kernel].fields.length;
}

/**
 * Writes a kernel's argument struct at `pointer`. Throws on a field that is missing or no number, and on a whole one that
 * is none or does not fit into 32 bits: cut off, it would be another size than the one that memory was planned for.
 */
export function writeStruct<K extends KernelName>(
  view: DataView,
  pointer: number,
  kernel: K,
  args: KernelArgs<K>,
): void {
  let at = pointer;
  for (const [field, type] of KERNELS[kernel].fields) {
    const value = (args as Record<string, number>)[field];
    if (value === undefined || Number.isNaN(value))
      throw new TypeError(`${kernel}: argument '${field}' is ${value}, expected a number`);
    if (type !== "f32" && !(Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32))
      throw new RangeError(`${kernel}: argument '${field}' is ${value}, expected a whole number of 32 bits`);
    if (type === "f32") view.setFloat32(at, value, true);
    else view.setInt32(at, value, true);
    at += 4;
  }
}

/** Writes one call record. */
export function writeCall(
  view: DataView,
  pointer: number,
  kernel: KernelName,
  args: number,
  tasks: number,
): void {
  view.setInt32(pointer + CALL.kernel, KERNELS[kernel].id, true);
  view.setInt32(pointer + CALL.args, args, true);
  view.setInt32(pointer + CALL.tasks, tasks, true);
}
