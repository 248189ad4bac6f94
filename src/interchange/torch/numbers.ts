// Types of numbers in files of PyTorch, by the names that safetensors has for them.
import { LITTLE_ENDIAN } from "../../safetensors/write-safetensors.ts";
import { halfOf } from "../../sources/npy.ts";

interface NumberType {
  /** Bytes of a number. */
  readonly width: number;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float of 32 bits. */
function brainOf(bits: number): number {
  scratch.setUint32(0, bits * 65_536);
  return scratch.getFloat32(0);
}

export const NUMBER_TYPES: Readonly<Record<string, NumberType>> = {
  F64: { width: 8, read: (view, at, little) => view.getFloat64(at, little) },
  F32: { width: 4, read: (view, at, little) => view.getFloat32(at, little) },
  F16: { width: 2, read: (view, at, little) => halfOf(view.getUint16(at, little)) },
  BF16: { width: 2, read: (view, at, little) => brainOf(view.getUint16(at, little)) },
  I64: { width: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  I32: { width: 4, read: (view, at, little) => view.getInt32(at, little) },
  I16: { width: 2, read: (view, at, little) => view.getInt16(at, little) },
  I8: { width: 1, read: (view, at) => view.getInt8(at) },
  U64: { width: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  U32: { width: 4, read: (view, at, little) => view.getUint32(at, little) },
  U16: { width: 2, read: (view, at, little) => view.getUint16(at, little) },
  U8: { width: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { width: 1, read: (view, at) => Number(view.getUint8(at) !== 0) },
};

/** Where a tensor's numbers lie in its storage, counted in numbers. */
export interface Strided {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The strides of numbers that lie side by side. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** A tensor's numbers in its own order, as f32. All that it names lies in the bytes. */
export function floatsOf(
  bytes: Uint8Array,
  type: string,
  { shape, strides, offset }: Strided,
  little = true,
): Float32Array<ArrayBuffer> {
  const { width, read } = NUMBER_TYPES[type]!;
  const count = shape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(count);
  if (count === 0) return data;
  const dense = denseStrides(shape);
  if (
    type === "F32" &&
    little === LITTLE_ENDIAN &&
    shape.every((n, i) => n === 1 || strides[i] === dense[i])
  ) {
    new Uint8Array(data.buffer).set(bytes.subarray(4 * offset, 4 * (offset + count)));
    return data;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    data[i] = read(view, at * width, little);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return data;
}
