import { isObject } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { parseJson } from "../options/strict-json.ts";
import { metadataDamage, sealed, weightsDamage } from "../safetensors/integrity.ts";
import {
  bytesOf,
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
} from "../safetensors/safetensors.ts";
import type { TrainingState } from "../train/training-state.ts";
import { ARRAYS, type ArrayKind } from "./array-kinds.ts";

const FORMAT = "wasmgrad-checkpoint";
const VERSION = 1;

/** A file that holds no usable checkpoint. The message says what was got and what was expected. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** In the JSON of a state: where a tensor's numbers go, by its place in the file. */
const TENSOR = "$tensor";
/** And a number that JSON has no word for. */
const NUMBER = "$number";
/** And numbers of another kind of array than a tensor's, which callbacks may keep. */
const ARRAY = "$array";

/**
 * The state of a training as the bytes of a file, in the safetensors format, with hashes of all that is in it: for
 * loadCheckpoint(), in Node and in pages alike.
 */
export function saveCheckpoint(state: TrainingState): Uint8Array<ArrayBuffer> {
  return encodeCheckpoint(state);
}

/** `beside`: plain data to keep in the same file, as runs do; loadCheckpoint() passes over it. */
export function encodeCheckpoint(state: TrainingState, beside?: unknown): Uint8Array<ArrayBuffer> {
  if (!isObject(state) || state.version !== 1)
    throw new TypeError(
      `saveCheckpoint: got ${show(state)}, expected a training's state. Write: saveCheckpoint(training.state())`,
    );
  const tensors: NamedTensor[] = [];
  const written = (_: string, value: unknown) => {
    if (value instanceof Float32Array) {
      tensors.push({ name: String(tensors.length), shape: [value.length], data: value });
      return { [TENSOR]: tensors.length - 1 };
    }
    if (ArrayBuffer.isView(value) && Object.hasOwn(ARRAYS, value.constructor.name))
      return { [ARRAY]: value.constructor.name, values: [...(value as Float64Array)] };
    if (Object.is(value, -0)) return { [NUMBER]: "-0" };
    if (typeof value === "number" && !Number.isFinite(value)) return { [NUMBER]: String(value) };
    return value;
  };
  const entries = {
    format: FORMAT,
    formatVersion: String(VERSION),
    state: JSON.stringify(state, written),
    ...(beside !== undefined && { beside: JSON.stringify(beside, written) }),
  };
  return encodeSafetensors(tensors, sealed(entries, tensors));
}

/**
 * Reads what saveCheckpoint() wrote: the `initialState` of a fit(), which checks that it fits.
 *
 * Throws CheckpointError where the file is another one, or damaged; TypeError where it is no bytes.
 */
export function loadCheckpoint(file: Uint8Array | ArrayBuffer): TrainingState {
  return decodeCheckpoint(file).state;
}

/** What encodeCheckpoint() was given. Throws as loadCheckpoint(). */
export function decodeCheckpoint(file: Uint8Array | ArrayBuffer): {
  readonly state: TrainingState;
  readonly beside: unknown;
} {
  const { tensors, metadata } = decoded(bytesOf(file, "loadCheckpoint"));
  if (metadata.format !== FORMAT)
    throw new CheckpointError(
      `a safetensors file of another kind: its metadata has format ${show(metadata.format)}, expected "${FORMAT}"${metadata.format === "wasmgrad" ? ". loadModel() reads models" : ""}`,
    );
  if (metadata.formatVersion !== String(VERSION))
    throw new CheckpointError(
      `the checkpoint has format version ${show(metadata.formatVersion)}, this wasmgrad reads ${VERSION}: use the one that wrote it`,
    );
  const ordered = tensors.map((_, i) => tensors.find(({ name }) => name === String(i)));
  if (ordered.some((tensor) => !tensor)) throw damaged("its tensors are not numbered from 0");
  const damage = metadataDamage(metadata) ?? weightsDamage(metadata, ordered as NamedTensor[]);
  if (damage !== undefined || !Object.hasOwn(metadata, "metadataSha256"))
    throw damaged(damage ?? "it has no hash");
  const read = (text: string | undefined) => revived(parseState(text), ordered as NamedTensor[]);
  return {
    state: read(metadata.state) as TrainingState,
    beside: metadata.beside === undefined ? undefined : read(metadata.beside),
  };
}

function damaged(what: string, cause?: unknown): CheckpointError {
  return new CheckpointError(`the checkpoint is damaged: ${what}. Take an earlier one`, { cause });
}

function decoded(file: Uint8Array): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(file);
  } catch (error) {
    throw damaged((error as Error).message, error);
  }
}

function parseState(text: string | undefined): unknown {
  try {
    return parseJson(text ?? "");
  } catch (error) {
    throw damaged(`its state is no JSON: ${(error as Error).message}`, error);
  }
}

/** The state with its tensors and numbers back in place. */
function revived(value: unknown, tensors: readonly NamedTensor[]): unknown {
  if (Array.isArray(value)) return value.map((item) => revived(item, tensors));
  if (!isObject(value)) return value;
  const { [TENSOR]: tensor, [NUMBER]: number, [ARRAY]: array } = value as Record<string, unknown>;
  if (typeof tensor === "number") {
    const found = tensors[tensor];
    if (!found) throw damaged(`tensor ${tensor} is missing`);
    return found.data;
  }
  if (typeof number === "string") return Number(number);
  if (typeof array === "string" && Object.hasOwn(ARRAYS, array))
    return ARRAYS[array as ArrayKind].from(
      revived((value as { values?: unknown }).values, tensors) as number[],
    );
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revived(inner, tensors)]));
}
