import type { Interpolation } from "../data/picture-options.ts";
import type { Plane } from "./plane.ts";

/** For each new pixel where the old ones begin that it is made of, and their shares, which sum to 1. */
interface Taps {
  readonly first: Int32Array;
  /** Shares of new pixel i: from `at[i]` to `at[i + 1]`. */
  readonly at: Int32Array;
  readonly shares: Float64Array;
  /** Most old pixels of one that are asked for again by the next. */
  readonly kept: number;
}

/**
 * A plane in another size, as tf.image.resize makes it (without antialias), which Keras calls. Arithmetic is + - * / of
 * doubles, so that it has the same bits everywhere. Beside the result it takes memory for a few rows.
 */
export function resample(
  { width, height, values }: Plane,
  toWidth: number,
  toHeight: number,
  interpolation: Interpolation,
): Plane {
  if (width === toWidth && height === toHeight) return { width, height, values };
  const columns = taps(width, toWidth, interpolation);
  const rows = taps(height, toHeight, interpolation);
  /** Old rows in their new width. */
  const narrow = Array.from({ length: rows.kept }, () => ({ y: -1, values: new Float64Array(toWidth) }));
  const narrowRow = (y: number): Float64Array => {
    const row = narrow[y % narrow.length]!;
    if (row.y === y) return row.values;
    row.y = y;
    for (let x = 0; x < toWidth; x++) {
      const from = y * width + columns.first[x]!;
      const start = columns.at[x]!;
      const end = columns.at[x + 1]!;
      let sum = 0;
      for (let k = start; k < end; k++) sum += values[from + k - start]! * columns.shares[k]!;
      row.values[x] = sum;
    }
    return row.values;
  };
  const out = new Float32Array(toWidth * toHeight);
  const sums = new Float64Array(toWidth);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0);
    for (let k = rows.at[y]!; k < rows.at[y + 1]!; k++) {
      const row = narrowRow(rows.first[y]! + k - rows.at[y]!);
      const share = rows.shares[k]!;
      for (let x = 0; x < toWidth; x++) sums[x]! += row[x]! * share;
    }
    out.set(sums, y * toWidth);
  }
  return { width: toWidth, height: toHeight, values: out };
}

function taps(from: number, to: number, interpolation: Interpolation): Taps {
  const scale = from / to;
  const radius = interpolation === "bicubic" ? 2 : 1;
  const first = new Int32Array(to);
  const at = new Int32Array(to + 1);
  // Of an area each old pixel is in one new one, or on the border of two.
  const shares: number[] = [];
  for (let i = 0; i < to; i++) {
    if (interpolation === "nearest") {
      first[i] = Math.min(Math.floor((i + 0.5) * scale), from - 1);
      shares.push(1);
    } else if (interpolation === "area") {
      const [start, end] = [i * scale, (i + 1) * scale];
      first[i] = Math.min(Math.floor(start), from - 1);
      for (let p = first[i]!; p < Math.min(Math.ceil(end), from); p++)
        shares.push((Math.min(end, p + 1) - Math.max(start, p)) / scale);
    } else {
      const centre = (i + 0.5) * scale - 0.5;
      const low = Math.floor(centre) + 1 - radius;
      const share = radius === 2 ? cubic : linear;
      first[i] = Math.max(low, 0);
      let sum = 0;
      for (let p = first[i]!; p < Math.min(low + 2 * radius, from); p++) {
        shares.push(share(Math.abs(centre - p)));
        sum += shares.at(-1)!;
      }
      // Over the border there is nothing: what there is makes up for it.
      for (let k = at[i]!; k < shares.length; k++) shares[k]! /= sum;
    }
    at[i + 1] = shares.length;
  }
  const kept = interpolation === "area" ? 2 : 2 * radius;
  return { first, at, shares: Float64Array.from(shares), kept };
}

function linear(x: number): number {
  return Math.max(0, 1 - x);
}

/** Keys's cubic convolution with a = -0.5: https://doi.org/10.1109/TASSP.1981.1163711 */
function cubic(x: number): number {
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}
