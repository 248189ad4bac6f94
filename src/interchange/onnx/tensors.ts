import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { counted } from "../../options/counted.ts";
import { quoted } from "../../options/show.ts";
import type { Files } from "../portable.ts";
import type { OnnxTensor } from "./messages.ts";
import { TYPE } from "./new-tensors.ts";

/** Numbers that a file holds, or that follow from what it holds. */
export interface Constant {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Whether they are whole numbers there: then a division rounds. */
  readonly whole: boolean;
}

type Reader = { readonly bytes: number; get(view: DataView, at: number): number };
const RAW: Readonly<Record<number, Reader>> = {
  [TYPE.float]: { bytes: 4, get: (view, at) => view.getFloat32(at, true) },
  [TYPE.double]: { bytes: 8, get: (view, at) => view.getFloat64(at, true) },
  [TYPE.float16]: { bytes: 2, get: (view, at) => halfOf(view.getUint16(at, true)) },
  [TYPE.bfloat16]: { bytes: 2, get: (view, at) => brainOf(view.getUint16(at, true)) },
  [TYPE.uint8]: { bytes: 1, get: (view, at) => view.getUint8(at) },
  [TYPE.int8]: { bytes: 1, get: (view, at) => view.getInt8(at) },
  [TYPE.bool]: { bytes: 1, get: (view, at) => view.getUint8(at) },
  [TYPE.uint16]: { bytes: 2, get: (view, at) => view.getUint16(at, true) },
  [TYPE.int16]: { bytes: 2, get: (view, at) => view.getInt16(at, true) },
  [TYPE.int32]: { bytes: 4, get: (view, at) => view.getInt32(at, true) },
  [TYPE.uint32]: { bytes: 4, get: (view, at) => view.getUint32(at, true) },
  [TYPE.int64]: { bytes: 8, get: (view, at) => Number(view.getBigInt64(at, true)) },
  [TYPE.uint64]: { bytes: 8, get: (view, at) => Number(view.getBigUint64(at, true)) },
};
const FLOATS: readonly number[] = [TYPE.float, TYPE.double, TYPE.float16, TYPE.bfloat16];

export const isFloat = (type: number | undefined) => FLOATS.includes(type!);

/** Sizes that a tensor of no numbers may have beside the 0. */
const MOST_EMPTY = 2 ** 16;

/** The numbers of a tensor, in f32 where they are floats. Throws ModelFileError where they are not all there, or no numbers. */
export function constantOf(tensor: OnnxTensor, files: Files): Constant {
  const { dims: shape, dataType = 0, name = "" } = tensor;
  const reader = RAW[dataType];
  if (!reader) throw damaged(name, `is of data type ${dataType}, expected numbers`);
  const count = elements(shape);
  const fits = (size: number) => Number.isSafeInteger(size) && size >= 0 && (count > 0 || size <= MOST_EMPTY);
  if (!shape.every(fits) || !Number.isSafeInteger(count))
    throw damaged(name, `has the shape [${shape.slice(0, 8).join(", ")}]`);
  const whole = !isFloat(dataType);
  const requireCount = (there: number) => {
    if (there !== count)
      throw damaged(
        name,
        `has ${counted(there, "number")}, expected ${count.toLocaleString("en-US")} of the shape [${shape.join(", ")}]`,
      );
  };
  const raw = tensor.dataLocation === 1 ? outside(tensor, files) : tensor.rawData;
  const bytes = raw ?? (dataType === TYPE.double ? joined(tensor.doubleData) : undefined);
  if (bytes) {
    requireCount(bytes.length / reader.bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = whole ? new Float64Array(count) : new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = reader.get(view, i * reader.bytes);
    return { shape, data, whole };
  }
  const { floatData, int32Data, int64Data, uint64Data } = tensor;
  const listed =
    dataType === TYPE.float
      ? floatData
      : dataType === TYPE.int64
        ? int64Data
        : dataType === TYPE.uint32 || dataType === TYPE.uint64
          ? uint64Data
          : int32Data;
  requireCount(listed.length);
  const half = dataType === TYPE.float16 ? halfOf : dataType === TYPE.bfloat16 ? brainOf : undefined;
  const values = half ? listed.map(half) : listed;
  return { shape, data: whole ? Float64Array.from(values) : Float32Array.from(values), whole };
}

/** The bytes of a tensor that lies in another file. */
function outside({ name = "", externalData }: OnnxTensor, files: Files): Uint8Array {
  const told = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = told.get("location") ?? "";
  const file = Object.hasOwn(files, location) ? files[location] : undefined;
  if (!file)
    throw new ModelFileError(
      "unsupported",
      `the ONNX file keeps weights in another file, ${quoted(location)}: write loadModel({ "model.onnx": bytes, ${JSON.stringify(location.slice(0, 60))}: more }); or keep all in one file: torch.onnx.export(…, external_data=False), onnx.save(onnx.load("model.onnx"), "one.onnx")`,
    );
  const offset = Number(told.get("offset") ?? 0);
  const length = Number(told.get("length") ?? file.length - offset);
  if (![offset, length].every((n) => Number.isSafeInteger(n) && n >= 0) || offset + length > file.length)
    throw damaged(name, `lies beyond the end of ${quoted(location)}`);
  return file.subarray(offset, offset + length);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The number of a half float's bits. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const WORD = new DataView(new ArrayBuffer(4));
/** That of a bfloat16's: the upper half of a float. */
function brainOf(bits: number): number {
  WORD.setUint32(0, (bits << 16) >>> 0);
  return WORD.getFloat32(0);
}

function damaged(name: string, what: string): ModelFileError {
  return new ModelFileError("damaged", `the ONNX file is damaged: its tensor ${quoted(name)} ${what}`);
}
