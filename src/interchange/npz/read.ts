import { DataError } from "../../data/errors.ts";
import { ModelFileError } from "../../formats/model-file-error.ts";
import { parseNpy } from "../../sources/npy.ts";
import { unzip } from "../../sources/unzip.ts";
import { type Files, onlyFile, type PortableWeights } from "../portable.ts";

/** Weights as np.savez() writes them: arrays by names. */
export async function read(files: Files): Promise<PortableWeights> {
  const arrays = unzip(
    onlyFile(files),
    ({ kind, text }, cause) => new ModelFileError(kind, `the .npz file: ${text}`, { cause }),
  );
  const tensors = [...arrays].map(([file, { content }]) => {
    const name = file.replace(/\.npy$/, "");
    const { shape, data } = arrayOf(content(), name);
    return { name, shape, data: Float32Array.from(data) };
  });
  return { tensors, layout: "keras" };
}

function arrayOf(bytes: Uint8Array, name: string) {
  try {
    return parseNpy(bytes, name);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new ModelFileError(error.code === "too-large" ? "too-large" : "damaged", error.message, {
      cause: error,
    });
  }
}
