import { littleEndian } from "../../safetensors/write-safetensors.ts";
import type { NewTensor } from "./messages.ts";

/** TensorProto.DataType, as far as there is a use for it here. */
export const TYPE = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export function floats(name: string, dims: readonly number[], data: Float32Array): NewTensor {
  return { dims, dataType: TYPE.float, name, rawData: littleEndian(data) };
}

export function integers(name: string, values: readonly number[]): NewTensor {
  const rawData = new Uint8Array(8 * values.length);
  const view = new DataView(rawData.buffer);
  for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
  return { dims: [values.length], dataType: TYPE.int64, name, rawData };
}
