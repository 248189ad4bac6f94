import { elements } from "../../compiler/graph.ts";
import { ModelFileError } from "../../formats/model-file.ts";
import { counted } from "../../options/counted.ts";
import { quoted } from "../../options/show.ts";
import { brainOf, floatsAt, halfOf, NUMBER_TYPES, type NumberType } from "../../safetensors/number-types.ts";
import { joined } from "../joined.ts";
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

const TYPES: Readonly<Record<number, NumberType>> = {
  [TYPE.float]: NUMBER_TYPES.F32,
  [TYPE.double]: NUMBER_TYPES.F64,
  [TYPE.float16]: NUMBER_TYPES.F16,
  [TYPE.bfloat16]: NUMBER_TYPES.BF16,
  [TYPE.uint8]: NUMBER_TYPES.U8,
  [TYPE.int8]: NUMBER_TYPES.I8,
  [TYPE.bool]: NUMBER_TYPES.U8,
  [TYPE.uint16]: NUMBER_TYPES.U16,
  [TYPE.int16]: NUMBER_TYPES.I16,
  [TYPE.int32]: NUMBER_TYPES.I32,
  [TYPE.uint32]: NUMBER_TYPES.U32,
  [TYPE.int64]: NUMBER_TYPES.I64,
  [TYPE.uint64]: NUMBER_TYPES.U64,
};
const FLOATS: readonly number[] = [TYPE.float, TYPE.double, TYPE.float16, TYPE.bfloat16];

export const isFloat = (type: number | undefined) => FLOATS.includes(type!);

/** Sizes that a tensor of no numbers may have beside the 0. */
const MOST_EMPTY = 2 ** 16;

/** The numbers of a tensor, in f32 where they are floats. Throws ModelFileError where they are not all there, or no numbers. */
export function constantOf(tensor: OnnxTensor, files: Files): Constant {
  const { dims: shape, dataType = 0, name = "" } = tensor;
  const type = TYPES[dataType];
  if (!type) throw damaged(name, `is of data type ${dataType}, expected numbers`);
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
    requireCount(bytes.length / type.width);
    if (!whole) return { shape, data: floatsAt(bytes, type, 0, count), whole };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = Float64Array.from({ length: count }, (_, i) => type.read(view, i * type.width, true));
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

function damaged(name: string, what: string): ModelFileError {
  return new ModelFileError("damaged", `the ONNX file is damaged: its tensor ${quoted(name)} ${what}`);
}
