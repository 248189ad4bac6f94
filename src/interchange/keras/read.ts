import { ModelFileError } from "../../formats/model-file.ts";
import { isObject } from "../../options/kinds.ts";
import { parseJson } from "../../options/strict-json.ts";
import { unzip, type ZippedFile } from "../../sources/unzip.ts";
import { openHdf5 } from "../hdf5/read-hdf5.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Files, onlyFile, type PortableModel, warnBy } from "../portable.ts";
import { BESIDE, readBeside } from "./beside.ts";
import { readModelConfig } from "./read-model.ts";
import { readTraining } from "./training.ts";
import { takeWeights } from "./weights.ts";
import { arrayIn, variablesIn } from "./weights-groups.ts";

/** A model as Keras 3 saves it, and Keras 2.12 and later: an archive of its config and its weights. */
export async function read(files: Files, options: LoadModelOptions): Promise<PortableModel> {
  const inside = unzip(
    onlyFile(files),
    ({ kind, text }, cause) => new ModelFileError(kind, `the .keras file: ${text}`, { cause }),
  );
  const config = jsonOf(inside, "config.json");
  const about = jsonOf(inside, "metadata.json");
  const version = /^[12]\./.test(String(isObject(about) && about.keras_version)) ? 2 : 3;
  const found = readModelConfig(config, version, options);
  const weights = inside.get("model.weights.h5");
  if (!weights)
    throw new ModelFileError(
      "damaged",
      `the .keras file has no model.weights.h5: it holds ${[...inside.keys()].slice(0, 5).join(", ")}`,
    );
  const root = openHdf5(weights.content());
  const taken = takeWeights(found, arrayIn(root));
  const { metadata, training } = readTraining(
    isObject(config) ? config.compile_config : undefined,
    found,
    warnBy(options),
    () => variablesIn(root),
  );
  const beside = readBeside(isObject(about) ? about[BESIDE] : undefined);
  return { ...taken, metadata: { ...metadata, ...beside }, training };
}

function jsonOf(inside: ReadonlyMap<string, ZippedFile>, name: string): unknown {
  const file = inside.get(name);
  if (!file) throw new ModelFileError("damaged", `the .keras file has no ${name}`);
  try {
    return parseJson(new TextDecoder().decode(file.content()));
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    throw new ModelFileError("damaged", `the .keras file's ${name} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
