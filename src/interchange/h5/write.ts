import { type Written, writeHdf5 } from "../hdf5/write-hdf5.ts";
import { BESIDE, writeBeside } from "../keras/beside.ts";
import { pythonJson } from "../keras/python-json.ts";
import { writeTraining } from "../keras/training.ts";
import { KERAS_VERSIONS } from "../keras/versions.ts";
import { type WrittenLayer, writeModelConfig } from "../keras/write-model.ts";
import type { Files, PortableModel, Writer } from "../portable.ts";

/**
 * A whole model as an HDF5 file: as Keras 2 saved it, which Keras 3 and converters read, too; or with Keras 3's configs, for
 * what Keras 2 lacks.
 */
export async function write(
  model: PortableModel,
  { name, kerasVersion = 2, warn }: Parameters<Writer["write"]>[1],
): Promise<Files> {
  const written = writeModelConfig(model, { version: kerasVersion, title: `Keras ${kerasVersion}` });
  const { className, config, layers } = written;
  const training = writeTraining(model, layers, kerasVersion, warn);
  const beside = writeBeside(model.metadata);
  const { optimizer, ...rest } = training?.config ?? {};
  // Keras 3 gives fit() an optimizer of no parameters where a file has its state, and it fails: of its own files, too.
  if (training?.variables)
    warn(
      "of an .h5 file with an optimizer's state Keras 3 cannot go on training: it is left out. A .keras file has it",
    );
  const file: Written = {
    attributes: {
      keras_version: KERAS_VERSIONS[kerasVersion],
      backend: "tensorflow",
      model_config: JSON.stringify({ class_name: className, config }),
      ...(training && { training_config: pythonJson({ ...rest, optimizer_config: optimizer }) }),
      ...(beside && { [BESIDE]: JSON.stringify(beside) }),
    },
    groups: { model_weights: layerGroups(layers, kerasVersion) },
  };
  return { [`${name}.h5`]: writeHdf5(file) };
}

/** Attributes are written in parts of no more bytes. */
const MOST_BYTES = 64_512;

/** A list of names as an attribute, in several where it is long. */
function named(key: string, names: readonly string[]): Record<string, readonly string[]> {
  const longest = Math.max(1, ...names.map((name) => name.length));
  const each = Math.max(1, Math.floor(MOST_BYTES / longest));
  if (names.length <= each) return { [key]: names };
  const parts = Math.ceil(names.length / each);
  return Object.fromEntries(
    Array.from({ length: parts }, (_, i) => [`${key}${i}`, names.slice(i * each, (i + 1) * each)]),
  );
}

/** The groups of layers, in which each weight is called after its layer. */
export function layerGroups(layers: readonly WrittenLayer[], version: 2 | 3): Written {
  const groups = layers.map(({ name, weights }) => {
    const called = weights.map((weight) => (version === 2 ? `${weight.name}:0` : weight.name));
    const arrays = Object.fromEntries(weights.map(({ tensor }, i) => [called[i]!, tensor]));
    return [
      name,
      {
        attributes: named(
          "weight_names",
          called.map((own) => `${name}/${own}`),
        ),
        ...(weights.length > 0 && { groups: { [name]: { arrays } } }),
      },
    ] as const;
  });
  return {
    attributes: {
      ...named(
        "layer_names",
        layers.map(({ name }) => name),
      ),
      backend: "tensorflow",
      keras_version: KERAS_VERSIONS[version],
    },
    groups: {
      ...Object.fromEntries(groups),
      top_level_model_weights: { attributes: { weight_names: [] } },
    },
  };
}
