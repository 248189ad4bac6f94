// What torch.save(model.state_dict(), "m.pt") writes: a zip archive of a pickle, data.pkl, and a file for each storage.
import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file-error.ts";
import { quoted, show } from "../../options/show.ts";
import { NUMBER_TYPES, type TypeName } from "../../safetensors/number-types.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { unzip, unzipAll, type ZipProblem } from "../../sources/unzip.ts";
import { floatsOf, type Strided } from "./numbers.ts";
import { PickleError, unpickle } from "./pickle.ts";

const SAVE = 'torch.save(model.state_dict(), "m.pt")';
/** How many times the file's bytes its parts may have when they are unpacked. */
const MOST_UNPACKED = 32;
/** Axes that a tensor has at the most. */
const MOST_AXES = 16;

/** Types of storages in pickles, and of PyTorch's numbers. */
const STORAGES: Readonly<Record<string, TypeName>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  UntypedStorage: "U8",
};
const TYPES: Readonly<Record<string, TypeName>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** What a pickle imports; nothing of it is code here. */
class Imported {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}
class Storage {
  readonly key: string;
  readonly type: TypeName;
  readonly count: number;
  constructor(key: string, type: TypeName, count: number) {
    this.key = key;
    this.type = type;
    this.count = count;
  }
}
class Tensor implements Strided {
  readonly storage: Storage;
  readonly type: TypeName;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: Storage, type: TypeName, { offset, shape, strides }: Strided) {
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What is called, as far as it makes weights; of others the error says what to save instead. */
const CALLS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "collections.OrderedDict": ([pairs = []]) => {
    const list = pairs instanceof Map ? [...pairs] : pairs;
    if (!Array.isArray(list) || !list.every((pair) => Array.isArray(pair) && pair.length === 2))
      throw new PickleError("an OrderedDict of what are no pairs");
    return new Map(list as [unknown, unknown][]);
  },
  "torch.Size": ([sizes = []]) => sizes,
  "torch.device": () => null,
  "torch._utils._rebuild_tensor": tensorOf,
  "torch._utils._rebuild_tensor_v2": tensorOf,
  "torch._utils._rebuild_tensor_v3": ([storage, offset, shape, strides, , , type]) =>
    tensorOf([storage, offset, shape, strides], type),
  "torch._utils._rebuild_parameter": ([data]) => data,
  "torch._utils._rebuild_parameter_with_state": ([data]) => data,
  "builtins.set": ([values = []]) => values,
  "__builtin__.set": ([values = []]) => values,
};

function imported(module: string, name: string): unknown {
  const path = `${module}.${name}`;
  if (Object.hasOwn(CALLS, path)) return new Imported(path);
  if (module === "torch" && Object.hasOwn(TYPES, name)) return new Imported(path);
  if (/^torch(\.storage)?$/.test(module) && Object.hasOwn(STORAGES, name)) return new Imported(path);
  const storage = /^torch\.(\w+Storage|q?u?int\w+|float8\w*|complex\w+)$/.test(path);
  throw new ModelFileError(
    "unsupported",
    storage
      ? `the file holds numbers of type ${path.slice(0, 100)}; expected floats of 16, 32 or 64 bits, or whole numbers. Write: torch.save(model.float().state_dict(), "m.pt")`
      : `the file holds more than weights: it asks for Python's ${quoted(path)}, and no code of a file is run here. Save the model's weights alone. Write: ${SAVE}`,
  );
}

function called(callee: unknown, args: readonly unknown[]): unknown {
  if (!(callee instanceof Imported) || !Object.hasOwn(CALLS, callee.path))
    throw new PickleError(`it calls ${callee instanceof Imported ? quoted(callee.path) : show(callee)}`);
  return CALLS[callee.path]!(args);
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function storageOf(id: unknown): Storage {
  const [what, kind, key, , count] = Array.isArray(id) ? id : [];
  if (what !== "storage" || !(kind instanceof Imported) || typeof key !== "string" || !isSize(count))
    throw new PickleError(`it names ${show(id)}, expected a storage`);
  const type = STORAGES[kind.path.replace(/^.*\./, "")];
  if (type === undefined) throw new PickleError(`it names a storage of ${quoted(kind.path)}`);
  return new Storage(key, type, count);
}

function tensorOf([storage, offset, shape, strides]: readonly unknown[], given?: unknown): Tensor {
  const whole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length <= MOST_AXES && list.every(isSize);
  if (
    !(storage instanceof Storage) ||
    !isSize(offset) ||
    !whole(shape) ||
    !whole(strides) ||
    strides.length !== shape.length
  )
    throw new PickleError(
      `it has a tensor of shape ${show(shape)}, strides ${show(strides)} and offset ${show(offset)}`,
    );
  const type = given instanceof Imported ? TYPES[given.path.replace(/^.*\./, "")] : storage.type;
  if (type === undefined) throw new PickleError("it has a tensor of no type");
  // Beyond 2^53 sums are inexact, but then they are beyond any file, too.
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset);
  const available = (storage.count * NUMBER_TYPES[storage.type].width) / NUMBER_TYPES[type].width;
  if (!shape.includes(0) && last >= available)
    throw new PickleError(
      `it has a tensor of shape ${show(shape)} that ends at number ${last} of a storage of ${available}`,
    );
  return new Tensor(storage, type, { offset, shape, strides });
}

/** Weights of a file of torch.save(), in its order, and where in it they were. */
export function readStateDict(bytes: Uint8Array): { tensors: NamedTensor[]; under: string | undefined } {
  const fail = ({ kind, text }: ZipProblem, cause?: unknown) =>
    new ModelFileError(kind, `PyTorch's file: ${text}`, { cause });
  const files = unzip(bytes, fail);
  const pickles = [...files.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1)
    throw fail({ kind: "damaged", text: `it has ${pickles.length} files data.pkl, expected one` });
  const folder = pickle.slice(0, -"data.pkl".length);
  if (files.has(`${folder}constants.pkl`))
    throw new ModelFileError(
      "unsupported",
      `a program of TorchScript, which is code. Save the model's weights alone. Write: ${SAVE}`,
    );
  if (files.get(pickle)!.size > MOST_UNPACKED * bytes.length)
    throw fail({ kind: "too-large", text: `data.pkl claims ${files.get(pickle)!.size} bytes` });
  const value = pickled(files.get(pickle)!.content());
  const order = files.get(`${folder}byteorder`)?.content();
  const little = order === undefined || new TextDecoder().decode(order) !== "big";
  const { found, under } = stateDictIn(value);
  const names = new Set([...found.values()].map(({ storage }) => `${folder}data/${storage.key}`));
  const most = MOST_UNPACKED * bytes.length;
  const storages = unzipAll(bytes, names, most, fail);
  const total = [...found.values()].reduce((sum, { shape }) => sum + elements(shape), 0);
  const all = [...storages.values()].reduce((sum, { length }) => sum + length, 0);
  // Tensors may share storages, and repeat what is in them.
  if (total > 2 * all)
    throw fail({ kind: "too-large", text: `its tensors claim ${total} numbers of ${all} bytes` });
  const tensors = [...found].map(([name, tensor]) => {
    const { key, type, count } = tensor.storage;
    const storage = storages.get(`${folder}data/${key}`);
    if (!storage || storage.length < count * NUMBER_TYPES[type].width)
      throw fail({
        kind: "damaged",
        text: `storage ${quoted(key)} of ${quoted(name)} ${storage ? `has ${storage.length} bytes, expected ${count} numbers` : "is missing"}`,
      });
    return { name, shape: tensor.shape, data: floatsOf(storage, tensor.type, tensor, little) };
  });
  return { tensors, under };
}

function pickled(bytes: Uint8Array): unknown {
  try {
    return unpickle(bytes, { global: imported, call: called, persistent: storageOf });
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new ModelFileError("damaged", `PyTorch's file: its data.pkl is damaged: ${error.message}`, {
      cause: error,
    });
  }
}

/** Where checkpoints keep a state_dict, the likeliest first. */
const KEYS = ["state_dict", "model_state_dict", "model", "net", "weights", "params"];

/** The tensors of a state_dict, or of the one in a dict of a checkpoint. */
function stateDictIn(value: unknown): { found: Map<string, Tensor>; under: string | undefined } {
  const tensorsOf = (map: unknown) =>
    new Map(
      map instanceof Map
        ? [...map].filter(
            (pair): pair is [string, Tensor] => typeof pair[0] === "string" && pair[1] instanceof Tensor,
          )
        : [],
    );
  const found = tensorsOf(value);
  if (found.size > 0) return { found, under: undefined };
  const inner = value instanceof Map ? [...value].filter(([, map]) => tensorsOf(map).size > 0) : [];
  const keys = inner.map(([key]) => String(key).slice(0, 60));
  const under = KEYS.find((key) => keys.includes(key)) ?? (keys.length === 1 ? keys[0] : undefined);
  if (under !== undefined) return { found: tensorsOf(inner[keys.indexOf(under)]![1]), under };
  const there = value instanceof Map ? [...value.keys()].slice(0, 6).map((key) => show(key)) : [];
  throw new ModelFileError(
    "weights",
    keys.length > 1
      ? `the file holds several state_dicts, under ${keys.slice(0, 6).map(show).join(", ")}: save the one that is meant. Write: torch.save(checkpoint[${show(keys[0])}], "m.pt")`
      : `the file holds no state_dict: ${there.length > 0 ? `a dict of ${there.join(", ")}` : value instanceof Map ? "an empty dict" : show(value)}. Write: ${SAVE}`,
  );
}
