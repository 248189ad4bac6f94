import { elements } from "../../compiler/graph.ts";
import { floatsAt, NUMBER_TYPES, type TypeName } from "../../safetensors/number-types.ts";

/** Where a tensor's numbers lie in its storage, counted in numbers. */
export interface Strided {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The strides of numbers that lie side by side. */
function denseStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** A tensor's numbers in its own order, as f32. All that it names lies in the bytes. */
export function floatsOf(
  bytes: Uint8Array,
  type: TypeName,
  { shape, strides, offset }: Strided,
  little = true,
): Float32Array<ArrayBuffer> {
  const { width, read } = NUMBER_TYPES[type];
  const count = elements(shape);
  const dense = denseStrides(shape);
  if (count === 0 || shape.every((n, i) => n === 1 || strides[i] === dense[i]))
    return floatsAt(bytes, NUMBER_TYPES[type], offset * width, count, little);
  const data = new Float32Array(count);
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
