import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { isObject } from "../../options/kinds.ts";
import { quoted, show } from "../../options/show.ts";
import { parseJson } from "../../options/strict-json.ts";
import { floatsAt, NUMBER_TYPES, type NumberType } from "../../safetensors/number-types.ts";
import { joined } from "../joined.ts";
import { BESIDE, readBeside } from "../keras/beside.ts";
import { camel } from "../keras/names.ts";
import { readModelConfig } from "../keras/read-model.ts";
import { readTraining } from "../keras/training.ts";
import { type Asked, type FileArray, takeWeights } from "../keras/weights.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Files, onlyFile, type PortableModel, warnBy } from "../portable.ts";
import { shardsOf } from "./shards.ts";
import { asKeras } from "./training.ts";

/** A layers model of TensorFlow.js: model.json, and the weights in the files that it names. */
export async function read(files: Files, options: LoadModelOptions): Promise<PortableModel> {
  const model = jsonOf(onlyFile(files));
  const { modelTopology, format, trainingConfig, userDefinedMetadata } = model;
  if (format === "graph-model" || (isObject(modelTopology) && "node" in modelTopology))
    throw new ModelFileError(
      "unsupported",
      "it is a graph model of TensorFlow.js, of TensorFlow's operators without layers. Convert the Keras model to a layers model: tensorflowjs_converter --output_format=tfjs_layers_model",
    );
  if (!isObject(modelTopology)) throw damaged("it has no modelTopology");
  // Converters keep Keras's config in it; TensorFlow.js itself writes it as it is.
  const config = modelTopology.model_config ?? modelTopology;
  const version = String(modelTopology.keras_version).startsWith("3") ? 3 : 2;
  const found = readModelConfig(config, version, options);
  const arrays = arraysOf(model, files);
  const taken = takeWeights(found, arrayIn(arrays.filter(({ kept }) => !kept)));
  const told = asKeras(trainingConfig ?? modelTopology.training_config);
  const { metadata, training } = readTraining(told, found, warnBy(options), () => variablesOf(arrays, told));
  const own = isObject(userDefinedMetadata) ? userDefinedMetadata[BESIDE] : undefined;
  return { ...taken, metadata: { ...metadata, ...readBeside(own) }, training };
}

function damaged(what: string, cause?: unknown): ModelFileError {
  return new ModelFileError("damaged", `the model.json is damaged: ${what}`, { cause });
}

function jsonOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value = parseJson(new TextDecoder().decode(bytes));
    if (isObject(value)) return value;
  } catch (error) {
    throw damaged(`it is no JSON: ${(error as Error).message}`, error);
  }
  throw damaged("it is no object");
}

const TYPES: Readonly<Record<string, NumberType>> = {
  float32: NUMBER_TYPES.F32,
  int32: NUMBER_TYPES.I32,
  bool: NUMBER_TYPES.U8,
  uint8: NUMBER_TYPES.U8,
  uint16: NUMBER_TYPES.U16,
  float16: NUMBER_TYPES.F16,
};

interface WeightArray extends FileArray {
  /** Whether it is what the optimizer keeps. */
  readonly kept: boolean;
}

/** What the optimizer keeps, as Keras has it: its momentum has the rate and the direction in it. */
function variablesOf(arrays: readonly WeightArray[], training: unknown): readonly FileArray[] {
  const { optimizer_config: optimizer } = isObject(training) ? training : {};
  const { class_name, config } = isObject(optimizer) ? optimizer : {};
  const kept = arrays.filter((array) => array.kept);
  const rate = isObject(config) ? Number(config.learning_rate) : 0;
  if (class_name !== "Momentum") return kept;
  return kept.map((array) =>
    array.shape.length === 0
      ? array
      : { ...array, values: () => array.values().map((value) => value * -rate) },
  );
}

/** The weights, one behind the other in the files of each group. */
function arraysOf(model: Record<string, unknown>, files: Files): WeightArray[] {
  const groups = Array.isArray(model.weightsManifest) ? model.weightsManifest : [];
  return groups.flatMap((group: unknown) => {
    const { weights, paths } = isObject(group) ? group : {};
    if (!Array.isArray(weights) || !Array.isArray(paths))
      throw damaged("a group of weightsManifest has no paths or no weights");
    const bytes = joined(shardsOf(paths, files));
    let at = 0;
    return weights.map((weight: unknown) => {
      const { array, size } = arrayAt(weight, bytes, at);
      at += size;
      return array;
    });
  });
}

function arrayAt(weight: unknown, bytes: Uint8Array, at: number): { array: WeightArray; size: number } {
  const { name, shape, dtype, quantization, group } = isObject(weight) ? weight : {};
  if (
    typeof name !== "string" ||
    !Array.isArray(shape) ||
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  )
    throw damaged(`a weight is ${show(name)} of shape ${show(shape)}`);
  const packing = isObject(quantization) ? quantization : undefined;
  const called = String(packing?.dtype ?? dtype);
  const type = Object.hasOwn(TYPES, called) ? TYPES[called] : undefined;
  if (!type)
    throw new ModelFileError(
      "unsupported",
      `${quoted(name)} is of type ${show(called)}, which is not read here`,
    );
  const count = elements(shape);
  const size = count * type.width;
  if (!(at + size <= bytes.length))
    throw new ModelFileError(
      "too-large",
      `${quoted(name)} of shape ${show(shape)} ends at byte ${at + size}, and its files have ${bytes.length}`,
    );
  const values = () => numbersOf(type, bytes, at, count, packing);
  return { array: { name, shape: shape as number[], values, kept: group === "optimizer" }, size };
}

/** Numbers as they are, or as their quantisation says: q * scale + min. */
function numbersOf(
  type: NumberType,
  bytes: Uint8Array,
  at: number,
  count: number,
  packing: Record<string, unknown> | undefined,
): Float32Array {
  const numbers = floatsAt(bytes, type, at, count);
  const { scale = 1, min = 0 } = packing ?? {};
  if (type === NUMBER_TYPES.F16 || !packing) return numbers;
  if (typeof scale !== "number" || typeof min !== "number")
    throw damaged("a quantisation has no scale or no min");
  return numbers.map((number) => number * scale + min);
}

/** The array of a parameter, by its layer's name and its own, "conv2d/kernel". */
function arrayIn(arrays: readonly FileArray[]): (asked: Asked) => FileArray | undefined {
  const byName = new Map<string, FileArray[]>();
  const keyOf = (layer: string, weight: string) => `${layer}/${camel(weight)}`;
  for (const array of arrays) {
    const parts = array.name.replace(/:\d+$/, "").split("/");
    const key = keyOf(parts.at(-2) ?? "", parts.at(-1)!);
    const there = byName.get(key);
    if (there) there.push(array);
    else byName.set(key, [array]);
  }
  return ({ name, place }) => {
    const layer = place.names.at(-1)!;
    const found = [name, ...(name === "kernel" ? ["depthwiseKernel"] : [])].flatMap(
      (weight) => byName.get(keyOf(layer, weight)) ?? [],
    );
    const whole = place.names.join("/");
    return found.find((array) => array.name.startsWith(`${whole}/`)) ?? found[0];
  };
}
