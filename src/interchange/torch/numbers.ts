import { elements } from "../../compiler/graph.ts";
import { floatsAt, NUMBER_TYPES, type TypeName } from "../../safetensors/number-types.ts";
import { denseStrides, eachPlace, evenly } from "../places.ts";

/** Where a tensor's numbers lie in its storage, counted in numbers. */
export interface Strided {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
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
  eachPlace(
    shape.map((size, axis) => evenly(size, strides[axis]!)),
    (i, place) => {
      data[i] = read(view, place * width, little);
    },
    offset,
  );
  return data;
}
