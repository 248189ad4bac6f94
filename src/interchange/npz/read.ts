import { DataError } from "../../data/errors.ts";
import { ModelFileError } from "../../formats/model-file-error.ts";
import { parseNpy } from "../../sources/npy.ts";
import { unzip, unzipAll, type ZipProblem } from "../../sources/unzip.ts";
import { type Files, onlyFile, type PortableWeights } from "../portable.ts";

/** How many times the file's bytes its arrays may have when they are unpacked, beyond 64 MiB: zeros shrink by more. */
const MOST_UNPACKED = 64;

/** Weights as np.savez() and np.savez_compressed() write them: arrays by names, of integers or floats, of either order. */
export async function read(files: Files): Promise<PortableWeights> {
  const bytes = onlyFile(files);
  const fail = ({ kind, text }: ZipProblem, cause?: unknown) =>
    new ModelFileError(kind, `the .npz file: ${text}`, { cause });
  const names = [...unzip(bytes, fail).keys()];
  const arrays = unzipAll(bytes, new Set(names), 2 ** 26 + MOST_UNPACKED * bytes.length, fail);
  const tensors = names.map((file) => {
    const name = file.replace(/\.npy$/, "");
    const { shape, data } = arrayOf(arrays.get(file)!, name);
    return { name, shape, data: Float32Array.from(data) };
  });
  return { tensors, layout: "keras" };
}

function arrayOf(bytes: Uint8Array, name: string) {
  try {
    return parseNpy(bytes, name, true);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new ModelFileError(error.code === "too-large" ? "too-large" : "damaged", error.message, {
      cause: error,
    });
  }
}
