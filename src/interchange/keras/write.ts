import { zipSync } from "fflate";
import { ModelFileError } from "../../formats/model-file.ts";
import { ZIP_TIME } from "../../sources/zip-time.ts";
import { writeHdf5 } from "../hdf5/write-hdf5.ts";
import type { Files, PortableModel, Writer } from "../portable.ts";
import { BESIDE, writeBeside } from "./beside.ts";
import { pythonJson } from "./python-json.ts";
import { writeTraining } from "./training.ts";
import { KERAS_VERSIONS } from "./versions.ts";
import { weightsGroups } from "./weights-groups.ts";
import { type WrittenModel, writeModelConfig } from "./write-model.ts";

/** A model as Keras 3 saves it. */
export async function write(
  model: PortableModel,
  { name, kerasVersion = 3, warn }: Parameters<Writer["write"]>[1],
): Promise<Files> {
  if (kerasVersion !== 3)
    throw new ModelFileError("unsupported", 'Keras 2 has other files. Write: format: "h5", kerasVersion: 2');
  const written = writeModelConfig(model, { version: 3, title: "Keras" });
  const beside = writeBeside(model.metadata);
  const about = {
    keras_version: KERAS_VERSIONS[3],
    // Keras does not look at it; equal models make equal files.
    date_saved: "1980-01-01@00:00:00",
    ...(beside && { [BESIDE]: beside }),
  };
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const training = writeTraining(model, written.layers, 3, warn);
  const config = JSON.stringify(topEntry(written)).slice(0, -1);
  const archive = zipSync(
    {
      "metadata.json": utf8(JSON.stringify(about)),
      "config.json": utf8(`${config},"compile_config":${pythonJson(training?.config)}}`),
      "model.weights.h5": writeHdf5(weightsGroups(written, training?.variables)),
    },
    { level: 0, mtime: ZIP_TIME },
  );
  return { [`${name}.keras`]: archive as Uint8Array<ArrayBuffer> };
}

/** The model as an object of Keras 3. */
function topEntry({ className, config }: WrittenModel): Record<string, unknown> {
  const chain = className === "Sequential";
  return {
    module: chain ? "keras" : "keras.src.models.functional",
    class_name: className,
    config,
    registered_name: chain ? null : className,
    build_config: { input_shape: chain ? config.build_input_shape : null },
  };
}
