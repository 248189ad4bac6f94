import { zipSync } from "fflate";
import { littleEndian } from "../../safetensors/write-safetensors.ts";
import type { FileOptions } from "../options.ts";
import type { Files, PortableModel } from "../portable.ts";
import { ZIP_TIME } from "../zip-time.ts";

/**
 * Weights as np.savez() has them: an array a parameter, "conv2d/kernel" under that name, stored and without a time, so that
 * equal weights make equal files.
 */
export async function write({ tensors }: PortableModel, { name }: FileOptions): Promise<Files> {
  const files = Object.fromEntries(
    tensors.map(({ name, shape, data }) => [`${name}.npy`, npyOf(shape, data)]),
  );
  return { [`${name}.npz`]: zipSync(files, { level: 0, mtime: ZIP_TIME }) as Uint8Array<ArrayBuffer> };
}

/** An array of 4-byte floats as .npy, version 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
export function npyOf(shape: readonly number[], data: Float32Array): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = 10 + header.length + 1;
  const padded = Math.ceil(start / 64) * 64;
  const text = `${header}${" ".repeat(padded - start)}\n`;
  const bytes = new Uint8Array(padded + 4 * data.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  new DataView(bytes.buffer).setUint16(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes.set(littleEndian(data), padded);
  return bytes;
}
