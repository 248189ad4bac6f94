// Where numbers of several axes lie: what turns layouts into each other.

/** How far apart neighbours along each axis are, of numbers that lie side by side. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** What each index of an axis adds to a place, where neighbours are as far apart. */
export const evenly = (size: number, stride: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => i * stride);

/** Calls back with each number of what has these axes, the last one fastest: which one it is, and its place, the sum of what its indices add. */
export function eachPlace(
  axes: readonly ArrayLike<number>[],
  visit: (i: number, place: number) => void,
  start = 0,
): void {
  const outer = axes.slice(0, -1);
  const inner = axes.at(-1) ?? [0];
  const count = outer.reduce((product, { length }) => product * length, inner.length);
  const index = outer.map(() => 0);
  for (let i = 0; i < count; ) {
    let place = start;
    for (let axis = 0; axis < outer.length; axis++) place += outer[axis]![index[axis]!]!;
    for (let k = 0; k < inner.length; k++) visit(i++, place + inner[k]!);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < outer[axis]!.length) break;
      index[axis] = 0;
    }
  }
}

type Numbers = Float32Array | Float64Array;

/** Numbers with their axes in another order: the result's axis i is the one that was at perm[i]. */
export function transposed(
  data: Float32Array,
  shape: readonly number[],
  perm: readonly number[],
): Float32Array<ArrayBuffer>;
export function transposed(data: Numbers, shape: readonly number[], perm: readonly number[]): Numbers;
export function transposed(data: Numbers, shape: readonly number[], perm: readonly number[]): Numbers {
  const strides = denseStrides(shape);
  const result = data.slice();
  eachPlace(
    perm.map((axis) => evenly(shape[axis]!, strides[axis]!)),
    (i, place) => {
      result[i] = data[place]!;
    },
  );
  return result;
}

/** Sizes, or axes, whose last one is that of the channels, with it in front. */
export const channelsFirst = <T>(axes: readonly T[]): T[] => [axes.at(-1)!, ...axes.slice(0, -1)];
