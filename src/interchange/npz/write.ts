import { zipSync } from "fflate";
import { npyOf } from "../../sources/npy.ts";
import { ZIP_TIME } from "../../sources/zip-time.ts";
import type { FileOptions } from "../options.ts";
import type { Files, PortableModel } from "../portable.ts";

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
