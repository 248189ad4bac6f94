import type { Parameter } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import type { ModelConfig } from "../../model/model-config.ts";
import { quoted } from "../../options/show.ts";
import { parseJson } from "../../options/strict-json.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { modelFromConfig } from "../../train/functional.ts";
import { isModel, type Model } from "../../train/model.ts";
import { type AttributeValue, type Hdf5Array, Hdf5Group, openHdf5 } from "../hdf5/read-hdf5.ts";
import { BESIDE, readBeside } from "../keras/beside.ts";
import { camel } from "../keras/names.ts";
import { type FoundModel, readModelConfig } from "../keras/read-model.ts";
import { readTraining } from "../keras/training.ts";
import { type Asked, type FileArray, takeWeights } from "../keras/weights.ts";
import { writeModelConfig } from "../keras/write-model.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Files, onlyFile, type PortableModel, type PortableWeights, warnBy } from "../portable.ts";

/** HDF5 files of Keras: whole models, as Keras 2 saved them and Keras 3 still does, and weights alone, of either. */
export async function read(
  files: Files,
  options: LoadModelOptions,
): Promise<PortableModel | PortableWeights> {
  const file = openHdf5(onlyFile(files));
  const about = file.attributes();
  if (about.has("model_config")) return wholeModel(file, about, options);
  // Keras 2's weights lie at the top.
  const weights = file.group("model_weights") ?? file;
  const model = options.model === undefined ? undefined : modelOf(options.model);
  if (hasNames(weights, "layer_names"))
    return {
      tensors: withStatistics(legacyWeights(weights), model ? statisticsOf(model) : []),
      layout: "keras",
    };
  const arrays = arraysIn(file);
  if (arrays.length === 0)
    throw new ModelFileError(
      "unknown-format",
      `an HDF5 file of others: it has no model_config, no layer_names and no arrays, but ${file.names().slice(0, 5).join(", ") || "nothing"}`,
    );
  return { tensors: namedAfter(arrays, model), layout: "keras" };
}

const modelOf = (model: NonNullable<LoadModelOptions["model"]>) =>
  isModel(model) ? model : modelFromConfig(model as ModelConfig);

function jsonOf(value: AttributeValue | undefined, name: string): unknown {
  try {
    return parseJson(String(value));
  } catch (error) {
    throw new ModelFileError("damaged", `the .h5 file's ${name} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function wholeModel(
  file: Hdf5Group,
  about: ReadonlyMap<string, AttributeValue>,
  options: LoadModelOptions,
): PortableModel {
  const weights = file.group("model_weights");
  if (!weights) throw new ModelFileError("damaged", "the .h5 file has no model_weights");
  const written = String(about.get("keras_version") ?? weights.attributes().get("keras_version") ?? "2");
  const config = jsonOf(about.get("model_config"), "model_config");
  const found = readModelConfig(config, written.startsWith("3") ? 3 : 2, options);
  const taken = takeWeights(found, arrayIn(weights, found));
  const told = about.get("training_config");
  const { metadata, training } = readTraining(
    told && jsonOf(told, "training_config"),
    found,
    warnBy(options),
    () => variablesIn(file),
  );
  const beside = about.has(BESIDE) ? readBeside(jsonOf(about.get(BESIDE), BESIDE)) : {};
  return { ...taken, metadata: { ...metadata, ...beside }, training };
}

/** The variables of the optimizer, in the file's order. */
function variablesIn(file: Hdf5Group): FileArray[] {
  const group = file.group("optimizer_weights");
  return (group ? weightsOf(group) : []).map(fileArray);
}

/** A list of names that may be written in several attributes: layer_names, or layer_names0, layer_names1 and so on. */
function namesOf(group: Hdf5Group, key: string): string[] {
  const attributes = group.attributes();
  const lists: AttributeValue[] = [];
  if (attributes.has(key)) lists.push(attributes.get(key)!);
  else for (let i = 0; attributes.has(`${key}${i}`); i++) lists.push(attributes.get(`${key}${i}`)!);
  return lists.flat().map(String);
}

const hasNames = (group: Hdf5Group, key: string) =>
  group.attributes().has(key) || group.attributes().has(`${key}0`);

interface Named {
  /** "conv2d/kernel", as the file has it but for the number of the output that it is. */
  readonly name: string;
  readonly array: Hdf5Array;
}

/** The weights of a layer, in the file's order. */
function weightsOf(group: Hdf5Group): Named[] {
  return namesOf(group, "weight_names").map((name) => {
    const array = group.array(name);
    if (!array) throw new ModelFileError("damaged", `the .h5 file has no ${quoted(`${group.path}/${name}`)}`);
    return { name: name.replace(/:\d+$/, ""), array };
  });
}

const fileArray = ({ name, array }: Named): FileArray => ({
  name,
  shape: array.shape(),
  values: () => array.values(),
});

/** The array of a parameter: of a layer in order, of a model in the model by its name, or else in order, too. */
function arrayIn(weights: Hdf5Group, found: FoundModel): (asked: Asked) => FileArray | undefined {
  const groups = new Map<string, readonly Named[]>();
  const inGroup = (layer: string): readonly Named[] => {
    if (!groups.has(layer)) {
      const group = weights.get(layer);
      groups.set(layer, group instanceof Hdf5Group ? weightsOf(group) : []);
    }
    return groups.get(layer)!;
  };
  const orders = new Map<string, readonly string[]>();
  return ({ name, index, place, parameter }) => {
    const [outer, ...inner] = place.names as [string, ...string[]];
    const own = inGroup(outer);
    if (inner.length === 0) return own[index] && fileArray(own[index]);
    const named = own.filter((one) => isOf(one.name, inner, name));
    if (named.length === 1) return fileArray(named[0]!);
    if (!orders.has(outer)) orders.set(outer, orderIn(outer, found));
    const at = orders.get(outer)!.indexOf(parameter);
    return own[at] && fileArray(own[at]);
  };
}

/** Whether an array is that of a layer's parameter, by its name: "…/conv2d/moving_mean". */
function isOf(array: string, inner: readonly string[], parameter: string): boolean {
  const parts = array.split("/");
  const last = camel(parts.at(-1)!);
  const isParameter = last === parameter || (parameter === "kernel" && last === "depthwiseKernel");
  return isParameter && parts.at(-2) === inner.at(-1);
}

/** Parameters of a model within the model, in Keras's order: those that are trained first. */
function orderIn(outer: string, { parameters, places }: FoundModel): string[] {
  const layerOf = ({ name }: Parameter) => places.get(name.slice(0, name.lastIndexOf("/")));
  const own = parameters.filter((parameter) => layerOf(parameter)?.names[0] === outer);
  const trained = (parameter: Parameter) =>
    layerOf(parameter)!.trained && !/(^|\/)(moving)?(mean|variance)$/i.test(parameter.name);
  if (own[0] && !layerOf(own[0])!.outerTrained) return own.map(({ name }) => name);
  return [...own.filter(trained), ...own.filter((parameter) => !trained(parameter))].map(({ name }) => name);
}

/** Weights alone, with the names of layers. */
function legacyWeights(weights: Hdf5Group): NamedTensor[] {
  return namesOf(weights, "layer_names").flatMap((layer) => {
    const group = weights.group(layer);
    if (!group) throw new ModelFileError("damaged", `the .h5 file has no layer ${quoted(layer)}`);
    return weightsOf(group).map(({ name, array }) => ({
      name: ownName(name),
      shape: array.shape(),
      data: array.values(),
    }));
  });
}

/** "conv2d/moving_mean" as "conv2d/movingMean". */
function ownName(name: string): string {
  const parts = name.split("/");
  return [...parts.slice(-2, -1), camel(parts.at(-1)!)].join("/");
}

/** All arrays, by their paths without "vars"; those of an optimizer are left out. */
function arraysIn(root: Hdf5Group): Named[] {
  const found: Named[] = [];
  const open: Hdf5Group[] = [root];
  const seen = new Set<unknown>(open);
  for (let group = open.shift(); group; group = open.shift())
    for (const name of group.names()) {
      const inside = group.get(name)!;
      if (seen.has(inside) || (group === root && /optimizer/.test(name))) continue;
      seen.add(inside);
      if (inside instanceof Hdf5Group) open.push(inside);
      else found.push({ name: inside.path.slice(1), array: inside as Hdf5Array });
    }
  return found;
}

/** Keras 3's weights are numbered by classes of layers, not named: where all are those of the model, they have its names. */
function namedAfter(arrays: readonly Named[], model: Model | undefined): PortableWeights["tensors"] {
  const paths = model ? pathsOf(model) : new Map<string, string>();
  const there = new Set(arrays.map(({ name }) => name));
  const fixed = model ? statisticsOf(model) : [];
  const ownNames = [...paths].every(
    ([path, own]) => there.has(path) || fixed.some(({ name }) => name === own),
  );
  const tensors = arrays
    .filter(({ name }) => !ownNames || paths.size === 0 || paths.has(name))
    .map(({ name, array }) => ({
      name: (ownNames ? paths.get(name) : undefined) ?? name,
      shape: array.shape(),
      data: array.values(),
    }));
  return withStatistics(tensors, fixed);
}

/** Names of a model's parameters, by where Keras 3 has them. */
function pathsOf(model: Model): Map<string, string> {
  const tensors = model.graph.parameters.map(({ name, shape }) => ({
    name,
    shape,
    data: new Float32Array(),
  }));
  const { layers } = writeModelConfig(
    { config: model.toConfig(), tensors, metadata: {} },
    { version: 3, title: "Keras" },
  );
  return new Map(
    layers.flatMap(({ path, places }) => places.map((name, i) => [`${path}/vars/${i}`, name] as const)),
  );
}

/** What normalizations say of themselves, which stands in no file of weights. */
function statisticsOf(model: Model): NamedTensor[] {
  const layers = new Map(model.toConfig().layers.map((layer) => [layer.name, layer]));
  return model.graph.parameters.flatMap(({ name, shape }) => {
    const at = name.lastIndexOf("/");
    const layer = layers.get(name.slice(0, at));
    if (layer?.type !== "normalization") return [];
    const value = layer[name.slice(at + 1)] as number | readonly number[];
    const data = Float32Array.from({ length: shape[0]! }, (_, i) =>
      typeof value === "number" ? value : value[i]!,
    );
    return [{ name, shape, data }];
  });
}

/** The arrays with those of the model's normalizations, where the file has its names and lacks them. */
function withStatistics(
  tensors: readonly NamedTensor[],
  fixed: readonly NamedTensor[],
): readonly NamedTensor[] {
  const there = new Set(tensors.map(({ name }) => name));
  return [...tensors, ...fixed.filter(({ name }) => !there.has(name))];
}
