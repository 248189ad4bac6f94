import { writeHdf5 } from "../hdf5/write-hdf5.ts";
import { weightsGroups } from "../keras/weights-groups.ts";
import { writeModelConfig } from "../keras/write-model.ts";
import type { FileOptions } from "../options.ts";
import type { Files, PortableModel } from "../portable.ts";
import { layerGroups } from "./write.ts";

/** Weights alone as an HDF5 file: what save_weights() writes, and load_weights() of the same model in Keras reads. */
export async function write(model: PortableModel, { name, kerasVersion = 3 }: FileOptions): Promise<Files> {
  const written = writeModelConfig(model, { version: kerasVersion, title: `Keras ${kerasVersion}` });
  const file = kerasVersion === 3 ? weightsGroups(written) : layerGroups(written.layers, 2);
  return { [`${name}.weights.h5`]: writeHdf5(file) };
}
