// Types of numbers in files, by the names that safetensors has for them.
import { LITTLE_ENDIAN } from "./write-safetensors.ts";

export interface NumberType {
  /** Bytes of a number. */
  readonly width: number;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

/** A float of 16 bits, by its bits: five of exponent, ten of fraction. */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** A bfloat16, by its bits: the upper half of a float of 32. */
export function brainOf(bits: number): number {
  scratch.setUint32(0, bits * 65_536);
  return scratch.getFloat32(0);
}

export const NUMBER_TYPES = {
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
} satisfies Record<string, NumberType>;
export type TypeName = keyof typeof NUMBER_TYPES;

/** Numbers that lie side by side, from byte `at` on, as f32. All of them lie in the bytes. */
export function floatsAt(
  bytes: Uint8Array,
  type: NumberType,
  at: number,
  count: number,
  little = true,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(count);
  if (type === NUMBER_TYPES.F32 && little === LITTLE_ENDIAN) {
    new Uint8Array(data.buffer).set(bytes.subarray(at, at + 4 * count));
    return data;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) data[i] = type.read(view, at + i * type.width, little);
  return data;
}
