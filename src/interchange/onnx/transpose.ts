import { elements } from "../../compiler/graph.ts";

/** Numbers with their axes in another order: the result's axis i is the one that was at perm[i]. */
export function transposed(
  data: Float32Array,
  shape: readonly number[],
  perm: readonly number[],
): Float32Array<ArrayBuffer> {
  const rank = shape.length;
  const strides = Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  const to = perm.map((axis) => shape[axis]!);
  const steps = perm.map((axis) => strides[axis]!);
  const result = new Float32Array(elements(shape));
  const at = Array<number>(rank).fill(0);
  for (let i = 0, from = 0; i < result.length; i++) {
    result[i] = data[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++at[axis]! < to[axis]!) break;
      from -= steps[axis]! * to[axis]!;
      at[axis] = 0;
    }
  }
  return result;
}
