import { ModelFileError } from "../../formats/model-file.ts";
import { isObject } from "../../options/kinds.ts";
import { quoted, show } from "../../options/show.ts";
import { half } from "../hdf5/read-hdf5.ts";
import { BESIDE, readBeside } from "../keras/beside.ts";
import { camel } from "../keras/names.ts";
import { readModelConfig } from "../keras/read-model.ts";
import { readTraining } from "../keras/training.ts";
import { type Asked, type FileArray, takeWeights } from "../keras/weights.ts";
import type { LoadModelOptions } from "../options.ts";
import { type Files, onlyFile, type PortableModel } from "../portable.ts";
import { shardsOf } from "./shards.ts";

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
  const taken = takeWeights(found, arrayIn(arraysOf(model, files)));
  const training = readTraining(trainingConfig ?? modelTopology.training_config, found.graph);
  const own = isObject(userDefinedMetadata) ? userDefinedMetadata[BESIDE] : undefined;
  return { ...taken, metadata: { ...training, ...readBeside(own) } };
}

function damaged(what: string, cause?: unknown): ModelFileError {
  return new ModelFileError("damaged", `the model.json is damaged: ${what}`, { cause });
}

function jsonOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (isObject(value)) return value;
  } catch (error) {
    throw damaged(`it is no JSON: ${(error as Error).message}`, error);
  }
  throw damaged("it is no object");
}

const SIZES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/** The weights, one behind the other in the files of each group. */
function arraysOf(model: Record<string, unknown>, files: Files): FileArray[] {
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

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function arrayAt(weight: unknown, bytes: Uint8Array, at: number): { array: FileArray; size: number } {
  const { name, shape, dtype, quantization } = isObject(weight) ? weight : {};
  if (
    typeof name !== "string" ||
    !Array.isArray(shape) ||
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  )
    throw damaged(`a weight is ${show(name)} of shape ${show(shape)}`);
  const packing = isObject(quantization) ? quantization : undefined;
  const type = String(packing?.dtype ?? dtype);
  const item = SIZES[type];
  if (item === undefined)
    throw new ModelFileError(
      "unsupported",
      `${quoted(name)} is of type ${show(type)}, which is not read here`,
    );
  const count = (shape as number[]).reduce((product, size) => product * size, 1);
  const size = count * item;
  if (!(at + size <= bytes.length))
    throw new ModelFileError(
      "too-large",
      `${quoted(name)} of shape ${show(shape)} ends at byte ${at + size}, and its files have ${bytes.length}`,
    );
  const values = () => numbersOf(type, bytes, at, count, packing);
  return { array: { name, shape: shape as number[], values }, size };
}

/** Numbers as they are, or as their quantisation says: q * scale + min. */
function numbersOf(
  type: string,
  bytes: Uint8Array,
  at: number,
  count: number,
  packing: Record<string, unknown> | undefined,
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const readers: Readonly<Record<string, (i: number) => number>> = {
    float32: (i) => view.getFloat32(4 * i, true),
    int32: (i) => view.getInt32(4 * i, true),
    bool: (i) => view.getUint8(i),
    uint8: (i) => view.getUint8(i),
    uint16: (i) => view.getUint16(2 * i, true),
    float16: (i) => half(view.getUint16(2 * i, true)),
  };
  const read = readers[type]!;
  const { scale = 1, min = 0 } = packing ?? {};
  if (type === "float16" || !packing) return Float32Array.from({ length: count }, (_, i) => read(i));
  if (typeof scale !== "number" || typeof min !== "number")
    throw damaged("a quantisation has no scale or no min");
  return Float32Array.from({ length: count }, (_, i) => read(i) * scale + min);
}

/** The array of a parameter, by its layer's name and its own, "conv2d/kernel". */
function arrayIn(arrays: readonly FileArray[]): (asked: Asked) => FileArray | undefined {
  const byName = new Map<string, FileArray[]>();
  const keyOf = (layer: string, weight: string) => `${layer}/${camel(weight)}`;
  for (const array of arrays) {
    const parts = array.name.replace(/:\d+$/, "").split("/");
    const key = keyOf(parts.at(-2) ?? "", parts.at(-1)!);
    byName.set(key, [...(byName.get(key) ?? []), array]);
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
